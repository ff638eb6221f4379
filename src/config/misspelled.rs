//! Variables that look like ours and are none: a slip would silently leave a setting at its default.

/// How many letters may be wrong in a name that is taken for another.
const FAR: usize = 4;

/// The beginnings by which our variables are known.
const OURS: [&str; 2] = ["OUTDIAL_", "TWILIO_"];

/// A variable that nothing reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelled {
    /// Its name.
    pub name: String,
    /// The known variable that is meant, perhaps.
    pub meant: Option<&'static str>,
}

/// Of these names those that begin as ours do and that nothing reads, each with the known one that is nearest to it.
pub(super) fn misspelled(names: impl IntoIterator<Item = String>, known: &[&'static str]) -> Vec<Misspelled> {
    let is_ours = |name: &String| OURS.iter().any(|beginning| name.starts_with(beginning));
    let mut found: Vec<Misspelled> = names
        .into_iter()
        .filter(|name| is_ours(name) && !known.contains(&name.as_str()))
        .map(|name| Misspelled { meant: nearest(&name, known), name })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let distances = known.iter().map(|known| (distance(name, known), *known));
    distances.min().filter(|(distance, _)| *distance <= FAR).map(|(_, known)| known)
}

/// How many letters have to be put in, left out or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_with_the_name_that_was_meant() {
        let known = ["OUTDIAL_CPS", "OUTDIAL_LOG", "OUTDIAL_LOG_FORMAT", "TWILIO_AUTH_TOKEN"];
        let names =
            ["OUTDIAL_LOG", "OUTDIAL_LOGFORMAT", "TWILIO_AUTHTOKEN", "OUTDIAL_SOMETHING_ELSE", "HOME"];
        let told = misspelled(names.map(str::to_owned), &known);
        let told: Vec<_> = told.iter().map(|slip| (slip.name.as_str(), slip.meant)).collect();
        assert_eq!(
            told,
            [
                ("OUTDIAL_LOGFORMAT", Some("OUTDIAL_LOG_FORMAT")),
                ("OUTDIAL_SOMETHING_ELSE", None),
                ("TWILIO_AUTHTOKEN", Some("TWILIO_AUTH_TOKEN")),
            ]
        );
    }

    #[test]
    fn the_distance_is_the_fewest_changes() {
        assert_eq!(
            [
                distance("", "abc"),
                distance("abc", "abc"),
                distance("kitten", "sitting"),
                distance("ab", "ba")
            ],
            [3, 0, 3, 2]
        );
    }
}
