//! Reads TwiML into the verbs that can be acted out. Names are case-sensitive, as Twilio's are.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event as Xml};

use super::validate::{Method, Notice};

/// The longest document that is read, in bytes.
pub(super) const LONGEST_DOCUMENT: usize = 64 * 1024;

/// One instruction.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verb {
    Say { words: u32, times: u32 },
    Play { times: u32 },
    Pause { seconds: u64 },
    Gather(Gather),
    Record { action: Action, longest_seconds: u64 },
    Dial { action: Action, limit_seconds: u64 },
    Connect { action: Action },
    Redirect { method: Method, url: String },
    Reject,
    Hangup,
}

/// Where the call goes on after a verb that reports something.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Action {
    pub(super) url: Option<String>,
    pub(super) method: Method,
}

/// `<Gather>`: what is played meanwhile, and what is done with the keys pressed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gather {
    pub(super) action: Action,
    pub(super) takes_digits: bool,
    pub(super) timeout_seconds: u64,
    pub(super) most_digits: Option<usize>,
    pub(super) finish_key: Option<char>,
    pub(super) acts_on_nothing: bool,
    pub(super) prompts: Vec<Verb>,
}

/// Reads a document. A notice instead of verbs means that the caller hears of an application error.
pub(super) fn parse(document: &str) -> Result<Vec<Verb>, Notice> {
    if document.len() > LONGEST_DOCUMENT {
        return Err(Notice::new(11750, "the TwiML is longer than 64 kB"));
    }
    let mut reader = Reader::from_str(document);
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Xml::Start(root) if root.name().0 == "Response" => break,
            Xml::Empty(root) if root.name().0 == "Response" => return Ok(Vec::new()),
            Xml::Start(_) | Xml::Empty(_) => return Err(Notice::new(12100, "the root is not <Response>")),
            Xml::Text(text) if !text.xml10_content().trim().is_empty() => {
                return Err(Notice::new(12100, "text stands before <Response>"));
            }
            Xml::Eof => return Err(Notice::new(12100, "the document is empty")),
            _ => {}
        }
    }
    parse_verbs(&mut reader, "Response")
}

/// Reads the verbs up to the end of the element they stand in. Only `<Gather>` holds verbs, so that a document
/// cannot nest deeper than that; what stands in others is text, or skipped.
fn parse_verbs(reader: &mut Reader<&[u8]>, within: &str) -> Result<Vec<Verb>, Notice> {
    let mut verbs = Vec::new();
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Xml::Start(tag) => {
                let attributes = attributes(&tag)?;
                let name = tag.name().0.to_owned();
                if name == "Gather" && within == "Response" {
                    let prompts = parse_verbs(reader, "Gather")?;
                    verbs.push(gather(&attributes, prompts));
                } else {
                    let text = text_of(reader, &name)?;
                    verbs.extend(verb(&name, &attributes, &text));
                }
            }
            Xml::Empty(tag) => {
                let attributes = attributes(&tag)?;
                match tag.name().0 {
                    "Gather" if within == "Response" => verbs.push(gather(&attributes, Vec::new())),
                    name => verbs.extend(verb(name, &attributes, "")),
                }
            }
            Xml::End(_) => return Ok(verbs),
            Xml::Eof => return Err(Notice::new(12100, format!("<{within}> is not closed"))),
            _ => {}
        }
    }
}

/// The text of an element, that of the elements in it included.
fn text_of(reader: &mut Reader<&[u8]>, name: &str) -> Result<String, Notice> {
    let mut text = String::new();
    let mut depth = 0u32;
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Xml::Text(part) => text.push_str(&part.xml10_content()),
            Xml::CData(part) => text.push_str(&part.xml10_content()),
            Xml::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => text.push(character),
                Ok(None) => text.push_str(predefined(&reference.xml10_content())?),
                Err(error) => return Err(broken(&error)),
            },
            Xml::Start(_) => depth += 1,
            Xml::End(_) if depth > 0 => depth -= 1,
            Xml::End(_) => return Ok(text),
            Xml::Eof => return Err(Notice::new(12100, format!("<{name}> is not closed"))),
            _ => {}
        }
    }
}

fn predefined(entity: &str) -> Result<&'static str, Notice> {
    match entity {
        "amp" => Ok("&"),
        "lt" => Ok("<"),
        "gt" => Ok(">"),
        "quot" => Ok("\""),
        "apos" => Ok("'"),
        other => Err(Notice::new(12100, format!("the entity &{other}; is unknown"))),
    }
}

fn attributes(tag: &BytesStart<'_>) -> Result<HashMap<String, String>, Notice> {
    let mut attributes = HashMap::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| broken(&error))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| broken(&error))?;
        attributes.insert(attribute.key.0.to_owned(), value.into_owned());
    }
    Ok(attributes)
}

fn broken(error: &dyn std::error::Error) -> Notice {
    Notice::new(12100, format!("the TwiML is not XML: {error}"))
}

/// The verb of this name; none for one that is unknown, which Twilio warns of and passes over.
fn verb(name: &str, attributes: &HashMap<String, String>, text: &str) -> Option<Verb> {
    let number = |name: &str, default: u64| {
        attributes.get(name).and_then(|text| text.trim().parse().ok()).unwrap_or(default)
    };
    // Zero means until the hang-up, and stops at a thousand.
    let times = || match number("loop", 1) {
        0 => 1000,
        times => u32::try_from(times.min(1000)).unwrap_or(1000),
    };
    Some(match name {
        "Say" => {
            let words = u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX);
            Verb::Say { words, times: times() }
        }
        "Play" => Verb::Play { times: times() },
        "Pause" => Verb::Pause { seconds: number("length", 1) },
        "Record" => Verb::Record { action: action(attributes), longest_seconds: number("maxLength", 3600) },
        "Dial" => Verb::Dial { action: action(attributes), limit_seconds: number("timeLimit", 14_400) },
        "Connect" => Verb::Connect { action: action(attributes) },
        "Redirect" => Verb::Redirect { method: method(attributes), url: text.trim().to_owned() },
        "Reject" => Verb::Reject,
        "Hangup" => Verb::Hangup,
        _ => return None,
    })
}

fn gather(attributes: &HashMap<String, String>, prompts: Vec<Verb>) -> Verb {
    let finish = attributes.get("finishOnKey").map_or("#", String::as_str);
    Verb::Gather(Gather {
        action: action(attributes),
        takes_digits: attributes.get("input").is_none_or(|input| input.split(' ').any(|one| one == "dtmf")),
        timeout_seconds: attributes.get("timeout").and_then(|text| text.parse().ok()).unwrap_or(5),
        most_digits: attributes.get("numDigits").and_then(|text| text.parse().ok()),
        finish_key: finish.chars().next(),
        acts_on_nothing: attributes.get("actionOnEmptyResult").is_some_and(|text| text == "true"),
        prompts,
    })
}

fn action(attributes: &HashMap<String, String>) -> Action {
    Action { url: attributes.get("action").cloned(), method: method(attributes) }
}

fn method(attributes: &HashMap<String, String>) -> Method {
    match attributes.get("method").map(String::as_str) {
        Some("GET") => Method::Get,
        _ => Method::Post,
    }
}

impl Verb {
    /// How long it takes to say or play something; zero for what takes its time otherwise.
    pub(super) fn seconds(&self, play_seconds: f64) -> f64 {
        match self {
            Self::Say { words, times } => f64::from(*words) / 2.5 * f64::from(*times),
            Self::Play { times } => play_seconds * f64::from(*times),
            Self::Pause { seconds } => u32::try_from(*seconds).map_or(86_400.0, f64::from).min(86_400.0),
            Self::Gather(_)
            | Self::Record { .. }
            | Self::Dial { .. }
            | Self::Connect { .. }
            | Self::Redirect { .. }
            | Self::Reject
            | Self::Hangup => 0.0,
        }
    }
}

impl Gather {
    /// What is gathered of the keys that were pressed: no more than wanted, and nothing from the finishing key on.
    pub(super) fn gathered(&self, pressed: &str) -> String {
        let upto_finish = pressed.chars().take_while(|key| Some(*key) != self.finish_key);
        upto_finish.take(self.most_digits.unwrap_or(usize::MAX)).collect()
    }

    /// Whether these keys end the gathering, or the timeout has to.
    pub(super) fn is_ended_by(&self, pressed: &str) -> bool {
        let has_finish = self.finish_key.is_some_and(|key| pressed.contains(key));
        has_finish || self.most_digits.is_some_and(|most| pressed.chars().count() >= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(document: &str) -> Verb {
        let mut verbs = parse(document).unwrap();
        assert_eq!(verbs.len(), 1, "{verbs:?}");
        verbs.remove(0)
    }

    #[test]
    fn words_are_counted_through_entities_markup_and_cdata() {
        let say = only(
            "<?xml version='1.0'?><!-- a --><Response><Say>Tom &amp; <emphasis>Ann</emphasis> <![CDATA[a < b]]></Say></Response>",
        );
        assert_eq!(say, Verb::Say { words: 6, times: 1 });
        assert_eq!(say.seconds(0.0), 2.4);
    }

    #[test]
    fn a_loop_of_zero_goes_on_until_the_hang_up() {
        assert_eq!(only("<Response><Play loop='0'>u</Play></Response>"), Verb::Play { times: 1000 });
        assert_eq!(only("<Response><Play loop='2'>u</Play></Response>").seconds(5.0), 10.0);
    }

    #[test]
    fn a_gather_holds_its_prompts_and_its_defaults() {
        let Verb::Gather(gather) = only(
            "<Response><Gather action='https://d.example/?a=1&amp;b=2'><Say>Press 9</Say><Pause/></Gather></Response>",
        ) else {
            panic!("expected a gather");
        };
        assert_eq!(gather.action.url.as_deref(), Some("https://d.example/?a=1&b=2"));
        assert_eq!((gather.timeout_seconds, gather.most_digits, gather.finish_key), (5, None, Some('#')));
        assert!(gather.takes_digits && !gather.acts_on_nothing);
        assert_eq!(gather.prompts, [Verb::Say { words: 2, times: 1 }, Verb::Pause { seconds: 1 }]);
    }

    #[test]
    fn keys_are_gathered_up_to_the_number_or_the_finishing_key() {
        let gather = |attributes: &str| match only(&format!("<Response><Gather {attributes}/></Response>")) {
            Verb::Gather(gather) => gather,
            other => panic!("expected a gather, got {other:?}"),
        };
        let one = gather("numDigits='1'");
        assert_eq!(one.gathered("95"), "9");
        assert!(one.is_ended_by("9") && !one.is_ended_by(""));
        let until_hash = gather("");
        assert_eq!(until_hash.gathered("12#3"), "12");
        assert!(until_hash.is_ended_by("12#") && !until_hash.is_ended_by("12"));
        assert_eq!(gather("finishOnKey=''").gathered("1#"), "1#");
        assert!(!gather("input='speech'").takes_digits);
    }

    #[test]
    fn what_is_not_twiml_is_refused() {
        for bad in [
            "",
            "hello",
            "<response/>",
            "<Response>",
            "<Response><Say>a</Response>",
            "<Response><Say>&nobody;</Say></Response>",
            "<Response><Say a='1' a='2'/></Response>",
            "<Response>&",
        ] {
            assert_eq!(parse(bad).unwrap_err().code, 12100, "{bad}");
        }
        let long = format!("<Response><Say>{}</Say></Response>", "a".repeat(LONGEST_DOCUMENT));
        assert_eq!(parse(&long).unwrap_err().code, 11750);
    }

    #[test]
    fn unknown_verbs_are_passed_over_with_all_that_is_in_them() {
        let verbs = parse("<Response><Dance><Hangup/></Dance><say/><Hangup/></Response>").unwrap();
        assert_eq!(verbs, [Verb::Hangup]);
    }

    #[test]
    fn deep_nesting_is_no_danger() {
        let deep = format!("<Response>{}</Response>", "<Gather>".repeat(5000));
        assert!(parse(&deep).is_err());
    }
}
