//! Carrying out a step: the only place where a decision meets the database and the provider.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{info, warn};
use uuid::Uuid;

use crate::db::accounts;
use crate::db::attempts::{
    Heard, Settlement, Trace, adopt, find_trace, list_owned_sids, note_asked, note_end_asked, record, reopen,
};
use crate::db::campaigns::make_move;
use crate::db::look::Look;
use crate::db::{Error, Ownership};
use crate::domain::attempt::{Facts, Report, Source, Status};
use crate::domain::campaign::Move;
use crate::domain::dialer::{Because, Ending, HaltReason, Step};
use crate::domain::outcome::Outcome;
use crate::domain::reconcile::Silence;
use crate::domain::retry::Ended;
use crate::twilio::call::CallRecord;
use crate::twilio::client::ReadError;
use crate::twilio::wire::latest_meant;

use super::ask_price::ask_price;
use super::consult::consult;
use super::dial::{dial, take_back};
use super::recur::recur;
use super::switchboard::Switchboard;
use super::taken_back::TakenBack;
use super::turn::{Carried, Memory};

/// How long is waited after the provider could not be asked.
const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(10);

/// How long is waited after the provider could not be asked to end a call: it goes on ringing meanwhile.
const END_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(2);

/// By how much the provider's clock may be behind ours. An earlier attempt of ours that lost its call is given up three
/// minutes after its intent, so a call that is younger than that can only be this one's.
const CLOCKS_DIFFER_BY: TimeDelta = TimeDelta::seconds(60);

pub(super) async fn carry_out(
    board: &Switchboard,
    owner: Ownership,
    step: Step,
    look: &Look,
    memory: &mut Memory,
) -> Result<Carried, Error> {
    match step {
        Step::Start => {
            if let Some(recurrence) = &look.known.settings.schedule {
                return recur(board, owner, recurrence, look).await;
            }
            if make_move(&board.database, owner, Move::Begin, None, board.clock.now()).await? {
                info!("begins");
            }
            Ok(Carried::Out)
        }
        Step::Finish => {
            if make_move(&board.database, owner, Move::Finish, None, board.clock.now()).await? {
                info!("completed: everybody is final");
            }
            Ok(Carried::Out)
        }
        Step::Pause { because } => {
            pause(board, owner, because, look).await?;
            Ok(Carried::Out)
        }
        Step::Settle { attempt, outcome, ended_at, verdict } => {
            let last_word = look.open.as_ref().and_then(|open| open.stage.heard_at());
            let settlement = Settlement {
                attempt,
                outcome,
                verdict,
                call_ended_at: Some(ended_at),
                error: None,
                last_word,
            };
            if board.settle(owner, &settlement, board.clock.now()).await? {
                info!(attempt.id = %attempt, %outcome, "settled");
            }
            Ok(Carried::Out)
        }
        Step::Reopen { attempt } => {
            if reopen(&board.database, owner, attempt, board.clock.now()).await? {
                info!(attempt.id = %attempt, "given up as unknown, and alive after all");
                return Ok(Carried::Out);
            }
            Ok(Carried::NotYet { until: board.clock.now() + ASK_AGAIN_AFTER, because: Because::CallOpen })
        }
        Step::HangUp { attempt, ending } => hang_up(board, owner, attempt, ending).await,
        Step::Reconcile { attempt, silence } => reconcile(board, owner, attempt, silence, look).await,
        Step::AskPrice { before, .. } => match &look.unpriced {
            Some(call) => ask_price(board, owner, call, before).await,
            None => Ok(Carried::Out),
        },
        Step::Ask => consult(board, owner, look, memory).await,
        Step::Dial => dial(board, owner, look, memory).await,
        // The shell keeps these to itself: there is nothing to carry out.
        Step::Wait { until, because } => Ok(Carried::NotYet { until, because }),
        Step::Stop => Ok(Carried::Out),
    }
}

async fn pause(board: &Switchboard, owner: Ownership, because: HaltReason, look: &Look) -> Result<(), Error> {
    let (missing_zones, amounts);
    let detail = match because {
        HaltReason::OtherAccount => "it was started with another provider account than the one in use",
        HaltReason::ByPerson => "paused by a person",
        HaltReason::AccountRefused => "the provider refuses the account",
        HaltReason::SenderRefused => "the provider refuses the calling number",
        HaltReason::RequestRefused => "the provider does not understand the request",
        HaltReason::AgentUnreadable => "what is kept of its agent cannot be read",
        HaltReason::ContactsFail => "several contacts in a row made it fail and were set aside",
        HaltReason::LimitReached => {
            "it has called as many contacts as it was started for; resume it to call the others"
        }
        HaltReason::SpendCap => {
            let (spent, settings) = (look.spend.spent, &look.known.settings);
            let most = settings.max_spend.map(|most| format!(" of {most}")).unwrap_or_default();
            amounts = format!("its calls have cost {spent}, and its max_spend{most} allows no more of them");
            &amounts
        }
        HaltReason::RulesMissing => {
            "a pack of rules that its settings name is not there; bring it back, or name others"
        }
        HaltReason::ZoneMissing => {
            let names: Vec<&str> = look.missing_zones.keys().map(AsRef::as_ref).collect();
            missing_zones = format!(
                "the time zones in use do not know {}, which all contacts that are left are in; name newer ones in \
                 OUTDIAL_ZONEINFO, or none to use those that come with the program, and resume it",
                names.join(", "),
            );
            &missing_zones
        }
    };
    if make_move(&board.database, owner, Move::Pause, Some((because, detail)), board.clock.now()).await? {
        warn!(reason = %because, "paused");
    }
    Ok(())
}

async fn hang_up(
    board: &Switchboard,
    owner: Ownership,
    attempt: Uuid,
    ending: Ending,
) -> Result<Carried, Error> {
    let trace = find_trace(&board.database, attempt).await?;
    let Some(sid) = trace.and_then(|trace| trace.sid) else { return Ok(Carried::Out) };
    let call = match board.reads("end", board.client.end_call(&sid, ending)).await {
        Ok(call) => call,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            warn!(attempt.id = %attempt, call.sid = %sid, error, "a call that is to be ended could not be");
            let until = board.clock.now() + END_AGAIN_AFTER;
            return Ok(Carried::NotYet { until, because: Because::CallOpen });
        }
    };
    let now = board.clock.now();
    note_end_asked(&board.database, attempt, now).await?;
    if let Some(call) = call {
        info!(attempt.id = %attempt, call.sid = %sid, status = %call.status, "asked to end the call");
        if call.status == Status::Canceled && call.started_at.is_none() {
            // Before its end is recorded, which by itself would count as a call.
            info!(attempt.id = %attempt, "it was never dialed, taken back");
            take_back(board, owner, attempt, TakenBack::EndedUndialed).await?;
        }
        let heard = Heard { campaign: owner.campaign, attempt, sid, facts: Facts::from(&report(&call, now)) };
        for recorded in record(&board.database, &[heard], now).await? {
            recorded?;
        }
    }
    Ok(Carried::Out)
}

async fn reconcile(
    board: &Switchboard,
    owner: Ownership,
    attempt: Uuid,
    silence: Silence,
    look: &Look,
) -> Result<Carried, Error> {
    let asked_at = board.clock.now();
    let asked = ask(board, owner, attempt).await;
    let now = board.clock.now();
    match asked {
        Ok(Trail::Found) => {}
        Err(Trouble::Database(error)) => return Err(error),
        Err(Trouble::Provider(error)) => {
            warn!(
                attempt.id = %attempt,
                error = &error as &dyn std::error::Error,
                "the provider could not be asked about a silent call",
            );
            return Ok(Carried::NotYet { until: now + ASK_AGAIN_AFTER, because: Because::CallOpen });
        }
        Ok(Trail::Cold) if silence.is_traceless(look.known.settings.ring_time(), asked_at) => {
            let outcome = Outcome::Unknown;
            let earlier = look.open.as_ref().map(|open| open.earlier).unwrap_or_default();
            let verdict =
                look.known.settings.verdict(&Ended { outcome, at: now, earlier }, board.moment().jitter);
            let (call_ended_at, last_word) = (Some(now), silence.heard_at());
            let settlement = Settlement { attempt, outcome, verdict, call_ended_at, error: None, last_word };
            if board.settle(owner, &settlement, now).await? {
                warn!(attempt.id = %attempt, "no trace of a call was found, given up as unknown");
            }
        }
        Ok(Trail::Cold) => {}
    }
    Ok(Carried::Out)
}

/// What asking the provider about a silent call came to.
enum Trail {
    /// It told something, which is recorded.
    Found,
    /// It knows of no such call.
    Cold,
}

enum Trouble {
    Database(Error),
    Provider(ReadError),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        Self::Provider(error)
    }
}

async fn ask(board: &Switchboard, owner: Ownership, attempt: Uuid) -> Result<Trail, Trouble> {
    let Some(trace) = find_trace(&board.database, attempt).await? else { return Ok(Trail::Found) };
    let call = match &trace.sid {
        Some(sid) => board.reads("fetch", board.client.fetch_call(sid)).await?,
        None => look_for(board, attempt, &trace).await?,
    };
    let now = board.clock.now();
    note_asked(&board.database, attempt, now).await?;
    let Some(call) = call else { return Ok(Trail::Cold) };
    let heard = Heard {
        campaign: owner.campaign,
        attempt,
        sid: call.sid.clone(),
        facts: Facts::from(&report(&call, now)),
    };
    for recorded in record(&board.database, &[heard], now).await? {
        recorded?;
    }
    accounts::clear_troubles(&board.database, &board.account_sid).await?;
    Ok(Trail::Found)
}

/// Looks for the call of an attempt whose answer was lost, and adopts it if there is exactly one that it can be.
async fn look_for(board: &Switchboard, attempt: Uuid, trace: &Trace) -> Result<Option<CallRecord>, Trouble> {
    let calls = board.reads("list", board.client.list_calls(&trace.to, &trace.from)).await?;
    let sids: Vec<&str> = calls.iter().map(|call| call.sid.as_str()).collect();
    let owned = list_owned_sids(&board.database, &sids).await?;
    let earliest = trace.intended_at - CLOCKS_DIFFER_BY;
    let made_since = |call: &CallRecord| call.created_at.is_none_or(|at| at >= earliest);
    // A call that another call dialed was placed by no request of ours.
    let may_be_ours =
        |call: &CallRecord| call.parent_sid.is_none() && made_since(call) && !owned.contains(&call.sid);
    let mut candidates = calls.into_iter().filter(may_be_ours);
    let (Some(call), None) = (candidates.next(), candidates.next()) else {
        // Which of several is ours cannot be known; a callback will say.
        return Ok(None);
    };
    let adopted = adopt(&board.database, attempt, &call.sid, board.clock.now()).await?;
    Ok(adopted.then_some(call))
}

/// What the provider's record of a call reports.
fn report(call: &CallRecord, now: DateTime<Utc>) -> Report {
    Report {
        status: call.status,
        source: Source::Fetch,
        sequence: 0,
        at: call.ended_at.filter(|_| call.status.is_end()).map_or(now, |at| latest_meant(at).min(now)),
        duration_seconds: call.duration_seconds.filter(|_| call.status.is_end()),
        answered_by: call.answered_by,
        sip_code: None,
    }
}
