//! Ways to build the dialer wrong. Each was a plausible line of code; the promises must notice all of them.

/// A deliberate defect of the shell or the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Sends the request again when its answer was lost.
    RepeatsLostRequests,
    /// Takes an attempt back when the answer to its request was lost, as if nothing had left.
    TakesBackLostRequests,
    /// Dials at any hour.
    IgnoresHours,
    /// Neither looks once more before the request leaves nor gives up after a second.
    ForgetsTheSecond,
    /// Leaves an ended attempt as it is.
    NeverSettles,
    /// Asks nobody about a silent call.
    NeverReconciles,
    /// Makes a contact due again at once.
    RetriesAtOnce,
    /// Claims a number that another campaign is calling.
    ClaimsTakenNumbers,
    /// Claims suppressed numbers.
    ClaimsSuppressedNumbers,
    /// Lets anybody decide about a campaign, whoever owns it.
    IgnoresTheFence,
    /// Leaves alone what belonged to somebody who is dead.
    NeverTakesOver,
    /// Goes on calling however many calls fail.
    IgnoresFailures,
    /// Goes on calling while the provider wants no calls.
    IgnoresClosures,
    /// Keeps the instant at which an unknown attempt was given up as the end of its call.
    EndsUnknownCallsAtGivingUp,
    /// Forgets to give back what was counted for an attempt that is opened again.
    CountsReopenedAttemptsTwice,
    /// Settles by the policy alone, whatever was asked for during the call.
    ForgetsCallbacks,
    /// Heeds only the first of the zones that somebody may be in.
    ForgetsAZone,
    /// Heeds the rules for everybody, and not those of the place where somebody is.
    ForgetsThePlace,
    /// Calls up to the last second of the hours, however long it may ring.
    IgnoresTheRing,
    /// Calls whoever is first, whomever the server was asked about.
    TakesAnyWord,
    /// Goes on by the settings with which the campaign was started.
    KeepsOldSettings,
}
