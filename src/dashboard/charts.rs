//! Charts as they are drawn: bars, and squares that are the darker the more there is. Here is only their geometry, in the units of
//! their view boxes; which figures they show is said by whoever makes them. Each has its figures as a table beside.

use crate::domain::metrics::{HOURS, WEEKDAYS};

use super::words;

/// How high the drawing of bars is, and how wide the place of a bar.
const HEIGHT: f64 = 100.0;
const SLOT: usize = 10;
const GAP: usize = 1;

/// So many labels stand below bars at most.
const LABELS: usize = 6;

/// Bars over time have places for so many at least, so that the first ones are not as wide as the page.
pub(super) const FEWEST_OVER_TIME: usize = 12;

/// And so many hours of a day are shown at least.
const FEWEST_HOURS: usize = 12;

/// How many shades the squares have.
const SHADES: f64 = 5.0;

/// Bars side by side, each of one part or several on top of each other.
pub(super) struct Bars {
    /// How wide the view box is.
    pub(super) width: usize,
    /// What the highest line of the scale stands for.
    pub(super) top: u32,
    /// The bars, from left to right.
    pub(super) bars: Vec<Bar>,
    /// What stands below, from left to right.
    pub(super) labels: Vec<String>,
}

/// A bar.
pub(super) struct Bar {
    /// What it is told as.
    pub(super) title: String,
    /// What stands below it.
    pub(super) label: String,
    /// Its parts, from the ground up.
    pub(super) parts: Vec<Rect>,
    /// What they stand for, in the same order.
    pub(super) values: Vec<u32>,
}

/// A part of a bar.
pub(super) struct Rect {
    /// Which of the parts it is, from 0.
    pub(super) part: usize,
    pub(super) x: usize,
    pub(super) y: f64,
    pub(super) width: usize,
    pub(super) height: f64,
}

/// What a bar shows: its label, what it is told as, and its parts from the ground up.
pub(super) struct Figures {
    pub(super) label: String,
    pub(super) title: String,
    pub(super) values: Vec<u32>,
}

impl Bars {
    /// Of these figures, with places for so many at least.
    pub(super) fn of(figures: Vec<Figures>, fewest: usize) -> Self {
        let highest = figures.iter().map(|figures| figures.values.iter().sum()).max().unwrap_or(0);
        let top = round_up(highest);
        let places = figures.len().max(fewest);
        // As many places below each label, so that labels of the same width stand where they belong.
        let step = places.div_ceil(LABELS).max(1);
        let label = |place: usize| {
            figures.get(place * step).map_or_else(String::new, |figures| figures.label.clone())
        };
        let labels: Vec<String> = (0..places.div_ceil(step)).map(label).collect();
        let bars = figures.into_iter().enumerate().map(|(place, figures)| Bar::at(place, figures, top));
        Self { width: labels.len() * step * SLOT, top, bars: bars.collect(), labels }
    }

    /// What the highest line of the scale stands for, as it is written.
    pub(super) fn highest(&self) -> String {
        words::number(self.top)
    }

    /// What the line in the middle of the scale stands for, as it is written.
    pub(super) fn middle(&self) -> String {
        words::number(self.top / 2)
    }
}

impl Bar {
    fn at(place: usize, figures: Figures, top: u32) -> Self {
        let Figures { label, title, values } = figures;
        let mut below = 0;
        let part = |(part, value): (usize, &u32)| {
            let height = share_of(*value, top);
            let y = HEIGHT - share_of(below, top) - height;
            below += value;
            Rect { part, x: place * SLOT + GAP, y, width: SLOT - 2 * GAP, height }
        };
        let parts = values.iter().enumerate().filter(|(_, value)| **value > 0).map(part).collect();
        Self { title, label, parts, values }
    }
}

fn share_of(value: u32, top: u32) -> f64 {
    // To the hundredth, which is less than anybody sees.
    (f64::from(value) / f64::from(top.max(1)) * HEIGHT * 100.0).round() / 100.0
}

/// The next number that begins with 1, 2 or 5 and has only zeros behind; of the small ones an even one, for there is no half of a
/// call in the middle of the scale.
fn round_up(value: u32) -> u32 {
    if let Some(small) = [2, 4, 6].into_iter().find(|small| *small >= value) {
        return small;
    }
    let mut power: u32 = 10;
    loop {
        for digit in [1, 2, 5] {
            match power.checked_mul(digit) {
                Some(round) if round >= value => return round,
                Some(_) => {}
                None => return value,
            }
        }
        match power.checked_mul(10) {
            Some(next) => power = next,
            None => return value,
        }
    }
}

/// The width of a bar that lies, of at most [`LYING`].
pub(super) const LYING: u32 = 1000;

/// How long a bar that lies is, where the longest stands for `most`.
pub(super) fn lying(value: u32, most: u32) -> u32 {
    let length = u64::from(value) * u64::from(LYING) / u64::from(most.max(1));
    u32::try_from(length).unwrap_or(LYING)
}

/// How dark the square of a share is that lies between nothing and `most`: 0 only where there is nothing.
pub(super) fn shade(share: f64, most: f64) -> u8 {
    if share <= 0.0 || most <= 0.0 {
        return 0;
    }
    // At most SHADES, so that nothing is cut off.
    (share / most * SHADES).ceil().clamp(1.0, SHADES) as u8
}

/// The hours between the first and the last of a week in which anything happened.
pub(super) fn hours_in_use<T>(week: &[[T; HOURS]; WEEKDAYS], is_in_use: impl Fn(&T) -> bool) -> Vec<usize> {
    let used = |hour: &usize| week.iter().any(|day| is_in_use(&day[*hour]));
    match ((0..HOURS).find(used), (0..HOURS).rev().find(used)) {
        (Some(first), Some(last)) => {
            let missing = FEWEST_HOURS.saturating_sub(last - first + 1);
            let first = first.saturating_sub(missing / 2).min(HOURS - FEWEST_HOURS);
            (first..=last.max(first + FEWEST_HOURS - 1)).collect()
        }
        _ => Vec::new(),
    }
}

/// How many of some lengths lie between limits: below the first, from there to the second, …, and from the last on.
pub(super) fn spread(lengths: impl Iterator<Item = f64>, limits: &[u32]) -> Vec<u32> {
    let mut counts = vec![0; limits.len() + 1];
    for length in lengths {
        let place = limits.iter().position(|limit| length < f64::from(*limit)).unwrap_or(limits.len());
        counts[place] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(values: &[&[u32]]) -> Vec<Figures> {
        let figures = |values: &&[u32]| Figures {
            label: format!("{}", values[0]),
            title: String::new(),
            values: values.to_vec(),
        };
        values.iter().map(figures).collect()
    }

    #[test]
    fn bars_stand_on_the_ground_and_on_each_other() {
        let bars = Bars::of(figures(&[&[3, 3], &[0, 6], &[0, 0]]), 0);
        assert_eq!((bars.width, bars.top, bars.middle()), (30, 6, "3".to_owned()));
        let drawn = |bar: usize| -> Vec<(usize, f64, f64)> {
            bars.bars[bar].parts.iter().map(|rect| (rect.part, rect.y, rect.height)).collect()
        };
        assert_eq!(drawn(0), [(0, 50.0, 50.0), (1, 0.0, 50.0)]);
        assert_eq!(drawn(1), [(1, 0.0, 100.0)]);
        assert!(drawn(2).is_empty());
        assert_eq!(bars.bars[1].parts[0].x, 11);
        assert!(Bars::of(Vec::new(), 0).bars.is_empty());
    }

    #[test]
    fn scales_end_with_round_numbers_and_few_labels_stand_below() {
        for (value, round) in
            [(0, 2), (1, 2), (3, 4), (5, 6), (7, 10), (11, 20), (420, 500), (999, 1000), (u32::MAX, u32::MAX)]
        {
            assert_eq!(round_up(value), round);
        }
        let many: Vec<Vec<u32>> = (0..60).map(|value| vec![value]).collect();
        let many: Vec<&[u32]> = many.iter().map(Vec::as_slice).collect();
        assert_eq!(Bars::of(figures(&many), 0).labels, ["0", "10", "20", "30", "40", "50"]);
        let few = Bars::of(figures(&[&[7], &[8], &[9]]), FEWEST_OVER_TIME);
        assert_eq!(few.labels, ["7", "9", "", "", "", ""]);
        assert_eq!(few.width, FEWEST_OVER_TIME * SLOT);
    }

    #[test]
    fn shades_lengths_and_spreads_are_within_their_bounds() {
        assert_eq!([0.0, 0.001, 0.2, 0.21, 1.0, 2.0].map(|share| shade(share, 1.0)), [0, 1, 1, 2, 5, 5]);
        assert_eq!((lying(1, 3), lying(3, 3), lying(0, 0)), (333, LYING, 0));
        assert_eq!(spread([0.0, 4.9, 5.0, 30.0].into_iter(), &[5, 10]), [2, 1, 1]);
        let mut week = [[0; HOURS]; WEEKDAYS];
        assert!(hours_in_use(&week, |calls| *calls > 0).is_empty());
        (week[2][9], week[4][11]) = (1, 1);
        assert_eq!(hours_in_use(&week, |calls| *calls > 0), (5..17).collect::<Vec<_>>());
        week[0][23] = 1;
        assert_eq!(hours_in_use(&week, |calls| *calls > 0), (9..24).collect::<Vec<_>>());
        (week[2][9], week[4][11]) = (0, 0);
        assert_eq!(hours_in_use(&week, |calls| *calls > 0), (12..24).collect::<Vec<_>>());
    }
}
