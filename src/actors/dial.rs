//! One call: claim, commit, look once more, place, record. DESIGN's life of one call, steps 1 to 3.

use chrono::{DateTime, Utc};
use tracing::{info, warn};
use uuid::Uuid;

use crate::clock::{Deadline, Stopwatch};
use crate::db::attempts::{
    Claim, ClaimedAttempt, Heard, Permission, Settlement, Whose, attempt_id, claim_next, find_earlier,
    look_once_more, record, reset_cursors, settle_and_halt,
};
use crate::db::look::Look;
use crate::db::nodes::let_go;
use crate::db::suppressions::{NewSuppression, suppress};
use crate::db::words::Word;
use crate::db::{Error, Ownership, accounts};
use crate::domain::attempt::{Facts, Report, Source};
use crate::domain::before_call::Duty;
use crate::domain::campaign::Move;
use crate::domain::contactable::Terms;
use crate::domain::dialer::{Because, Closure, DIAL_WITHIN, HaltReason, ready_queues};
use crate::domain::outcome::Outcome;
use crate::domain::phone::Phone;
use crate::domain::retry::{Ended, TAKEN_BACK_PAUSE, Verdict};
use crate::domain::suppression;
use crate::telemetry::{Part, Said};
use crate::twilio::call::Instructions;
use crate::twilio::client::{CreateError, Placed};
use crate::twilio::errors::{Fault, explain, meaning};

use super::consult::Consent;
use super::neighbors::tell_others;
use super::speech;
use super::switchboard::Switchboard;
use super::taken_back::TakenBack;
use super::turn::{Carried, Memory};

/// How long a campaign waits whose claim found nobody twice although somebody seemed due.
const PUZZLED_FOR: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

/// How long a campaign waits whose first contact may not be called after all, or that has no place, before looking again.
const LOOK_AGAIN_AFTER: chrono::TimeDelta = chrono::TimeDelta::seconds(1);

pub(super) async fn dial(
    board: &Switchboard,
    owner: Ownership,
    look: &Look,
    memory: &mut Memory,
) -> Result<Carried, Error> {
    // A graceful stop waits until what came of it is written: what is not cannot be decided any more afterwards.
    let _placing = board.placing.begin();
    if board.leaving.contains(owner.campaign) && let_go(&board.database, owner).await? {
        info!("handed over to another node");
        tell_others(board.database.clone(), board.node, Word::Ownerless).await;
        return Ok(Carried::Out);
    }
    // Real time, whatever the clock's course: it is what a pause or an opt-out may come too late for.
    let deadline = Deadline::within(DIAL_WITHIN.to_std().unwrap_or_default());
    let settings = &look.known.settings;
    // The decision to dial was made by them: they are there.
    let Ok(rules) = board.rules(settings) else { return Ok(Carried::Out) };
    let terms = Terms::of(settings, &rules);
    let now = board.clock.now();
    let ready = ready_queues(&look.queues, &terms, now);
    if ready.is_empty() {
        // The hours have ended since somebody looked.
        return Ok(Carried::Out);
    }
    let Some(whose) = may_begin(look, memory, now) else { return Ok(Carried::Out) };
    // Should it remain unknown whether the claim was committed, the attempt is taken back if it is there: nothing has left.
    let id = attempt_id(now);
    memory.unsent = Some(id);
    let claiming = Stopwatch::start();
    let claim = claim_next(&board.database, (owner, look.team), &terms, (&ready, whose), (id, now)).await?;
    memory.unsent = matches!(claim, Claim::Attempt(_)).then_some(id);
    if !matches!(claim, Claim::Nobody) {
        memory.empty_claims = 0;
    }
    let attempt = match claim {
        Claim::Attempt(attempt) => attempt,
        Claim::Suppressed(contact) => {
            info!(contact.id = %contact, "suppressed, not called");
            return Ok(Carried::Out);
        }
        Claim::PassedOver(contact) => {
            info!(contact.id = %contact, "its number is being called by another campaign, passed over");
            return Ok(Carried::Out);
        }
        Claim::Blocked(contact) => {
            info!(contact.id = %contact, "nothing tells its time zone, not called");
            return Ok(Carried::Out);
        }
        Claim::Capped(contact) => {
            info!(contact.id = %contact, "its number was called often enough, put off");
            return Ok(Carried::Out);
        }
        Claim::NotNow => {
            let until = board.clock.now() + LOOK_AGAIN_AFTER;
            return Ok(Carried::NotYet { until, because: Because::NobodyDue });
        }
        Claim::Another => {
            memory.consent = None;
            return Ok(Carried::Out);
        }
        Claim::DayIsFull | Claim::SpendCap | Claim::LimitReached | Claim::Refiled(_) | Claim::NotOurs => {
            return Ok(Carried::Out);
        }
        Claim::Nobody => {
            memory.consent = None;
            return nobody(board, owner, memory).await;
        }
    };
    // Whoever is called again is asked about again.
    memory.consent = None;
    if board.tracer.is_on() {
        let (begun, ended) = board.span(claiming);
        let said = [("campaign.id", Said::Id(owner.campaign))];
        board.tracer.tell(attempt.id, Part::Wake, (board.span(memory.woken).0, begun), &said);
        board.tracer.tell(attempt.id, Part::Claim, (begun, ended), &said);
    }
    // From here on the intent exists, and until the request is written nothing has left: should the database fail
    // in between, the attempt is taken back as soon as it answers again.
    if Phone::from_e164(&attempt.phone).is_err() {
        forbid(board, owner, look, &attempt).await?;
        memory.unsent = None;
        return Ok(Carried::Out);
    }
    if let Err(why) = permit(board, owner, look, &terms, &attempt).await? {
        info!(attempt.id = %attempt.id, why = why.sentence(), "taken back");
        take_back(board, owner, attempt.id, why).await?;
        memory.unsent = None;
        return Ok(Carried::Out);
    }
    let Some(request) = speech::request(&board.urls, owner.campaign, &attempt, &look.known.settings) else {
        fail(board, owner, &attempt).await?;
        memory.unsent = None;
        return Ok(Carried::Out);
    };
    if matches!(request.instructions, Instructions::Url(_)) || look.known.settings.opt_out_digit.is_some() {
        board.speeches.keep(owner.campaign, &attempt, &look.known.settings);
    }
    let account = (&board.database, board.account_sid.as_str());
    let leaves_by = board.pace.wait(&mut memory.place, account, deadline).await?;
    // The wait was not long, and may have been too long all the same.
    let Some(leaves_by) = leaves_by.filter(|_| board.lease.is_held()) else {
        info!(attempt.id = %attempt.id, "no place came within the second, taken back");
        take_back(board, owner, attempt.id, TakenBack::NoPlace).await?;
        memory.unsent = None;
        // A place that comes later is given back until then: with it in hand the next contact would be claimed at once.
        let until = board.clock.now() + LOOK_AGAIN_AFTER;
        return Ok(Carried::NotYet { until, because: Because::RateLimited });
    };
    board.meters.dials_after(memory.woken.elapsed());
    let asked = Stopwatch::start();
    let answer = board.client.create_call(&request, leaves_by).await;
    board.meters.asked_provider("create", result_of(&answer), asked.elapsed());
    if board.tracer.is_on() {
        let said = [("campaign.id", Said::Id(owner.campaign)), ("result", Said::Word(result_of(&answer)))];
        board.tracer.tell(attempt.id, Part::Request, board.span(asked), &said);
    }
    if matches!(answer, Ok(_) | Err(CreateError::Unknown { .. })) {
        memory.unsent = None;
    }
    record_answer(board, owner, look, &attempt, answer).await?;
    memory.unsent = None;
    Ok(Carried::Out)
}

/// Whose call a claim may begin; none if somebody is to be asked before, and has said nothing yet.
fn may_begin(look: &Look, memory: &Memory, now: DateTime<Utc>) -> Option<Whose> {
    let Some(asking) = look.known.settings.before_call else { return Some(Whose::Anybody) };
    let consent = memory.consent.as_ref().filter(|consent| consent.is_good(&look.known));
    match asking.duty(&look.hook, consent.is_some(), now) {
        Duty::Call => Some(consent.map_or(Whose::Anybody, Consent::whose)),
        Duty::Ask | Duty::Wait { .. } => None,
    }
}

/// Ends an attempt of which nothing has left: its contact is due again shortly, and the backoff does not count it. Why is
/// kept with it.
pub(super) async fn take_back(
    board: &Switchboard,
    owner: Ownership,
    attempt: Uuid,
    why: TakenBack,
) -> Result<(), Error> {
    let now = board.clock.now();
    let settlement = taken_back(attempt, (None, why.sentence().to_owned()), now);
    if board.settle(owner, &settlement, now).await? {
        board.meters.taken_back(why.as_str());
    }
    Ok(())
}

/// What a request to place a call came to, in a word.
fn result_of(answer: &Result<Placed, CreateError>) -> &'static str {
    answer.as_ref().map_or_else(CreateError::as_word, |_| "ok")
}

/// The settlement of an attempt that is taken back, with the provider's code and the reason.
fn taken_back(attempt: Uuid, why: (Option<u32>, String), now: DateTime<Utc>) -> Settlement {
    Settlement {
        attempt,
        outcome: Outcome::NotPlaced,
        verdict: Verdict::Due(now + TAKEN_BACK_PAUSE),
        call_ended_at: None,
        error: Some(why),
        last_word: None,
    }
}

/// Looks once more, within the second, at everything that may have forbidden the call since it was decided on.
async fn permit(
    board: &Switchboard,
    owner: Ownership,
    look: &Look,
    terms: &Terms<'_>,
    attempt: &ClaimedAttempt,
) -> Result<Result<(), TakenBack>, Error> {
    if attempt.settings_version != look.known.settings_version {
        return Ok(Err(TakenBack::Edited));
    }
    match look_once_more(&board.database, owner, attempt, board.clock.now()).await? {
        Permission::Granted => {}
        Permission::Suppressed => return Ok(Err(TakenBack::Suppressed)),
        Permission::Withdrawn => return Ok(Err(TakenBack::Withdrawn)),
    }
    if !terms.is_open(&attempt.area, board.clock.now()).unwrap_or(false) {
        return Ok(Err(TakenBack::HoursOver));
    }
    if !board.lease.is_held() {
        return Ok(Err(TakenBack::LeaseLost));
    }
    Ok(Ok(()))
}

/// The import lets no such number in, so somebody else has put it there. Twilio would really call an emergency service.
async fn forbid(
    board: &Switchboard,
    owner: Ownership,
    look: &Look,
    attempt: &ClaimedAttempt,
) -> Result<(), Error> {
    warn!(attempt.id = %attempt.id, "its number is none that may ever be dialed");
    let error = (None, "the number is no E.164 number that may be dialed".to_owned());
    let settlement = given_up(board, look, attempt, Outcome::InvalidNumber, error).await?;
    board.settle(owner, &settlement, board.clock.now()).await?;
    Ok(())
}

/// The settlement of an attempt that can come to nothing, and of which nothing has left.
async fn given_up(
    board: &Switchboard,
    look: &Look,
    attempt: &ClaimedAttempt,
    outcome: Outcome,
    error: (Option<u32>, String),
) -> Result<Settlement, Error> {
    let earlier = find_earlier(&board.database, attempt.contact, &look.known.settings.timezone).await?;
    let moment = board.moment();
    let verdict = look.known.settings.verdict(&Ended { outcome, at: moment.now, earlier }, moment.jitter);
    Ok(Settlement {
        attempt: attempt.id,
        outcome,
        verdict,
        call_ended_at: None,
        error: Some(error),
        last_word: None,
    })
}

/// What the campaign keeps of its agent cannot be read, and no resume would help.
async fn fail(board: &Switchboard, owner: Ownership, attempt: &ClaimedAttempt) -> Result<(), Error> {
    let now = board.clock.now();
    let reason =
        (HaltReason::AgentUnreadable, "what the campaign keeps of its agent and script cannot be read");
    let settlement = taken_back(attempt.id, (None, reason.1.to_owned()), now);
    let since = Stopwatch::start();
    if settle_and_halt(&board.database, owner, &settlement, Move::Fail, reason, now).await? {
        board.settled(owner, attempt.id, Outcome::NotPlaced, since);
        board.meters.taken_back(TakenBack::AgentUnreadable.as_str());
    }
    warn!(attempt.id = %attempt.id, "the agent's snapshot cannot be read, the campaign has failed");
    Ok(())
}

/// Somebody seemed due and the claim found nobody: the cursors are set back, once. If that does not help, the
/// campaign waits and somebody should look at it.
async fn nobody(board: &Switchboard, owner: Ownership, memory: &mut Memory) -> Result<Carried, Error> {
    memory.empty_claims += 1;
    if memory.empty_claims == 1 {
        reset_cursors(&board.database, owner).await?;
        return Ok(Carried::Out);
    }
    warn!(empty_claims = memory.empty_claims, "somebody seems due and no claim finds anybody");
    Ok(Carried::NotYet { until: board.clock.now() + PUZZLED_FOR, because: Because::NobodyDue })
}

async fn record_answer(
    board: &Switchboard,
    owner: Ownership,
    look: &Look,
    attempt: &ClaimedAttempt,
    answer: Result<Placed, CreateError>,
) -> Result<(), Error> {
    let provider_works = match &answer {
        Ok(_) => true,
        Err(CreateError::Refused { http, code, .. }) => meaning(*http, *code) != Fault::Moment,
        Err(_) => false,
    };
    match answer {
        Ok(placed) => {
            info!(attempt.id = %attempt.id, call.sid = %placed.sid, "placed");
            record_placed(board, owner, attempt.id, placed).await?;
        }
        Err(CreateError::TooLate) => {
            warn!(attempt.id = %attempt.id, "the second was over before the request was written, taken back");
            take_back(board, owner, attempt.id, TakenBack::TooLate).await?;
        }
        Err(CreateError::NotSent { cause }) => {
            warn!(attempt.id = %attempt.id, %cause, "the provider cannot be reached, taken back");
            take_back(board, owner, attempt.id, TakenBack::NotSent).await?;
            accounts::close(&board.database, &board.account_sid, Closure::ProviderDown, None).await?;
        }
        Err(CreateError::Throttled { retry_after }) => {
            warn!(attempt.id = %attempt.id, "the provider asks for patience, taken back");
            take_back(board, owner, attempt.id, TakenBack::Throttled).await?;
            accounts::close(&board.database, &board.account_sid, Closure::RateLimited, retry_after).await?;
        }
        Err(CreateError::Unknown { cause }) => {
            warn!(attempt.id = %attempt.id, %cause, "the answer was lost: whether a call was placed will be asked");
            accounts::close(&board.database, &board.account_sid, Closure::ProviderDown, None).await?;
        }
        Err(CreateError::Refused { http, code, message }) => {
            warn!(attempt.id = %attempt.id, http, code, "refused");
            refused(board, owner, look, attempt, meaning(http, code), (code, message)).await?;
        }
    }
    if provider_works && look.account_had_troubles {
        accounts::clear_troubles(&board.database, &board.account_sid).await?;
    }
    Ok(())
}

async fn record_placed(
    board: &Switchboard,
    owner: Ownership,
    attempt: Uuid,
    placed: Placed,
) -> Result<(), Error> {
    let now = board.clock.now();
    let report = Report {
        status: placed.status,
        source: Source::Answer,
        sequence: 0,
        at: now,
        duration_seconds: None,
        answered_by: None,
        sip_code: None,
    };
    let heard = Heard { campaign: owner.campaign, attempt, sid: placed.sid, facts: Facts::from(&report) };
    for recorded in record(&board.database, &[heard], now).await? {
        recorded?;
    }
    Ok(())
}

/// The provider's word that a person has opted out there holds for every campaign of the team.
async fn opted_out(board: &Switchboard, attempt: &ClaimedAttempt, code: Option<u32>) -> Result<(), Error> {
    let code = code.map_or_else(|| "no code".to_owned(), |code| format!("code {code}"));
    let told = NewSuppression {
        phone: attempt.phone.clone(),
        reason: format!("the provider says that this person has opted out ({code})"),
        source: suppression::Source::Provider,
        note: None,
        expires_at: None,
    };
    suppress(&board.database, attempt.team, &told, board.clock.now()).await?;
    info!(attempt.id = %attempt.id, "the provider says that the person has opted out, suppressed");
    Ok(())
}

/// Nothing was dialed; whose fault it is says what becomes of contact, campaign and account.
async fn refused(
    board: &Switchboard,
    owner: Ownership,
    look: &Look,
    attempt: &ClaimedAttempt,
    fault: Fault,
    error: (Option<u32>, String),
) -> Result<(), Error> {
    let now = board.clock.now();
    let taken_back = taken_back(attempt.id, error.clone(), now);
    let pause = match fault {
        Fault::Contact(outcome) => {
            let ended = given_up(board, look, attempt, outcome, error).await?;
            board.settle(owner, &ended, now).await?;
            return Ok(());
        }
        Fault::OptedOut => {
            opted_out(board, attempt, error.0).await?;
            let ended = given_up(board, look, attempt, Outcome::Blocked, error).await?;
            board.settle(owner, &ended, now).await?;
            return Ok(());
        }
        Fault::Destination => {
            let ended = given_up(board, look, attempt, Outcome::Blocked, error).await?;
            board.settle(owner, &ended, now).await?;
            return Ok(());
        }
        Fault::Moment => {
            if board.settle(owner, &taken_back, now).await? {
                board.meters.taken_back(TakenBack::Throttled.as_str());
            }
            accounts::close(&board.database, &board.account_sid, Closure::RateLimited, None).await?;
            return Ok(());
        }
        Fault::Account => HaltReason::AccountRefused,
        Fault::Sender => HaltReason::SenderRefused,
        Fault::Request => HaltReason::RequestRefused,
    };
    let (code, message) = &error;
    let what_to_do = code.and_then(explain).unwrap_or("look it up in the provider's error dictionary");
    let code = code.map_or_else(|| "without a code".to_owned(), |code| format!("with code {code}"));
    let detail = format!("the provider refused {code}: {message}; {what_to_do}");
    let since = Stopwatch::start();
    if settle_and_halt(&board.database, owner, &taken_back, Move::Pause, (pause, &detail), now).await? {
        board.settled(owner, attempt.id, Outcome::NotPlaced, since);
        board.meters.taken_back(TakenBack::Refused.as_str());
    }
    warn!(reason = %pause, "paused");
    Ok(())
}
