//! What goes wrong on demand: lost, doubled, reordered and late callbacks, refused and unanswered requests.
//!
//! Faults wait in a list in the order in which they were asked for; each thing that happens meets the first that fits.

use std::collections::HashMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::callbacks::Event;
use super::scenario::chance;

/// Something that goes wrong, how often, and for whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many times; absent: again and again.
    #[serde(default)]
    pub times: Option<u32>,
    /// In what share of the cases that fit, drawn from the seed; absent: in each.
    #[serde(default)]
    pub share: Option<f64>,
    /// Only for calls to this number.
    #[serde(default)]
    pub number: Option<String>,
    /// Only for callbacks of this event; absent: every callback, but not the fetching of TwiML.
    #[serde(default)]
    pub event: Option<Event>,
}

/// What goes wrong. Seconds of callbacks are the simulator's clock's; those of requests are real.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum FaultKind {
    /// The callback is never sent.
    Lost,
    /// The callback is sent twice, with the same token.
    Doubled,
    /// The callback is held back until the call's next one was delivered.
    Reordered,
    /// The callback is sent this much later.
    Late {
        /// By how much, on the simulator's clock.
        seconds: f64,
    },
    /// The answer to the create is held back until a callback of the call (the fault's event, or any) was delivered.
    CallbacksBeforeAnswer,
    /// A create is answered 429 / 20429; nothing is placed.
    TooManyRequests {
        /// The `Retry-After` header, if there is to be one.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// A create is answered 401 / 20003; nothing is placed.
    Unauthorized,
    /// A create is answered 500 / 20500.
    ServerError {
        /// Whether the call is placed all the same.
        placed: bool,
    },
    /// A create is not answered: the connection is held, then dropped.
    Hang {
        /// Whether the call is placed all the same.
        placed: bool,
        /// How long the connection is held.
        seconds: f64,
    },
    /// A create is answered by closing the connection at once.
    Dropped {
        /// Whether the call is placed all the same.
        placed: bool,
    },
    /// A create is refused in these words; nothing is placed.
    Refused {
        /// The HTTP status, 400 to 599.
        http: u16,
        /// Twilio's code.
        code: u32,
        /// Twilio's message.
        message: String,
    },
    /// A `GET` is answered with this HTTP status, 400 to 599.
    ReadError {
        /// The HTTP status.
        http: u16,
    },
}

/// A fault that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum BadFault {
    /// The share is none.
    #[error("expected a share between 0 and 1, got {0}")]
    Share(f64),
    /// The status is not an error's.
    #[error("expected an HTTP status between 400 and 599, got {0}")]
    Http(u16),
    /// The time is none.
    #[error("expected 0 to 86400 seconds, got {0}")]
    Seconds(f64),
}

impl Fault {
    /// It goes wrong once.
    pub fn once(kind: FaultKind) -> Self {
        Self { times: Some(1), ..Self::always(kind) }
    }

    /// It goes wrong again and again.
    pub fn always(kind: FaultKind) -> Self {
        Self { kind, times: None, share: None, number: None, event: None }
    }

    /// Only for calls to this number.
    pub fn to(self, number: &str) -> Self {
        Self { number: Some(number.to_owned()), ..self }
    }

    /// Only for callbacks of this event.
    pub fn on(self, event: Event) -> Self {
        Self { event: Some(event), ..self }
    }

    fn check(&self) -> Result<(), BadFault> {
        if let Some(share) = self.share.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(BadFault::Share(share));
        }
        match self.kind {
            FaultKind::Refused { http, .. } | FaultKind::ReadError { http }
                if !(400..600).contains(&http) =>
            {
                Err(BadFault::Http(http))
            }
            FaultKind::Late { seconds } | FaultKind::Hang { seconds, .. }
                if !(0.0..=86_400.0).contains(&seconds) =>
            {
                Err(BadFault::Seconds(seconds))
            }
            _ => Ok(()),
        }
    }
}

impl FaultKind {
    /// Whether it befalls a callback.
    pub(super) fn is_of_callbacks(&self) -> bool {
        matches!(self, Self::Lost | Self::Doubled | Self::Reordered | Self::Late { .. })
    }

    /// Whether it befalls the placing of a call.
    pub(super) fn is_of_creates(&self) -> bool {
        !self.is_of_callbacks() && !self.is_of_reads()
    }

    /// Whether it befalls a `GET`.
    pub(super) fn is_of_reads(&self) -> bool {
        matches!(self, Self::ReadError { .. })
    }
}

/// The faults that wait to happen.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    fault: Fault,
    left: Option<u32>,
    /// How often each number and event met it: a share is drawn per meeting, and so does not depend on timing.
    met: HashMap<String, u64>,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) -> Result<(), BadFault> {
        fault.check()?;
        self.0.push(Waiting { left: fault.times, fault, met: HashMap::new() });
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that befalls this, if any; it counts as having happened.
    pub(super) fn take(
        &mut self,
        seed: u64,
        fits: fn(&FaultKind) -> bool,
        number: Option<&str>,
        event: Option<Event>,
    ) -> Option<Fault> {
        for (place, waiting) in self.0.iter_mut().enumerate() {
            let fault = &waiting.fault;
            let is_meant = fits(&fault.kind)
                && waiting.left != Some(0)
                && (fault.number.is_none() || fault.number.as_deref() == number)
                && (!fault.kind.is_of_callbacks() || is_event_meant(fault.event, event));
            if !is_meant || !waiting.strikes(seed, place, number, event) {
                continue;
            }
            if let Some(left) = &mut waiting.left {
                *left -= 1;
            }
            return Some(waiting.fault.clone());
        }
        None
    }
}

fn is_event_meant(wanted: Option<Event>, event: Option<Event>) -> bool {
    match wanted {
        Some(_) => wanted == event,
        None => event != Some(Event::Twiml),
    }
}

impl Waiting {
    fn strikes(&mut self, seed: u64, place: usize, number: Option<&str>, event: Option<Event>) -> bool {
        let Some(share) = self.fault.share else { return true };
        let whom = format!("{}|{event:?}", number.unwrap_or_default());
        let met = self.met.entry(whom.clone()).or_default();
        *met += 1;
        let parts = [b"fault".as_slice(), &place.to_be_bytes(), whom.as_bytes(), &met.to_be_bytes()];
        chance(seed, &parts).random::<f64>() < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: &str = "+12125550101";

    fn callback(faults: &mut Faults, number: &str, event: Event) -> Option<FaultKind> {
        faults.take(1, FaultKind::is_of_callbacks, Some(number), Some(event)).map(|fault| fault.kind)
    }

    #[test]
    fn a_fault_befalls_only_the_number_and_event_it_is_meant_for_and_only_so_often() {
        let mut faults = Faults::default();
        faults.add(Fault::once(FaultKind::Lost).to(ANN).on(Event::Answered)).unwrap();
        assert_eq!(callback(&mut faults, "+12125550102", Event::Answered), None);
        assert_eq!(callback(&mut faults, ANN, Event::Completed), None);
        assert_eq!(callback(&mut faults, ANN, Event::Answered), Some(FaultKind::Lost));
        assert_eq!(callback(&mut faults, ANN, Event::Answered), None);
    }

    #[test]
    fn a_fault_of_creates_befalls_no_callback() {
        let mut faults = Faults::default();
        faults.add(Fault::always(FaultKind::Unauthorized)).unwrap();
        assert_eq!(callback(&mut faults, ANN, Event::Completed), None);
        assert!(faults.take(1, FaultKind::is_of_creates, Some(ANN), None).is_some());
    }

    #[test]
    fn a_share_is_drawn_per_meeting() {
        let mut faults = Faults::default();
        faults.add(Fault { share: Some(0.3), ..Fault::always(FaultKind::Lost) }).unwrap();
        let lost = (0..1000).filter(|_| callback(&mut faults, ANN, Event::Ringing).is_some()).count();
        assert!((250..350).contains(&lost), "{lost}");
    }

    #[test]
    fn a_fault_that_cannot_be_is_refused() {
        let mut faults = Faults::default();
        assert!(faults.add(Fault { share: Some(1.5), ..Fault::always(FaultKind::Lost) }).is_err());
        assert!(faults.add(Fault::once(FaultKind::ReadError { http: 200 })).is_err());
        assert!(faults.add(Fault::once(FaultKind::Late { seconds: -1.0 })).is_err());
    }

    #[test]
    fn a_fault_reads_as_json() {
        let read: Fault =
            serde_json::from_str(r#"{"kind": {"late": {"seconds": 30}}, "times": 2, "event": "completed"}"#)
                .unwrap();
        let late = Fault::once(FaultKind::Late { seconds: 30.0 }).on(Event::Completed);
        assert_eq!(read, Fault { times: Some(2), ..late });
        assert!(serde_json::from_str::<Fault>(r#"{"kind": "lost", "time": 2}"#).is_err());
    }
}
