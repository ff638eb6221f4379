//! A script as TwiML, the document that tells Twilio what the called person hears. Whatever comes from outside, a
//! contact's name or an agent's prompt, is escaped here.
//! Source: <https://www.twilio.com/docs/voice/twiml>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::call::Instructions;
use crate::domain::script::{Agent, Say, Script};

/// The longest document that may travel with a request, in characters: Twilio refuses longer ones (32018).
pub const LONGEST_INLINE: usize = 4000;

/// How long a key is still listened for after the last word.
const LISTENS_ON_SECONDS: &str = "5";

/// What is said when nothing is known of the call: the called person must never hear that an error occurred.
pub const POLITE_HANGUP: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <Response><Say>Please excuse the interruption. Goodbye.</Say><Hangup/></Response>";

/// For a call that is ended without a word.
pub const HANGUP: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Hangup/></Response>";

/// What travels with the request for a call: the script's document if it is short enough; else, or if somebody
/// else's server writes it, where Twilio finds it. Below `answer_url` [`twiml`] of the same script is served.
pub fn instructions(
    script: &Script,
    fields: &BTreeMap<String, String>,
    prompt: Option<&str>,
    answer_url: &str,
    keys_url: Option<&str>,
) -> Instructions {
    if let Script::Url(url) = script {
        return Instructions::Url(url.as_str().to_owned());
    }
    let document = twiml(script, fields, prompt, keys_url);
    if document.chars().count() <= LONGEST_INLINE {
        Instructions::Twiml(document)
    } else {
        Instructions::Url(answer_url.to_owned())
    }
}

/// The document for a contact with these fields, by the names of their variables. An agent is told them all, and the
/// `prompt`. For somebody else's TwiML it is a redirection there. With a `keys_url`, what is said or played stops at
/// the first key that is pressed, also shortly after it, and the key is posted there.
pub fn twiml(
    script: &Script,
    fields: &BTreeMap<String, String>,
    prompt: Option<&str>,
    keys_url: Option<&str>,
) -> String {
    let listening = |verb: String| keys_url.map_or_else(|| verb.clone(), |keys_url| gather(&verb, keys_url));
    let verb = match script {
        Script::Say(say) => listening(said(say, fields)),
        Script::Play(url) => listening(element("Play", &[], &escape(url.as_str()))),
        Script::Url(url) => element("Redirect", &[("method", Some("POST"))], &escape(url.as_str())),
        Script::Connect(agent) => element("Connect", &[], &noun(agent, fields, prompt)),
    };
    document(&verb)
}

/// The document that leaves a message on a contact's answering machine.
pub fn message(message: &Say, fields: &BTreeMap<String, String>) -> String {
    document(&said(message, fields))
}

fn document(verbs: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}", element("Response", &[], verbs))
}

fn said(say: &Say, fields: &BTreeMap<String, String>) -> String {
    let attributes = [("voice", say.voice.as_deref()), ("language", say.language.as_deref())];
    element("Say", &attributes, &escape(&say.text.render(fields)))
}

/// Listens for one key, whichever: without an empty `finishOnKey` Twilio would keep `#` to itself.
/// Source: <https://www.twilio.com/docs/voice/twiml/gather>.
fn gather(verb: &str, keys_url: &str) -> String {
    let attributes = [
        ("input", Some("dtmf")),
        ("numDigits", Some("1")),
        ("finishOnKey", Some("")),
        ("timeout", Some(LISTENS_ON_SECONDS)),
        ("action", Some(keys_url)),
        ("method", Some("POST")),
    ];
    element("Gather", &attributes, verb)
}

fn noun(agent: &Agent, fields: &BTreeMap<String, String>, prompt: Option<&str>) -> String {
    let mut told = fields.clone();
    told.extend(prompt.map(|prompt| ("prompt".to_owned(), prompt.to_owned())));
    match agent {
        Agent::ConversationRelay(relay) => {
            let rendered = relay.parameters.iter().map(|(name, value)| (name.clone(), value.render(fields)));
            told.extend(rendered);
            let greeting = relay.greeting.as_ref().map(|greeting| greeting.render(fields));
            let attributes = [
                ("url", Some(relay.url.as_str())),
                ("welcomeGreeting", greeting.as_deref()),
                ("language", relay.language.as_deref()),
                ("voice", relay.voice.as_deref()),
            ];
            element("ConversationRelay", &attributes, &parameters(&told))
        }
        Agent::Stream(stream) => {
            let greeting = stream.greeting.as_ref().map(|greeting| greeting.render(fields));
            told.extend(greeting.map(|greeting| ("greeting".to_owned(), greeting)));
            let rendered = stream.parameters.iter().map(|(name, value)| (name.clone(), value.render(fields)));
            told.extend(rendered);
            element("Stream", &[("url", Some(stream.url.as_str()))], &parameters(&told))
        }
    }
}

fn parameters(told: &BTreeMap<String, String>) -> String {
    told.iter()
        .map(|(name, value)| element("Parameter", &[("name", Some(name)), ("value", Some(value))], ""))
        .collect()
}

/// An element with those attributes that have a value; `content` is XML already.
fn element(name: &str, attributes: &[(&str, Option<&str>)], content: &str) -> String {
    let mut xml = format!("<{name}");
    for (key, value) in attributes {
        if let Some(value) = value {
            let _ = write!(xml, " {key}=\"{}\"", escape(value));
        }
    }
    match content {
        "" => xml.push_str("/>"),
        _ => {
            let _ = write!(xml, ">{content}</{name}>");
        }
    }
    xml
}

/// Text for an element or an attribute. Line ends and tabs become references, because an attribute would lose them;
/// what XML 1.0 cannot hold at all is dropped.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::Reader;
    use quick_xml::escape::unescape;
    use quick_xml::events::Event;

    use super::*;
    use crate::domain::script::{ConversationRelay, Say, SocketUrl, Spoken, Stream, StreamUrl, WebUrl};
    use crate::domain::template::Template;

    fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn say(text: &str) -> Script {
        let voice = Some("Polly.Joanna".into());
        Script::Say(Say { text: Spoken::parse(text).unwrap(), voice, language: None })
    }

    fn body(document: &str) -> &str {
        document
            .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>")
            .and_then(|rest| rest.strip_suffix("</Response>"))
            .unwrap()
    }

    /// Reads a document back: the text of all elements, and all attributes' values by `Element.name`.
    fn read(document: &str) -> (String, Vec<(String, String)>) {
        let mut reader = Reader::from_str(document);
        let (mut text, mut attributes) = (String::new(), Vec::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => return (text, attributes),
                Event::Text(part) => text.push_str(&part),
                Event::GeneralRef(part) => text.push_str(&unescape(&format!("&{};", &*part)).unwrap()),
                Event::Start(tag) | Event::Empty(tag) => {
                    for attribute in tag.attributes() {
                        let attribute = attribute.unwrap();
                        let name = format!("{}.{}", tag.name().as_ref(), attribute.key.as_ref());
                        attributes.push((name, unescape(&attribute.value).unwrap().into_owned()));
                    }
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_text_is_said_and_what_a_contact_is_called_cannot_become_markup() {
        let name = fields(&[("name", "<Hangup/> & \"Co\"\u{0}\u{b}")]);
        assert_eq!(
            body(&twiml(&say("Hello {{name}}"), &name, None, None)),
            "<Say voice=\"Polly.Joanna\">Hello &lt;Hangup/&gt; &amp; &quot;Co&quot;</Say>"
        );
    }

    #[test]
    fn a_recording_is_played_and_somebody_elses_twiml_is_redirected_to() {
        let url = WebUrl::parse("https://audio.example/hello.mp3?a=1&b=2").unwrap();
        assert_eq!(
            body(&twiml(&Script::Play(url.clone()), &fields(&[]), None, None)),
            "<Play>https://audio.example/hello.mp3?a=1&amp;b=2</Play>"
        );
        assert_eq!(
            body(&twiml(&Script::Url(url), &fields(&[]), None, None)),
            "<Redirect method=\"POST\">https://audio.example/hello.mp3?a=1&amp;b=2</Redirect>"
        );
    }

    #[test]
    fn a_key_stops_what_is_said_or_played_and_is_posted() {
        let keys = Some("https://dialer.example/keys#rc=5&rp=all");
        let gather = "<Gather input=\"dtmf\" numDigits=\"1\" finishOnKey=\"\" timeout=\"5\" \
                      action=\"https://dialer.example/keys#rc=5&amp;rp=all\" method=\"POST\">";
        assert_eq!(
            body(&twiml(&say("Hello"), &fields(&[]), None, keys)),
            format!("{gather}<Say voice=\"Polly.Joanna\">Hello</Say></Gather>")
        );
        let play = Script::Play(WebUrl::parse("https://audio.example/hello.mp3").unwrap());
        assert_eq!(
            body(&twiml(&play, &fields(&[]), None, keys)),
            format!("{gather}<Play>https://audio.example/hello.mp3</Play></Gather>")
        );
        assert!(!twiml(&relay(), &fields(&[]), None, keys).contains("Gather"));
    }

    fn relay() -> Script {
        Script::Connect(Agent::ConversationRelay(ConversationRelay {
            url: SocketUrl::parse("wss://agent.example/ws?a=1&b=2").unwrap(),
            greeting: Some(Template::parse("Hi {{name}}").unwrap()),
            voice: None,
            language: Some("en-US".into()),
            parameters: BTreeMap::from([("deal".into(), Template::parse("for {{company}}").unwrap())]),
        }))
    }

    #[test]
    fn an_agent_is_told_greeting_prompt_fields_and_its_own_parameters() {
        let contact = fields(&[("name", "Ann"), ("company", "Acme")]);
        assert_eq!(
            body(&twiml(&relay(), &contact, Some("Be kind.\nBe brief."), None)),
            "<Connect><ConversationRelay url=\"wss://agent.example/ws?a=1&amp;b=2\" \
             welcomeGreeting=\"Hi Ann\" language=\"en-US\">\
             <Parameter name=\"company\" value=\"Acme\"/><Parameter name=\"deal\" value=\"for Acme\"/>\
             <Parameter name=\"name\" value=\"Ann\"/>\
             <Parameter name=\"prompt\" value=\"Be kind.&#10;Be brief.\"/></ConversationRelay></Connect>"
        );
    }

    #[test]
    fn a_stream_is_told_its_greeting_as_a_parameter_and_its_own_parameters_win() {
        let stream = Script::Connect(Agent::Stream(Stream {
            url: StreamUrl::parse("wss://agent.example/ws").unwrap(),
            greeting: Some(Template::parse("Hi {{name}}").unwrap()),
            parameters: BTreeMap::from([("prompt".into(), Template::parse("mine").unwrap())]),
        }));
        assert_eq!(
            body(&twiml(&stream, &fields(&[("name", "Ann")]), Some("theirs"), None)),
            "<Connect><Stream url=\"wss://agent.example/ws\"><Parameter name=\"greeting\" value=\"Hi Ann\"/>\
             <Parameter name=\"name\" value=\"Ann\"/><Parameter name=\"prompt\" value=\"mine\"/></Stream></Connect>"
        );
    }

    #[test]
    fn a_document_travels_inline_up_to_4000_characters_and_is_fetched_beyond() {
        let answer = "https://dialer.example/answer";
        let of_length = |length| instructions(&say(&"é".repeat(length)), &fields(&[]), None, answer, None);
        let frame = twiml(&say("x"), &fields(&[]), None, None).chars().count() - 1;
        let Instructions::Twiml(longest) = of_length(LONGEST_INLINE - frame) else { panic!("not inline") };
        assert_eq!(longest.chars().count(), LONGEST_INLINE);
        assert_eq!(of_length(LONGEST_INLINE - frame + 1), Instructions::Url(answer.into()));
    }

    #[test]
    fn somebody_elses_twiml_is_fetched_from_them() {
        let url = WebUrl::parse("https://flows.example/twiml").unwrap();
        let instructions =
            instructions(&Script::Url(url), &fields(&[]), None, "https://dialer.example/", None);
        assert_eq!(instructions, Instructions::Url("https://flows.example/twiml".into()));
    }

    #[test]
    fn the_polite_hangup_is_well_formed() {
        assert!(read(POLITE_HANGUP).0.ends_with("Goodbye."));
    }

    proptest! {
        #[test]
        fn whatever_a_field_holds_the_document_is_well_formed_and_says_it(value in any::<String>()) {
            let holds = |c: &char| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}')
                && !matches!(c, '\u{fffe}' | '\u{ffff}');
            let expected: String = value.chars().filter(holds).collect();
            let contact = fields(&[("name", &value)]);

            let (text, _) = read(&twiml(&say("-{{name}}-"), &contact, None, None));
            prop_assert_eq!(text, format!("-{expected}-"));

            let (_, attributes) = read(&twiml(&relay(), &contact, Some(&value), None));
            for (name, told) in [
                ("ConversationRelay.welcomeGreeting", format!("Hi {expected}")),
                ("Parameter.value", expected.clone()),
            ] {
                prop_assert!(attributes.contains(&(name.to_owned(), told)), "{attributes:?}");
            }
        }
    }
}
