//! A request body that leaves once at most, in time or not at all, and knows whether it left.
//!
//! Twilio offers no idempotency key for placing a call, so whether a failed request may be repeated depends on one
//! question: had its form been handed to the connection? HTTP clients answer it by the kind of their error, if at
//! all. This body answers it by what was seen here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::clock::Deadline;

const HELD: u8 = 0;
const RELEASED: u8 = 1;
const WITHDRAWN: u8 = 2;

/// Makes a body of `form` that is released until `deadline`, and the gate that tells what became of it.
pub(super) fn single_shot(form: impl Into<Bytes>, deadline: Deadline) -> (Gate, SingleShot) {
    let state = Arc::new(AtomicU8::new(HELD));
    (Gate(Arc::clone(&state)), SingleShot { form: Some(form.into()), state, deadline })
}

/// Held by whoever waits for the answer. Once dropped, a form that is still held stays here for good: nobody would
/// hear what came of it.
pub(super) struct Gate(Arc<AtomicU8>);

impl Gate {
    /// Takes the form back. True means that not a byte of it has left, and none ever will; false that it is too
    /// late for that.
    pub(super) fn withdraw(&self) -> bool {
        match self.0.compare_exchange(HELD, WITHDRAWN, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(state) => state == WITHDRAWN,
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// The body. It yields its form in one frame, with its exact length announced, and fails if it was withdrawn or is
/// asked for after the deadline.
pub(super) struct SingleShot {
    form: Option<Bytes>,
    state: Arc<AtomicU8>,
    deadline: Deadline,
}

/// The body was asked for when it must not leave any more.
#[derive(Debug, thiserror::Error)]
#[error("expected to write the form before its deadline")]
pub(super) struct Withheld;

impl Body for SingleShot {
    type Data = Bytes;
    type Error = Withheld;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Withheld>>> {
        let Some(form) = self.form.take() else { return Poll::Ready(None) };
        let next = if self.deadline.has_passed() { WITHDRAWN } else { RELEASED };
        let moved = self.state.compare_exchange(HELD, next, Ordering::AcqRel, Ordering::Acquire);
        Poll::Ready(Some(match moved {
            Ok(_) if next == RELEASED => Ok(Frame::data(form)),
            _ => Err(Withheld),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.form.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.form.as_ref().map_or(0, |form| form.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;
    use std::time::Duration;

    use super::*;

    fn poll(body: &mut SingleShot) -> Option<Result<Bytes, Withheld>> {
        match Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.map(|frame| frame.into_data().unwrap())),
            Poll::Pending => panic!("the body never waits"),
        }
    }

    fn in_time() -> Deadline {
        Deadline::within(Duration::from_secs(60))
    }

    #[test]
    fn it_leaves_once_and_cannot_be_taken_back_afterwards() {
        let (gate, mut body) = single_shot("To=x", in_time());
        assert_eq!(body.size_hint().exact(), Some(4));
        assert!(!body.is_end_stream());
        assert_eq!(poll(&mut body).unwrap().unwrap(), "To=x");
        assert!(body.is_end_stream());
        assert!(poll(&mut body).is_none());
        assert!(!gate.withdraw());
    }

    #[test]
    fn once_taken_back_it_never_leaves() {
        let (gate, mut body) = single_shot("To=x", in_time());
        assert!(gate.withdraw());
        assert!(poll(&mut body).unwrap().is_err());
        assert!(gate.withdraw(), "taking it back twice changes nothing");
    }

    #[test]
    fn it_does_not_leave_after_its_deadline() {
        let (gate, mut body) = single_shot("To=x", Deadline::within(Duration::ZERO));
        assert!(poll(&mut body).unwrap().is_err());
        assert!(gate.withdraw());
    }

    #[test]
    fn it_does_not_leave_when_nobody_waits_for_the_answer_any_more() {
        let (gate, mut body) = single_shot("To=x", in_time());
        drop(gate);
        assert!(poll(&mut body).unwrap().is_err());
    }
}
