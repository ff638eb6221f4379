//! What a request to place a call must hold: the parameters, their order of examination, Twilio's words for each fault.

use url::Url;

use super::account::Refusal;
use super::callbacks::Event;

/// The names that Twilio knows on the creation of a call; others are ignored in silence.
const KNOWN: &[&str] = &[
    "To",
    "From",
    "Url",
    "Method",
    "Twiml",
    "ApplicationSid",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackEvent",
    "StatusCallbackMethod",
    "SendDigits",
    "Timeout",
    "TimeLimit",
    "Record",
    "RecordingChannels",
    "RecordingTrack",
    "RecordingStatusCallback",
    "RecordingStatusCallbackMethod",
    "RecordingStatusCallbackEvent",
    "Trim",
    "SipAuthUsername",
    "SipAuthPassword",
    "MachineDetection",
    "MachineDetectionTimeout",
    "MachineDetectionSpeechThreshold",
    "MachineDetectionSpeechEndThreshold",
    "MachineDetectionSilenceTimeout",
    "AsyncAmd",
    "AsyncAmdStatusCallback",
    "AsyncAmdStatusCallbackMethod",
    "CallerId",
    "Byoc",
    "CallReason",
    "CallToken",
    "ClientNotificationUrl",
    "RecordingConfigurationId",
    "Passports",
];

/// The names that Twilio knows on the update of a call.
const KNOWN_IN_UPDATE: &[&str] = &[
    "Url",
    "Method",
    "Status",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackMethod",
    "Twiml",
    "TimeLimit",
];

/// The longest inline TwiML, in characters.
const LONGEST_TWIML: usize = 4000;

/// How long a call may last, in seconds, unless it asks for less.
const LONGEST_CALL: u64 = 14_400;

/// The parameters of a request, decoded, in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form<'a>(pub(super) &'a [(String, String)]);

/// A call that may be placed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    pub(super) to: String,
    pub(super) from: String,
    pub(super) instructions: Instructions,
    pub(super) fallback: Option<Target>,
    pub(super) status: Option<Target>,
    pub(super) events: Vec<Event>,
    pub(super) timeout_seconds: u64,
    pub(super) limit_seconds: u64,
    pub(super) detection: Option<Detection>,
    pub(super) is_recorded: bool,
    pub(super) recording_status: Option<Target>,
    pub(super) notices: Vec<Notice>,
}

/// What is done when the call is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Instructions {
    /// TwiML that came with the request.
    Inline(String),
    /// TwiML to be fetched.
    Fetched(Target),
}

/// Where to send what, and how.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

/// How answering machines are looked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Detection {
    /// `DetectMessageEnd`: wait for the end of the machine's greeting.
    pub(super) waits_for_end: bool,
    pub(super) timeout_seconds: u64,
    pub(super) reporting: Reporting,
}

/// How the verdict of machine detection is reported.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reporting {
    /// The TwiML is held until the verdict, and fetched with it.
    WithTwiml,
    /// The TwiML runs at once, and the verdict is posted when it is known.
    Async(Option<Target>),
}

/// An entry of Twilio's debugger: what went wrong without being an answer's error.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// Twilio's code.
    pub code: u32,
    /// What happened.
    pub text: String,
}

impl Notice {
    pub(super) fn new(code: u32, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl<'a> Form<'a> {
    /// The first value of a parameter, unless it is empty.
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn all(self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fits = move |pair: &&(String, String)| pair.0 == name && !pair.1.is_empty();
        self.0.iter().filter(fits).map(|(_, value)| value.as_str())
    }

    fn integer(self, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| invalid(name, text))
    }

    fn flag(self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(invalid(name, other)),
        }
    }

    fn one_of(self, name: &str, allowed: &[&str]) -> Result<(), Refusal> {
        match self.get(name) {
            Some(text) if !allowed.contains(&text) => Err(invalid(name, text)),
            _ => Ok(()),
        }
    }

    fn method(self, name: &str) -> Result<Method, Refusal> {
        match self.get(name) {
            None | Some("POST") => Ok(Method::Post),
            Some("GET") => Ok(Method::Get),
            Some(other) => Err(Refusal::bad_request(21209, format!("{name} is not valid: {other}"))),
        }
    }

    pub(super) fn target(self, name: &str, method: &str, code: u32) -> Result<Option<Target>, Refusal> {
        let Some(url) = self.get(name) else { return Ok(None) };
        if !is_absolute_url(url) {
            return Err(Refusal::bad_request(code, format!("{name} is not a valid URL: {url}")));
        }
        Ok(Some(Target { url: url.to_owned(), method: self.method(method)? }))
    }

    /// The names that Twilio ignores on the creation of a call.
    pub(super) fn unknown(self) -> Vec<String> {
        self.others_than(KNOWN)
    }

    /// The names that Twilio ignores on the update of a call.
    pub(super) fn unknown_in_update(self) -> Vec<String> {
        self.others_than(KNOWN_IN_UPDATE)
    }

    pub(super) fn others_than(self, known: &[&str]) -> Vec<String> {
        let others = self.0.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        others.map(|(name, _)| name.clone()).collect()
    }
}

/// Reads a request to place a call. `owned` are the numbers of the account; none means every possible one.
///
/// The order of examination is Twilio's: `To`, then the instructions, then `From`, then the rest.
pub(super) fn read_order(form: Form<'_>, owned: Option<&[String]>) -> Result<Order, Refusal> {
    let to = form.get("To").ok_or_else(|| Refusal::bad_request(21201, "No 'To' number is specified"))?;
    check_to(to)?;
    let mut notices = Vec::new();
    let instructions = read_instructions(form, &mut notices)?
        .ok_or_else(|| Refusal::bad_request(21205, "Url parameter is required."))?;
    let from =
        form.get("From").ok_or_else(|| Refusal::bad_request(21213, "From phone number is required."))?;
    check_from(from, owned)?;
    if to == from {
        return Err(not_callable(21211, to));
    }
    let fallback = form.target("FallbackUrl", "FallbackMethod", 21205)?;
    let status = form.target("StatusCallback", "StatusCallbackMethod", 21609)?;
    let events = read_events(form)?;
    if let Some(digits) = form.get("SendDigits") {
        let is_digit = |c: char| c.is_ascii_digit() || "ABCD#*wW".contains(c);
        if digits.len() > 32 || !digits.chars().all(is_digit) {
            return Err(Refusal::bad_request(21206, format!("SendDigits is not valid: {digits}")));
        }
    }
    let timeout_seconds =
        form.integer("Timeout", 1..=600).map_err(|refusal| Refusal { code: 21208, ..refusal })?.unwrap_or(60);
    let limit_seconds = form.integer("TimeLimit", 1..=86_400)?.unwrap_or(LONGEST_CALL).min(LONGEST_CALL);
    form.one_of("RecordingChannels", &["mono", "dual"])?;
    form.one_of("RecordingTrack", &["inbound", "outbound", "both"])?;
    form.one_of("Trim", &["trim-silence", "do-not-trim"])?;
    Ok(Order {
        to: to.to_owned(),
        from: from.to_owned(),
        instructions,
        fallback,
        status,
        events,
        timeout_seconds,
        limit_seconds,
        detection: read_detection(form)?,
        is_recorded: form.flag("Record")?,
        recording_status: form.target("RecordingStatusCallback", "RecordingStatusCallbackMethod", 21609)?,
        notices,
    })
}

/// Reads the one source of instructions, for a create or a redirect; none if there is none.
pub(super) fn read_instructions(
    form: Form<'_>,
    notices: &mut Vec<Notice>,
) -> Result<Option<Instructions>, Refusal> {
    if let Some(sid) = form.get("ApplicationSid") {
        // The simulated account has no applications.
        return Err(Refusal::bad_request(21218, format!("ApplicationSid {sid} is not valid")));
    }
    if let Some(target) = form.target("Url", "Method", 21205)? {
        if form.get("Twiml").is_some() {
            notices.push(Notice::new(32019, "both Url and Twiml were given; Twiml is ignored"));
        }
        return Ok(Some(Instructions::Fetched(target)));
    }
    let Some(twiml) = form.get("Twiml") else { return Ok(None) };
    match twiml.chars().count() > LONGEST_TWIML {
        true => Err(Refusal::bad_request(32018, "Twiml parameter is longer than 4000 characters")),
        false => Ok(Some(Instructions::Inline(twiml.to_owned()))),
    }
}

fn read_events(form: Form<'_>) -> Result<Vec<Event>, Refusal> {
    let mut events = Vec::new();
    for name in form.all("StatusCallbackEvent") {
        // A list in one value, such as "ringing answered", is what TwiML's <Number> takes, and not the API.
        let event = Event::parse_status(name)
            .ok_or_else(|| Refusal::bad_request(21626, format!("Invalid StatusCallbackEvent: {name}")))?;
        events.push(event);
    }
    if events.is_empty() {
        events.push(Event::Completed);
    }
    Ok(events)
}

fn read_detection(form: Form<'_>) -> Result<Option<Detection>, Refusal> {
    let mode = form.get("MachineDetection");
    form.one_of("MachineDetection", &["Enable", "DetectMessageEnd"])?;
    let timeout_seconds = form.integer("MachineDetectionTimeout", 3..=59)?.unwrap_or(30);
    form.integer("MachineDetectionSpeechThreshold", 1000..=6000)?;
    form.integer("MachineDetectionSpeechEndThreshold", 500..=5000)?;
    form.integer("MachineDetectionSilenceTimeout", 2000..=10_000)?;
    let is_async = form.flag("AsyncAmd")?;
    let callback = form.target("AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod", 21609)?;
    // SendDigits switches machine detection off.
    let Some(mode) = mode.filter(|_| form.get("SendDigits").is_none()) else { return Ok(None) };
    Ok(Some(Detection {
        waits_for_end: mode == "DetectMessageEnd",
        timeout_seconds,
        reporting: if is_async { Reporting::Async(callback) } else { Reporting::WithTwiml },
    }))
}

fn check_to(to: &str) -> Result<(), Refusal> {
    if to.starts_with("sip:") || to.starts_with("client:") {
        return Ok(());
    }
    match to {
        "+15005550001" => return Err(not_callable(21217, to)),
        "+15005550002" => {
            return Err(Refusal::bad_request(21214, format!("The number {to} cannot be reached")));
        }
        "+15005550003" => {
            return Err(Refusal::bad_request(
                21215,
                format!(
                    "Account not authorized to call {to}. Perhaps you need to enable some international \
                     permissions: https://www.twilio.com/console/voice/calls/geo-permissions/low-risk"
                ),
            ));
        }
        "+15005550004" => {
            return Err(Refusal::bad_request(21216, format!("Account not allowed to call {to}")));
        }
        _ => {}
    }
    // An unescaped plus arrives as a space and is refused here, though Twilio may mend it: it is a bug of the sender.
    if !is_e164(to) {
        return Err(not_callable(21211, to));
    }
    match is_possible(to) {
        true => Ok(()),
        false => Err(not_callable(21217, to)),
    }
}

fn check_from(from: &str, owned: Option<&[String]>) -> Result<(), Refusal> {
    if from.starts_with("client:") || from == "+15005550006" {
        return Ok(());
    }
    if from == "+15005550001" || !is_e164(from) || !is_possible(from) {
        return Err(Refusal::bad_request(21212, format!("From is not a valid phone number: {from}")));
    }
    let is_ours = match owned {
        Some(numbers) => numbers.iter().any(|number| number == from),
        None => !from.starts_with("+1500555000"),
    };
    match is_ours {
        true => Ok(()),
        false => Err(Refusal::bad_request(
            21210,
            format!(
                "The source phone number provided, {from}, is not yet verified for your account. You may only \
                 make calls from phone numbers that you've verified or purchased from Twilio."
            ),
        )),
    }
}

fn not_callable(code: u32, to: &str) -> Refusal {
    Refusal::bad_request(code, format!("The phone number you are attempting to call, {to}, is not valid."))
}

fn invalid(name: &str, value: &str) -> Refusal {
    Refusal::bad_request(20001, format!("Invalid parameter {name}: {value}"))
}

/// Whether a text has the form of E.164.
pub(super) fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (7..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a number can exist as far as the North American plan tells: ten digits, area and exchange from 2 on.
fn is_possible(number: &str) -> bool {
    match number.strip_prefix("+1") {
        None => true,
        Some(national) => {
            let digits = national.as_bytes();
            digits.len() == 10 && digits[0] >= b'2' && digits[3] >= b'2'
        }
    }
}

/// Whether a text is a URL that Twilio would request: absolute, HTTP, with a host without underscores.
pub(super) fn is_absolute_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let has_host = url.host_str().is_some_and(|host| !host.is_empty() && !host.contains('_'));
    matches!(url.scheme(), "http" | "https") && has_host && text.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: (&str, &str) = ("To", "+12125550123");
    const FROM: (&str, &str) = ("From", "+12125550100");
    const URL: (&str, &str) = ("Url", "https://dialer.example/answer");

    fn read(pairs: &[(&str, &str)]) -> Result<Order, Refusal> {
        let form: Vec<_> = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        read_order(Form(&form), None)
    }

    fn code(pairs: &[(&str, &str)]) -> u32 {
        read(pairs).map_or_else(|refusal| refusal.code, |_| 0)
    }

    #[test]
    fn a_call_has_twilios_defaults() {
        let order = read(&[TO, FROM, URL]).unwrap();
        assert_eq!(order.timeout_seconds, 60);
        assert_eq!(order.limit_seconds, 14_400);
        assert_eq!(order.events, [Event::Completed]);
        assert_eq!(order.detection, None);
        let target = Target { url: URL.1.into(), method: Method::Post };
        assert_eq!(order.instructions, Instructions::Fetched(target));
    }

    #[test]
    fn to_is_examined_before_the_instructions_and_these_before_from() {
        assert_eq!(code(&[]), 21201);
        assert_eq!(code(&[("To", "")]), 21201);
        assert_eq!(code(&[("To", "nobody"), ("Url", "nowhere"), ("From", "nobody")]), 21211);
        assert_eq!(code(&[TO]), 21205);
        assert_eq!(code(&[TO, ("Url", "nowhere"), ("From", "nobody")]), 21205);
        assert_eq!(code(&[TO, URL]), 21213);
        assert_eq!(code(&[TO, URL, ("From", "nobody")]), 21212);
    }

    #[test]
    fn the_messages_are_twilios() {
        let message = |pairs: &[(&str, &str)]| read(pairs).unwrap_err().message;
        assert_eq!(message(&[]), "No 'To' number is specified");
        assert_eq!(message(&[TO]), "Url parameter is required.");
        assert_eq!(message(&[TO, URL]), "From phone number is required.");
        assert_eq!(message(&[TO, ("Url", "/here")]), "Url is not a valid URL: /here");
        assert_eq!(
            message(&[("To", "+1555"), URL, FROM]),
            "The phone number you are attempting to call, +1555, is not valid."
        );
    }

    #[test]
    fn a_number_that_is_no_number_is_not_called() {
        for (to, expected) in [
            (" 12125550123", 21211),
            ("12125550123", 21211),
            ("(212) 555-0123", 21211),
            ("+", 21211),
            ("+1212555012３", 21211),
            ("+1212555012", 21217),
            ("+10125550123", 21217),
            ("+442079460123", 0),
            (FROM.1, 21211),
        ] {
            assert_eq!(code(&[("To", to), FROM, URL]), expected, "{to}");
        }
    }

    #[test]
    fn magic_numbers_are_in_force() {
        for (to, expected) in [
            ("+15005550001", 21217),
            ("+15005550002", 21214),
            ("+15005550003", 21215),
            ("+15005550004", 21216),
            ("+15005550009", 0),
        ] {
            assert_eq!(code(&[("To", to), FROM, URL]), expected, "{to}");
        }
        for (from, expected) in [("+15005550001", 21212), ("+15005550006", 0), ("+15005550007", 21210)] {
            assert_eq!(code(&[TO, ("From", from), URL]), expected, "{from}");
        }
    }

    #[test]
    fn only_our_own_numbers_may_call() {
        let form = [TO, FROM, URL].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let read = |owned: &[String]| read_order(Form(&form), Some(owned));
        assert!(read(&[FROM.1.to_owned()]).is_ok());
        assert_eq!(read(&[]).unwrap_err().code, 21210);
    }

    #[test]
    fn inline_twiml_is_counted_in_characters() {
        let fits = "é".repeat(4000);
        assert_eq!(code(&[TO, FROM, ("Twiml", &fits)]), 0);
        assert_eq!(code(&[TO, FROM, ("Twiml", &format!("{fits}é"))]), 32018);
        let both = read(&[TO, FROM, URL, ("Twiml", "<Response/>")]).unwrap();
        assert!(matches!(both.instructions, Instructions::Fetched(_)));
        assert_eq!(both.notices[0].code, 32019);
    }

    #[test]
    fn events_are_repeated_keys_and_not_a_list_in_one() {
        let with = |events: &[&str]| {
            let mut pairs = vec![TO, FROM, URL];
            pairs.extend(events.iter().map(|event| ("StatusCallbackEvent", *event)));
            read(&pairs).map(|order| order.events).map_err(|refusal| refusal.code)
        };
        assert_eq!(with(&["ringing", "answered"]), Ok(vec![Event::Ringing, Event::Answered]));
        assert_eq!(with(&["ringing answered"]), Err(21626));
        assert_eq!(with(&["queued"]), Err(21626));
    }

    #[test]
    fn other_parameters_are_examined_too() {
        for (name, value, expected) in [
            ("Timeout", "0", 21208),
            ("Timeout", "601", 21208),
            ("Timeout", "30s", 21208),
            ("Timeout", "30", 0),
            ("TimeLimit", "-1", 20001),
            ("Method", "PUT", 21209),
            ("SendDigits", "12x", 21206),
            ("StatusCallback", "http://a_b.example/", 21609),
            ("MachineDetection", "enable", 20001),
            ("MachineDetectionTimeout", "60", 20001),
            ("AsyncAmd", "True", 20001),
            ("ApplicationSid", "AP0", 21218),
        ] {
            assert_eq!(code(&[TO, FROM, URL, (name, value)]), expected, "{name}={value}");
        }
    }

    #[test]
    fn unknown_parameters_are_ignored_but_named() {
        let form = [TO, FROM, URL, ("StatusCallbackEvents", "ringing"), ("url", "x")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert!(read_order(Form(&form), None).is_ok());
        assert_eq!(Form(&form).unknown(), ["StatusCallbackEvents", "url"]);
    }
}
