//! How bad things are in one run: how probable each trouble is. Some runs are calm, some have one trouble, some all.

use super::chance::Chance;

#[derive(Debug, Clone, Default)]
pub(super) struct Weather {
    pub(super) lost_callbacks: f64,
    pub(super) doubled_callbacks: f64,
    pub(super) late_callbacks: f64,
    /// Calls whose callbacks are all held up for as much as an hour.
    pub(super) mute_calls: f64,
    /// Requests that leave and never arrive.
    pub(super) lost_requests: f64,
    /// Answers that never come back, though a call was placed.
    pub(super) lost_answers: f64,
    /// Connections that are refused, before anything leaves.
    pub(super) unreachable: f64,
    pub(super) throttled: f64,
    pub(super) refused: f64,
    /// Exchanges with the provider that take long.
    pub(super) delay: f64,
    /// Calls that a list does not show for a while.
    pub(super) hidden_calls: f64,
    /// Questions about a call that fail, or are answered with old news.
    pub(super) bad_questions: f64,
    pub(super) slow_database: f64,
    /// Statements that fail, before or after they took effect.
    pub(super) failing_database: f64,
    pub(super) lost_wakes: f64,
    /// Per dial, within about a second of it: the process dies.
    pub(super) crashes: f64,
    /// Another process is started beside those that run.
    pub(super) joins: f64,
    /// The process is told to stop, and does so in good order.
    pub(super) stops: f64,
    /// Calls that fail on the way.
    pub(super) failing_calls: f64,
    /// The process stands still for a while.
    pub(super) freezes: f64,
    pub(super) pauses: f64,
    pub(super) suppressions: f64,
    /// Per claim: the contact asks to be called at another time.
    pub(super) callbacks_asked_for: f64,
    /// Per question to the server that is asked before each call: there is no answer.
    pub(super) silent_servers: f64,
    /// Or the call is vetoed; as often it is postponed.
    pub(super) vetoes: f64,
}

impl Weather {
    pub(super) fn draw(chance: &mut Chance) -> Self {
        let mut often = |low: f64, high: f64| chance.pick(&[0.0, 0.0, low, high]);
        Self {
            lost_callbacks: often(0.1, 0.9),
            doubled_callbacks: often(0.05, 0.1),
            late_callbacks: often(0.1, 0.6),
            mute_calls: often(0.1, 0.7),
            lost_requests: often(0.02, 0.2),
            lost_answers: often(0.05, 0.5),
            unreachable: often(0.05, 0.4),
            throttled: often(0.05, 0.4),
            refused: often(0.05, 0.3),
            delay: often(0.1, 0.6),
            hidden_calls: often(0.3, 0.9),
            bad_questions: often(0.1, 0.5),
            slow_database: often(0.02, 0.2),
            failing_database: often(0.01, 0.08),
            lost_wakes: often(0.1, 0.7),
            crashes: often(0.05, 0.3),
            joins: often(0.05, 0.2),
            stops: often(0.05, 0.2),
            failing_calls: often(0.5, 0.97),
            freezes: often(0.05, 0.3),
            pauses: often(0.05, 0.3),
            suppressions: often(0.05, 0.2),
            callbacks_asked_for: often(0.1, 0.3),
            silent_servers: often(0.1, 0.5),
            vetoes: often(0.05, 0.2),
        }
    }
}
