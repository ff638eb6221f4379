//! Ways to build the dialer wrong, or to leave an assumption out. The model must see through each of them, or its
//! silence about the program would mean nothing.

/// One deliberate departure from the dialer that the model stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Decisions are accepted under any epoch: `campaigns::lock` without its node and epoch.
    NoFence,
    /// Nothing in the table keeps a campaign from having two open attempts.
    NoIndex,
    /// The request leaves first, and the attempt is written with its answer.
    WritesAfterRequest,
    /// A request whose answer was lost is sent again.
    RepeatsLostRequests,
    /// An attempt is taken back whose request's answer was lost, as if nothing had left.
    TakesBackLostRequests,
    /// The request leaves however much later than its claim.
    NoBudget,
    /// Settling takes the word of whoever decided on it for what it leaves, instead of naming it.
    SettlesAgain,
    /// The word that came last stands, whatever was heard before.
    Overwrites,
    /// Nobody asks the provider about a silent attempt.
    NeverAsks,
    /// An attempt is given up by the first search that finds no call.
    NoGrace,
    /// The end of the grace is judged by the clock after the search's answer, and not by when it was asked for.
    JudgesGraceAfterAnswer,
    /// An attempt is given up although it was heard of since its silence was looked at.
    GivesUpWhatWasHeard,
    /// What is heard of an attempt that was given up does not open it again: `revived_attempts` when the word's instant,
    /// taken before it waited to be written, is the earlier one.
    HeardTooEarly,
    /// No flaw of the dialer: a request that has left may stay on its way for longer than the grace.
    RequestsOutlastGrace,
}

/// What is wrong with a world.
#[derive(Debug, Clone, Copy)]
pub struct Flaws(pub &'static [Flaw]);

impl Flaws {
    pub fn have(self, flaw: Flaw) -> bool {
        self.0.contains(&flaw)
    }
}
