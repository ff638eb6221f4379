//! The webhooks of one call: the URLs that travel with it, and what Twilio posts to them.
//! Source: <https://www.twilio.com/docs/voice/api/call-resource#statuscallback>.

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;
use uuid::Uuid;

use super::wire::{self, AnsweredBy, Status};

/// How Twilio is to try: five times again after whatever failure, 1 s to connect, 2.5 s to answer. By default it
/// tries once again, and only after a failure to connect. The fragment is neither sent nor signed.
/// Source: <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>.
const PERSISTENCE: &str = "rc=5&rp=all&ct=1000&rt=2500";

/// Builds the URLs that travel with a call. They name campaign and attempt, so that a callback finds its attempt even
/// if the answer to the request was lost.
#[derive(Debug, Clone)]
pub struct CallbackUrls {
    base: Url,
}

impl CallbackUrls {
    /// For webhooks below this public URL, an http or https one; its query and fragment do not count.
    pub fn below(public: &Url) -> Self {
        let mut base = public.clone();
        base.set_query(None);
        base.set_fragment(None);
        Self { base }
    }

    /// Where the call's status is reported.
    pub fn status(&self, campaign: Uuid, attempt: Uuid) -> String {
        self.url("status", campaign, attempt)
    }

    /// Where Twilio fetches what the called person hears.
    pub fn answer(&self, campaign: Uuid, attempt: Uuid) -> String {
        self.url("answer", campaign, attempt)
    }

    /// Where the verdict on who took the call is reported.
    pub fn machine(&self, campaign: Uuid, attempt: Uuid) -> String {
        self.url("machine", campaign, attempt)
    }

    /// Where a key that the called person presses is reported, and what is heard next is fetched.
    pub fn keys(&self, campaign: Uuid, attempt: Uuid) -> String {
        self.url("keys", campaign, attempt)
    }

    /// Where Twilio fetches what is heard when it could not fetch what should be.
    pub fn sorry(&self, campaign: Uuid, attempt: Uuid) -> String {
        self.url("sorry", campaign, attempt)
    }

    fn url(&self, kind: &str, campaign: Uuid, attempt: Uuid) -> String {
        let base = self.base.as_str().trim_end_matches('/');
        format!("{base}/webhooks/twilio/{kind}/{campaign}/{attempt}#{PERSISTENCE}")
    }
}

/// What one status callback says. Others may have come before it or may come after it, in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Twilio's id of the call.
    pub sid: String,
    /// Where the call stands.
    pub status: Status,
    /// The number of this callback among those of the call, from 0; the same in a repetition.
    pub sequence: u32,
    /// When it happened.
    pub at: Option<DateTime<Utc>>,
    /// How long the call lasted from the answer on; known at its end.
    pub duration_seconds: Option<u32>,
    /// The network's last word, such as 486 for busy; known at its end.
    pub sip_code: Option<u16>,
    /// Who took the call, if detection was asked for.
    pub answered_by: Option<AnsweredBy>,
}

/// A form that is no status callback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCallback {
    /// A parameter that every callback has is not there.
    #[error("expected the parameter {0}")]
    Missing(&'static str),
    /// A parameter says something that it cannot say.
    #[error("expected {expected} in the parameter {name}")]
    Malformed {
        /// The parameter.
        name: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
}

impl Callback {
    /// Reads a status callback's form. The call, its status and the sequence number must be there; whatever else is
    /// missing, malformed or unknown is passed over, because Twilio adds and changes parameters at any time.
    pub fn parse(form: &[(String, String)]) -> Result<Self, BadCallback> {
        let status = Status::parse(required(form, "CallStatus")?)
            .map_err(|_| BadCallback::Malformed { name: "CallStatus", expected: "a call status" })?;
        let sequence = required(form, "SequenceNumber")?
            .parse()
            .map_err(|_| BadCallback::Malformed { name: "SequenceNumber", expected: "a number from 0 on" })?;
        Ok(Self {
            sid: call_sid(form)?.to_owned(),
            status,
            sequence,
            at: find(form, "Timestamp").and_then(wire::parse_instant),
            duration_seconds: number(form, "CallDuration"),
            sip_code: number(form, "SipResponseCode"),
            answered_by: find(form, "AnsweredBy").and_then(wire::read_answered_by),
        })
    }
}

/// The verdict on who took a call: posted while the call goes on, or told with the request for its instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineVerdict {
    /// Twilio's id of the call.
    pub sid: String,
    /// Who took it.
    pub answered_by: AnsweredBy,
    /// How long after the answer it was clear.
    pub took: TimeDelta,
}

impl MachineVerdict {
    /// Reads the form. The call and the verdict must be there.
    /// Source: <https://www.twilio.com/docs/voice/answering-machine-detection#asyncamdstatuscallback>.
    pub fn parse(form: &[(String, String)]) -> Result<Self, BadCallback> {
        let verdict = required(form, "AnsweredBy")?;
        let took: u32 = number(form, "MachineDetectionDuration").unwrap_or(0);
        Ok(Self {
            sid: call_sid(form)?.to_owned(),
            answered_by: wire::read_answered_by(verdict).unwrap_or(AnsweredBy::Unknown),
            took: TimeDelta::milliseconds(i64::from(took)),
        })
    }
}

/// The keys that were pressed; none if it was no key.
/// Source: <https://www.twilio.com/docs/voice/twiml/gather#action>.
pub fn pressed(form: &[(String, String)]) -> &str {
    find(form, "Digits").unwrap_or_default()
}

/// Which call a form is about, whatever kind of webhook it was posted to.
pub fn call_sid(form: &[(String, String)]) -> Result<&str, BadCallback> {
    let sid = required(form, "CallSid")?;
    let malformed = BadCallback::Malformed { name: "CallSid", expected: "CA and 32 hexadecimal digits" };
    if wire::is_call_sid(sid) { Ok(sid) } else { Err(malformed) }
}

fn find<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn required<'a>(form: &'a [(String, String)], name: &'static str) -> Result<&'a str, BadCallback> {
    find(form, name).filter(|value| !value.is_empty()).ok_or(BadCallback::Missing(name))
}

fn number<N: std::str::FromStr>(form: &[(String, String)], name: &str) -> Option<N> {
    find(form, name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            wire::parse_form(include_bytes!(concat!("../../fixtures/twilio/", $name, ".form")))
        };
    }

    fn without(mut form: Vec<(String, String)>, name: &str) -> Vec<(String, String)> {
        form.retain(|(key, _)| key != name);
        form
    }

    fn with(form: Vec<(String, String)>, name: &str, value: &str) -> Vec<(String, String)> {
        let mut form = without(form, name);
        form.push((name.to_owned(), value.to_owned()));
        form
    }

    #[test]
    fn callbacks_with_twilios_set_of_fields_are_read() {
        for (form, status, sequence, duration_seconds, sip_code) in [
            (fixture!("initiated"), Status::Initiated, 0, None, None),
            (fixture!("ringing"), Status::Ringing, 1, None, None),
            (fixture!("answered"), Status::InProgress, 2, None, None),
            (fixture!("completed"), Status::Completed, 3, Some(3), Some(200)),
            (fixture!("busy"), Status::Busy, 2, Some(0), Some(486)),
            (fixture!("no_answer"), Status::NoAnswer, 2, Some(0), Some(487)),
            (fixture!("failed"), Status::Failed, 1, Some(0), Some(404)),
            (fixture!("canceled"), Status::Canceled, 2, Some(0), Some(487)),
        ] {
            let callback = Callback::parse(&form).unwrap();
            assert_eq!(callback.sid, "CA0123456789abcdef0123456789abcdef");
            let told = (callback.status, callback.sequence, callback.duration_seconds, callback.sip_code);
            assert_eq!(told, (status, sequence, duration_seconds, sip_code));
            assert!(callback.at.unwrap().to_rfc3339().starts_with("2026-06-10T18:44:"), "{status}");
        }
    }

    #[test]
    fn a_duration_is_the_seconds_and_not_the_billed_minutes() {
        let callback = Callback::parse(&fixture!("completed_by_machine")).unwrap();
        assert_eq!(callback.duration_seconds, Some(14));
        assert_eq!(callback.answered_by, Some(AnsweredBy::MachineStart));
    }

    #[test]
    fn what_every_callback_has_must_be_there() {
        for name in ["CallSid", "CallStatus", "SequenceNumber"] {
            let missing = Err(BadCallback::Missing(name));
            assert_eq!(Callback::parse(&without(fixture!("completed"), name)), missing);
            assert_eq!(Callback::parse(&with(fixture!("completed"), name, "")), missing);
            let malformed = Callback::parse(&with(fixture!("completed"), name, "-1")).unwrap_err();
            assert!(malformed.to_string().ends_with(name), "{malformed}");
        }
    }

    #[test]
    fn what_else_is_malformed_or_new_is_passed_over() {
        let mut form = fixture!("completed");
        for (name, value) in [
            ("Timestamp", "yesterday"),
            ("CallDuration", "long"),
            ("SipResponseCode", ""),
            ("AnsweredBy", "parrot"),
            ("NewInTwentyThirty", "yes"),
        ] {
            form = with(form, name, value);
        }
        let callback = Callback::parse(&form).unwrap();
        assert_eq!((callback.at, callback.duration_seconds, callback.sip_code), (None, None, None));
        assert_eq!(callback.answered_by, Some(AnsweredBy::Unknown));
    }

    #[test]
    fn a_verdict_tells_who_took_the_call_and_when_that_was_clear() {
        let form = fixture!("machine_verdict");
        let verdict = MachineVerdict::parse(&form).unwrap();
        assert_eq!(verdict.answered_by, AnsweredBy::MachineStart);
        assert_eq!(verdict.took, TimeDelta::milliseconds(4120));
        let missing = MachineVerdict::parse(&without(form.clone(), "AnsweredBy"));
        assert_eq!(missing, Err(BadCallback::Missing("AnsweredBy")));
        let new = MachineVerdict::parse(&with(form, "AnsweredBy", "parrot")).unwrap();
        assert_eq!(new.answered_by, AnsweredBy::Unknown);
    }

    #[test]
    fn the_request_for_twiml_names_its_call_and_is_no_status_callback() {
        let form = fixture!("answer_request");
        assert_eq!(call_sid(&form), Ok("CA0123456789abcdef0123456789abcdef"));
        assert_eq!(Callback::parse(&form), Err(BadCallback::Missing("SequenceNumber")));
    }

    #[test]
    fn the_urls_name_campaign_and_attempt_and_ask_for_persistence() {
        let (campaign, attempt) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let ids = "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002";
        for public in ["https://dialer.example", "https://dialer.example/", "https://dialer.example/?x=1#y"] {
            let urls = CallbackUrls::below(&public.parse().unwrap());
            let expected =
                format!("https://dialer.example/webhooks/twilio/status/{ids}#rc=5&rp=all&ct=1000&rt=2500");
            assert_eq!(urls.status(campaign, attempt), expected);
        }
        let urls = CallbackUrls::below(&"http://127.0.0.1:8080/dialer/".parse().unwrap());
        let answer = urls.answer(campaign, attempt);
        assert!(answer.starts_with(&format!("http://127.0.0.1:8080/dialer/webhooks/twilio/answer/{ids}#")));
    }

    #[test]
    fn a_callback_signed_over_the_url_that_was_asked_for_is_verified_by_the_url_that_travelled() {
        let urls = CallbackUrls::below(&"https://dialer.example:8443".parse().unwrap());
        let travelled = urls.status(Uuid::from_u128(1), Uuid::from_u128(2));
        let form = fixture!("completed");
        let asked_for = travelled.split('#').next().unwrap().replace(":8443", "");
        let signature = crate::twilio::signature::sign("token", &asked_for, &form);
        assert!(crate::twilio::signature::verify(&["token"], &travelled, &form, &signature));
    }
}
