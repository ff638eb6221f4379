//! A call as Twilio's API takes it and gives it back: the form that places one, and the record that tells how one
//! stands. Source: <https://www.twilio.com/docs/voice/api/call-resource>.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::wire::{self, AnsweredBy, Status};
use crate::domain::money::Money;

/// What the called person hears: TwiML that travels with the request, or a URL from which Twilio fetches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instructions {
    /// The document itself, at most [`super::twiml::LONGEST_INLINE`] characters.
    Twiml(String),
    /// Where the document is.
    Url(String),
}

/// A request to place one call.
pub struct CreateCall {
    /// Who is called, in E.164.
    pub to: String,
    /// Who calls, in E.164.
    pub from: String,
    /// What is heard.
    pub instructions: Instructions,
    /// Where the document is that is heard when another one cannot be had; without it an error is.
    pub fallback: Option<String>,
    /// Where the call's status is reported.
    pub status_callback: String,
    /// How long it may ring, 600 at most.
    pub ring_seconds: u32,
    /// How long it may last once it was taken.
    pub max_call_seconds: u32,
    /// Keys that are pressed when it is taken, such as an extension: `wwww123`.
    pub send_digits: Option<String>,
    /// Whether to find out if a machine took it.
    pub machine_detection: Option<MachineDetection>,
}

/// A request to find out whether a machine took the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineDetection {
    /// Whether to wait for the end of a machine's greeting.
    pub waits_for_message_end: bool,
    /// Where the verdict is posted while the instructions are already carried out; without it they are fetched
    /// only after the verdict, which is told with that request.
    pub callback: Option<String>,
}

impl CreateCall {
    /// The form's pairs. All four events are asked for, by repeating the key.
    pub fn form(&self) -> Vec<(&'static str, String)> {
        let mut form = vec![("To", self.to.clone()), ("From", self.from.clone())];
        match &self.instructions {
            Instructions::Twiml(document) => form.push(("Twiml", document.clone())),
            Instructions::Url(url) => form.extend([("Url", url.clone()), ("Method", "POST".to_owned())]),
        }
        if let Some(url) = &self.fallback {
            form.extend([("FallbackUrl", url.clone()), ("FallbackMethod", "POST".to_owned())]);
        }
        form.extend([
            ("StatusCallback", self.status_callback.clone()),
            ("StatusCallbackMethod", "POST".to_owned()),
        ]);
        form.extend(
            ["initiated", "ringing", "answered", "completed"]
                .map(|event| ("StatusCallbackEvent", event.to_owned())),
        );
        form.extend([
            ("Timeout", self.ring_seconds.to_string()),
            ("TimeLimit", self.max_call_seconds.to_string()),
        ]);
        if let Some(digits) = &self.send_digits {
            form.push(("SendDigits", digits.clone()));
        }
        if let Some(detection) = &self.machine_detection {
            let mode = if detection.waits_for_message_end { "DetectMessageEnd" } else { "Enable" };
            form.push(("MachineDetection", mode.to_owned()));
            if let Some(callback) = &detection.callback {
                form.extend([
                    ("AsyncAmd", "true".to_owned()),
                    ("AsyncAmdStatusCallback", callback.clone()),
                    ("AsyncAmdStatusCallbackMethod", "POST".to_owned()),
                ]);
            }
        }
        form
    }
}

/// How a call stands, as Twilio's records say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Twilio's id of the call.
    pub sid: String,
    /// The call that dialed this one, if it was not placed by a request.
    pub parent_sid: Option<String>,
    /// Who is called.
    pub to: String,
    /// Who calls.
    pub from: String,
    /// Its status. Records never say `initiated`.
    pub status: Status,
    /// When Twilio took the request; unknown for a while after the creation.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was dialed.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How long it lasted from the answer on, known once it ended.
    pub duration_seconds: Option<u32>,
    /// Who took it, if detection was asked for.
    pub answered_by: Option<AnsweredBy>,
    /// What it cost, known some minutes after it ended.
    pub price: Option<Money>,
    /// The currency of that, `USD`.
    pub price_unit: Option<String>,
}

/// A record as it travels: everything is text, and everything may be null or empty.
#[derive(Deserialize)]
pub(super) struct RecordBody {
    sid: Option<String>,
    parent_call_sid: Option<String>,
    to: Option<String>,
    from: Option<String>,
    status: Option<String>,
    date_created: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    duration: Option<String>,
    answered_by: Option<String>,
    price: Option<String>,
    price_unit: Option<String>,
}

impl RecordBody {
    /// The SID, if it has the form of one.
    pub(super) fn sid(&self) -> Option<&str> {
        self.sid.as_deref().filter(|sid| wire::is_call_sid(sid))
    }

    /// The status, if it is a known one.
    pub(super) fn status(&self) -> Option<Status> {
        Status::parse(self.status.as_deref()?).ok()
    }

    /// The record, unless its SID or status is missing or unknown.
    pub(super) fn record(self) -> Option<CallRecord> {
        let instant = |text: &Option<String>| text.as_deref().and_then(wire::parse_instant);
        Some(CallRecord {
            sid: self.sid()?.to_owned(),
            status: self.status()?,
            created_at: instant(&self.date_created),
            started_at: instant(&self.start_time),
            ended_at: instant(&self.end_time),
            duration_seconds: self.duration.and_then(|seconds| seconds.parse().ok()),
            answered_by: self.answered_by.and_then(|text| wire::read_answered_by(&text)),
            price: self.price.and_then(|price| wire::read_price(&price)),
            price_unit: self.price_unit.filter(|unit| !unit.is_empty()),
            parent_sid: self.parent_call_sid.filter(|sid| !sid.is_empty()),
            to: self.to.unwrap_or_default(),
            from: self.from.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every parameter of `POST Calls.json`, by Twilio's API description. Twilio ignores others without a word.
    const PARAMETERS: &[&str] = &[
        "ApplicationSid",
        "AsyncAmd",
        "AsyncAmdStatusCallback",
        "AsyncAmdStatusCallbackMethod",
        "Byoc",
        "CallReason",
        "CallToken",
        "CallerId",
        "ClientNotificationUrl",
        "FallbackMethod",
        "FallbackUrl",
        "From",
        "MachineDetection",
        "MachineDetectionSilenceTimeout",
        "MachineDetectionSpeechEndThreshold",
        "MachineDetectionSpeechThreshold",
        "MachineDetectionTimeout",
        "Method",
        "Record",
        "RecordingChannels",
        "RecordingStatusCallback",
        "RecordingStatusCallbackEvent",
        "RecordingStatusCallbackMethod",
        "RecordingTrack",
        "SendDigits",
        "SipAuthPassword",
        "SipAuthUsername",
        "StatusCallback",
        "StatusCallbackEvent",
        "StatusCallbackMethod",
        "TimeLimit",
        "Timeout",
        "To",
        "Trim",
        "Twiml",
        "Url",
    ];

    pub(in crate::twilio) fn request() -> CreateCall {
        CreateCall {
            to: "+12025550123".into(),
            from: "+12025550100".into(),
            instructions: Instructions::Twiml("<Response><Hangup/></Response>".into()),
            fallback: None,
            status_callback: "https://dialer.example/status#rc=5".into(),
            ring_seconds: 30,
            max_call_seconds: 1800,
            send_digits: None,
            machine_detection: None,
        }
    }

    #[test]
    fn every_parameter_is_one_that_twilio_knows() {
        let inline = CreateCall { send_digits: Some("ww12".into()), ..request() };
        let fetched = CreateCall {
            instructions: Instructions::Url("https://dialer.example/answer".into()),
            fallback: Some("https://dialer.example/sorry".into()),
            ..request()
        };
        let callback = Some("https://dialer.example/machine".into());
        let detecting = MachineDetection { waits_for_message_end: true, callback };
        let detected = CreateCall { machine_detection: Some(detecting), ..request() };
        for (name, _) in [inline, fetched, detected].iter().flat_map(CreateCall::form) {
            assert!(PARAMETERS.contains(&name), "{name}");
        }
    }

    #[test]
    fn a_verdict_is_posted_beside_the_call_only_where_there_is_a_place_for_it() {
        let form = |waits_for_message_end, callback: Option<&str>| {
            let callback = callback.map(str::to_owned);
            let detection = MachineDetection { waits_for_message_end, callback };
            let call = CreateCall { machine_detection: Some(detection), ..request() };
            let about_machines = |name: &str| name.contains("Machine") || name.contains("Amd");
            call.form().into_iter().filter(|(name, _)| about_machines(name)).collect::<Vec<_>>()
        };
        assert_eq!(form(true, None), [("MachineDetection", "DetectMessageEnd".to_owned())]);
        let beside = form(false, Some("https://dialer.example/machine"));
        assert_eq!(beside[..2], [("MachineDetection", "Enable".into()), ("AsyncAmd", "true".into())]);
        assert_eq!(beside[2].0, "AsyncAmdStatusCallback");
    }

    #[test]
    fn all_four_events_are_asked_for_and_plus_signs_survive() {
        let body = wire::write_form(&request().form());
        assert!(body.starts_with("To=%2B12025550123&From=%2B12025550100&"), "{body}");
        let events: Vec<_> = wire::parse_form(body.as_bytes())
            .into_iter()
            .filter(|(name, _)| name == "StatusCallbackEvent")
            .map(|(_, event)| event)
            .collect();
        assert_eq!(events, ["initiated", "ringing", "answered", "completed"]);
    }

    #[test]
    fn exactly_one_source_of_instructions_is_sent() {
        let names = |call: &CreateCall| call.form().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert!(names(&request()).contains(&"Twiml") && !names(&request()).contains(&"Url"));
        let fetched =
            CreateCall { instructions: Instructions::Url("https://x.example/".into()), ..request() };
        assert!(names(&fetched).contains(&"Url") && !names(&fetched).contains(&"Twiml"));
    }

    #[test]
    fn a_finished_call_is_read_from_texts() {
        let body = r#"{"sid":"CA0123456789abcdef0123456789abcdef","to":"+12025550123","from":"+12025550100",
            "status":"completed","date_created":"Wed, 10 Jun 2026 18:44:05 +0000",
            "start_time":"Wed, 10 Jun 2026 18:44:07 +0000","end_time":"Wed, 10 Jun 2026 18:44:18 +0000",
            "duration":"11","price":"-0.00400","price_unit":"USD","answered_by":"machine_start","parent_call_sid":null,
            "trunk_sid":"","annotation":null}"#;
        let record = serde_json::from_str::<RecordBody>(body).unwrap().record().unwrap();
        assert_eq!(record.status, Status::Completed);
        assert_eq!(record.duration_seconds, Some(11));
        assert_eq!(record.ended_at.unwrap().to_rfc3339(), "2026-06-10T18:44:18+00:00");
        assert_eq!(record.answered_by, Some(AnsweredBy::MachineStart));
        assert_eq!(record.parent_sid, None);
        assert_eq!((record.price, record.price_unit.as_deref()), (Money::parse("0.004").ok(), Some("USD")));
    }

    #[test]
    fn a_queued_call_is_read_though_nearly_everything_is_null_or_empty() {
        let body = r#"{"sid":"CA0123456789abcdef0123456789abcdef","to":"+12025550123","from":"+12025550100",
            "status":"queued","date_created":null,"start_time":"","end_time":null,"duration":"",
            "answered_by":"","parent_call_sid":""}"#;
        let record = serde_json::from_str::<RecordBody>(body).unwrap().record().unwrap();
        assert_eq!(record.status, Status::Queued);
        let nothing = (record.created_at, record.started_at, record.duration_seconds, record.answered_by);
        assert_eq!(nothing, (None, None, None, None));
        assert_eq!((record.price, record.price_unit), (None, None));
        assert_eq!(record.parent_sid, None);
    }

    #[test]
    fn a_record_without_a_sid_or_with_an_unknown_status_is_none() {
        for body in [
            r#"{"status":"queued"}"#,
            r#"{"sid":"nonsense","status":"queued"}"#,
            r#"{"sid":"CA0123456789abcdef0123456789abcdef","status":"daydreaming"}"#,
        ] {
            assert_eq!(serde_json::from_str::<RecordBody>(body).unwrap().record(), None, "{body}");
        }
    }
}
