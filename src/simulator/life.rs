//! The life of one call, from its turn in the queue to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::UnboundedReceiver;

use super::behavior::{AnsweredBy, Outcome};
use super::call::{Call, Command};
use super::callbacks::{Event, Postman, Release, seconds_of};
use super::stage::perform;
use super::validate::{Detection, Reporting, Target};
use super::world::World;
use crate::twilio::wire::Status;

/// A busy line says so soon, however long it would have rung.
const BUSY_AFTER_SECONDS: f64 = 2.0;

/// What machine detection will find, and after what time.
#[derive(Debug, Clone, PartialEq)]
struct Verdict {
    answered_by: &'static str,
    seconds: f64,
}

/// The call has been ended from outside.
struct Ended;

/// Lives a call through. Its record ends it: whoever ends the record, this tells of it and stops.
///
/// Things happen when they are meant to and not when a busy machine comes to them: a call whose person talks for ten
/// seconds lasts ten seconds, and only its callbacks come later.
pub(super) async fn live(
    world: Arc<World>,
    call: Arc<Call>,
    mut commands: UnboundedReceiver<Command>,
    turn: Duration,
    release: Option<Release>,
) {
    let mut postman = Postman::new(world.clone(), call.clone(), release);
    let wait = turn.saturating_sub(world.real());
    if !wait.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = ended(&mut commands) => {}
        }
    }
    let dialed_at = world.clock().now();
    // Of a call that was canceled while it was queued, nobody is told.
    if !call.dial(dialed_at, !wait.is_zero()) {
        return;
    }
    postman.report(Event::Initiated, dialed_at);
    // Ended from outside or not, the record has ended.
    let _ = progress(&world, &call, &mut commands, &mut postman, dialed_at).await;
    let ended_at = call.look(|record| record.ended_at).unwrap_or_else(|| world.clock().now());
    postman.report(Event::Completed, ended_at);
    postman.report_recording();
    postman.finish();
}

/// From the dialing to the end.
async fn progress(
    world: &Arc<World>,
    call: &Arc<Call>,
    commands: &mut UnboundedReceiver<Command>,
    postman: &mut Postman,
    dialed_at: DateTime<Utc>,
) -> Result<(), Ended> {
    let fate = &call.fate;
    let rings_at = dialed_at + seconds_of(fate.dial_seconds);
    pass(world, commands, rings_at).await?;
    if fate.outcome == Outcome::Failed {
        world.end(call, Status::Failed, 404, rings_at);
        return Ok(());
    }
    if !call.ring() {
        return Err(Ended);
    }
    postman.report(Event::Ringing, rings_at);
    let timeout = seconds_of(in_seconds(call.order.timeout_seconds));
    let rings_for = match fate.outcome {
        Outcome::Answer | Outcome::Machine => seconds_of(fate.ring_seconds),
        Outcome::Busy => seconds_of(fate.ring_seconds.min(BUSY_AFTER_SECONDS)),
        Outcome::NoAnswer | Outcome::Failed => timeout,
    };
    let answered_at = rings_at + rings_for.min(timeout);
    pass(world, commands, answered_at).await?;
    if rings_for >= timeout {
        world.end(call, Status::NoAnswer, 487, answered_at);
        return Ok(());
    }
    if fate.outcome == Outcome::Busy {
        world.end(call, Status::Busy, 486, answered_at);
        return Ok(());
    }
    if !call.answer(answered_at) {
        return Err(Ended);
    }
    postman.report(Event::Answered, answered_at);
    talk(world, call, commands, postman, answered_at).await
}

/// From the answer to the end: the script's, the called person's, the time limit's, or one that came from outside.
async fn talk(
    world: &Arc<World>,
    call: &Arc<Call>,
    commands: &mut UnboundedReceiver<Command>,
    postman: &mut Postman,
    answered_at: DateTime<Utc>,
) -> Result<(), Ended> {
    let order = &call.order;
    let verdict = order.detection.as_ref().map(|detection| verdict(call, detection));
    let (held, mut posted) = match (&order.detection, verdict) {
        (Some(Detection { reporting: Reporting::Async(target), .. }), Some(verdict)) => {
            (None, Some((verdict, target.clone())))
        }
        (_, verdict) => (verdict, None),
    };
    let posted_at = posted.as_ref().map_or(answered_at, |(verdict, _)| answered_at + verdict.after());
    let mut script = begin(world, call, held, answered_at);
    let hangs_up_at = answered_at + seconds_of(call.fate.talk_seconds);
    let mut limit = seconds_of(in_seconds(order.limit_seconds));
    let ended_at = loop {
        let until = hangs_up_at.min(answered_at + limit);
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(Command::Redirect(instructions)) => {
                    let (world, call) = (world.clone(), call.clone());
                    script = Box::pin(async move {
                        perform(&world, &call, instructions, Vec::new(), world.clock().now()).await
                    });
                }
                Some(Command::Limit(seconds)) => limit = seconds_of(in_seconds(seconds)),
                Some(Command::End) | None => return Err(Ended),
            },
            script_ended_at = &mut script => break script_ended_at.min(until),
            () = world.clock().sleep_until(posted_at), if posted.is_some() && posted_at <= until => {
                tell_verdict(call, postman, posted.take(), posted_at);
            }
            () = world.clock().sleep_until(until) => break until,
        }
    };
    // A verdict that was due before the end is told; of one that was not, nobody ever hears.
    if posted_at <= ended_at {
        tell_verdict(call, postman, posted.take(), posted_at);
    }
    world.end(call, Status::Completed, 200, ended_at);
    Ok(())
}

/// A script under way. It comes to the instant at which it ended the call.
type Script = Pin<Box<dyn Future<Output = DateTime<Utc>> + Send>>;

/// Begins the call's script; at once, or when a verdict that it waits for is known.
fn begin(world: &Arc<World>, call: &Arc<Call>, held: Option<Verdict>, answered_at: DateTime<Utc>) -> Script {
    let (world, call) = (world.clone(), call.clone());
    Box::pin(async move {
        let mut extra = Vec::new();
        let mut begins_at = answered_at;
        if let Some(verdict) = held {
            begins_at = answered_at + verdict.after();
            world.clock().sleep_until(begins_at).await;
            call.found(verdict.answered_by);
            extra.push(("AnsweredBy".to_owned(), verdict.answered_by.to_owned()));
            let took_ms = verdict.after().num_milliseconds();
            extra.push(("MachineDetectionDuration".to_owned(), took_ms.to_string()));
        }
        perform(&world, &call, call.order.instructions.clone(), extra, begins_at).await
    })
}

fn tell_verdict(
    call: &Call,
    postman: &mut Postman,
    posted: Option<(Verdict, Option<Target>)>,
    at: DateTime<Utc>,
) {
    let Some((verdict, target)) = posted else { return };
    call.found(verdict.answered_by);
    if let Some(target) = target {
        postman.report_verdict(target, verdict.answered_by, verdict.after().num_milliseconds(), at);
    }
}

impl Verdict {
    fn after(&self) -> TimeDelta {
        seconds_of(self.seconds)
    }
}

/// What detection finds on this call: in the words of its mode, and within its timeout.
fn verdict(call: &Call, detection: &Detection) -> Verdict {
    let fate = &call.fate;
    let longest = in_seconds(detection.timeout_seconds);
    let heard_after = fate.verdict_seconds + fate.greeting_seconds;
    let (answered_by, seconds, too_late) = match (fate.answered_by, detection.waits_for_end) {
        (AnsweredBy::Human, _) => ("human", fate.verdict_seconds, "unknown"),
        (AnsweredBy::Fax, _) => ("fax", fate.verdict_seconds, "unknown"),
        (AnsweredBy::Unknown, _) => ("unknown", fate.verdict_seconds, "unknown"),
        (AnsweredBy::Machine, false) => ("machine_start", fate.verdict_seconds, "unknown"),
        (AnsweredBy::Machine, true) => ("machine_end_beep", heard_after, "machine_end_other"),
    };
    match seconds <= longest {
        true => Verdict { answered_by, seconds },
        false => Verdict { answered_by: too_late, seconds: longest },
    }
}

/// Lets time pass, unless the call is ended from outside first.
async fn pass(
    world: &World,
    commands: &mut UnboundedReceiver<Command>,
    until: DateTime<Utc>,
) -> Result<(), Ended> {
    tokio::select! {
        biased;
        () = ended(commands) => Err(Ended),
        () = world.clock().sleep_until(until) => Ok(()),
    }
}

/// Comes when the call has been ended from outside.
async fn ended(commands: &mut UnboundedReceiver<Command>) {
    while !matches!(commands.recv().await, Some(Command::End) | None) {}
}

/// Seconds of a parameter, which are few.
fn in_seconds(seconds: u64) -> f64 {
    u32::try_from(seconds).map_or(f64::from(u32::MAX), f64::from)
}
