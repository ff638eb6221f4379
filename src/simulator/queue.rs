//! The account's queue: calls leave it at the account's calls per second, and wait their turn when more are placed.
//!
//! Turns are real time, whatever the simulator's clock runs, because the dialer's pace is real too.

use std::time::Duration;

/// A queue is full when the last in it would wait longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug)]
pub(super) struct Queue {
    between: Duration,
    /// When the next turn is, since the start.
    next: Duration,
}

impl Queue {
    pub(super) fn new(calls_per_second: u32) -> Self {
        Self { between: Duration::from_secs(1) / calls_per_second.max(1), next: Duration::ZERO }
    }

    /// Joins the queue. The turn is an instant since the start, which may be this moment; none if the queue is full.
    pub(super) fn join(&mut self, now: Duration) -> Option<Duration> {
        let turn = self.next.max(now);
        if turn - now >= LONGEST_WAIT {
            return None;
        }
        self.next = turn + self.between;
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_leave_one_after_the_other_and_idle_time_is_not_saved_up() {
        let mut queue = Queue::new(2);
        let ms = Duration::from_millis;
        assert_eq!(queue.join(ms(100)), Some(ms(100)));
        assert_eq!(queue.join(ms(100)), Some(ms(600)));
        assert_eq!(queue.join(ms(200)), Some(ms(1100)));
        assert_eq!(queue.join(ms(9000)), Some(ms(9000)));
        assert_eq!(queue.join(ms(9000)), Some(ms(9500)));
    }

    #[test]
    fn a_queue_holds_a_day_of_calls() {
        let mut queue = Queue::new(1);
        let joined = (0..90_000).filter(|_| queue.join(Duration::ZERO).is_some()).count();
        assert_eq!(joined, 86_400);
    }
}
