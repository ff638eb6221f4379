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
    // Of a call that was canceled while it was queued, nobody is told.
    if !call.dial(world.clock().now(), !wait.is_zero()) {
        return;
    }
    postman.report(Event::Initiated);
    let _ = progress(&world, &call, &mut commands, &mut postman).await;
    postman.report(Event::Completed);
    postman.report_recording();
    postman.finish();
}

/// From the dialing to the end. However it returns, the record has ended.
async fn progress(
    world: &Arc<World>,
    call: &Arc<Call>,
    commands: &mut UnboundedReceiver<Command>,
    postman: &mut Postman,
) -> Result<(), Ended> {
    let fate = &call.fate;
    pass(world, commands, seconds_of(fate.dial_seconds)).await?;
    if fate.outcome == Outcome::Failed {
        world.end(call, Status::Failed, 404);
        return Ok(());
    }
    if !call.ring() {
        return Err(Ended);
    }
    postman.report(Event::Ringing);
    let timeout = seconds_of(in_seconds(call.order.timeout_seconds));
    let rings = match fate.outcome {
        Outcome::Answer | Outcome::Machine => seconds_of(fate.ring_seconds),
        Outcome::Busy => seconds_of(fate.ring_seconds.min(BUSY_AFTER_SECONDS)),
        Outcome::NoAnswer | Outcome::Failed => TimeDelta::MAX,
    };
    pass(world, commands, rings.min(timeout)).await?;
    if rings >= timeout {
        world.end(call, Status::NoAnswer, 487);
        return Ok(());
    }
    if fate.outcome == Outcome::Busy {
        world.end(call, Status::Busy, 486);
        return Ok(());
    }
    let answered_at = world.clock().now();
    if !call.answer(answered_at) {
        return Err(Ended);
    }
    postman.report(Event::Answered);
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
    let (held_for, posted) = match (&order.detection, verdict) {
        (Some(Detection { reporting: Reporting::Async(target), .. }), Some(verdict)) => {
            (None, Some((verdict, target.clone())))
        }
        (_, verdict) => (verdict, None),
    };
    let mut posting: Pin<Box<dyn Future<Output = (Verdict, Option<Target>)> + Send>> = match posted {
        Some((verdict, target)) => {
            let clock = world.clock().clone();
            Box::pin(async move {
                clock.sleep_until(answered_at + seconds_of(verdict.seconds)).await;
                (verdict, target)
            })
        }
        None => Box::pin(std::future::pending()),
    };
    let mut is_posted = false;
    let mut script: Pin<Box<dyn Future<Output = ()> + Send>> = {
        let (world, call) = (world.clone(), call.clone());
        Box::pin(async move {
            let mut extra = Vec::new();
            if let Some(verdict) = held_for {
                world.clock().sleep_until(answered_at + seconds_of(verdict.seconds)).await;
                call.found(verdict.answered_by);
                extra.push(("AnsweredBy".to_owned(), verdict.answered_by.to_owned()));
                let took = seconds_of(verdict.seconds).num_milliseconds();
                extra.push(("MachineDetectionDuration".to_owned(), took.to_string()));
            }
            let instructions = call.order.instructions.clone();
            perform(&world, &call, instructions, extra).await;
        })
    };
    let hangs_up_at = answered_at + seconds_of(call.fate.talk_seconds);
    let mut limit = seconds_of(in_seconds(order.limit_seconds));
    loop {
        let until = hangs_up_at.min(answered_at + limit);
        tokio::select! {
            () = &mut script => break,
            () = world.clock().sleep_until(until) => break,
            (verdict, target) = &mut posting, if !is_posted => {
                is_posted = true;
                call.found(verdict.answered_by);
                if let Some(target) = target {
                    let took = seconds_of(verdict.seconds).num_milliseconds();
                    postman.report_verdict(target, verdict.answered_by, took);
                }
            }
            command = commands.recv() => match command {
                Some(Command::Redirect(instructions)) => {
                    let (world, call) = (world.clone(), call.clone());
                    script = Box::pin(async move { perform(&world, &call, instructions, Vec::new()).await });
                }
                Some(Command::Limit(seconds)) => limit = seconds_of(in_seconds(seconds)),
                Some(Command::End) | None => return Err(Ended),
            },
        }
    }
    world.end(call, Status::Completed, 200);
    Ok(())
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
    span: TimeDelta,
) -> Result<(), Ended> {
    let clock = world.clock();
    tokio::select! {
        biased;
        () = ended(commands) => Err(Ended),
        () = clock.sleep_until(clock.now() + span) => Ok(()),
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
