//! What the called person hears, as a campaign's settings say it. How it becomes TwiML is the provider's business.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::public_host::is_public;
use super::template::{BadTemplate, Template, variable_name};

/// The longest text that may be said, in characters.
/// Source: <https://www.twilio.com/docs/voice/twiml/say>.
pub const LONGEST_SAY: usize = 4096;

/// What the called person hears. In settings one key says which: `{"say": …}`, `{"play": …}`, `{"connect": …}` or
/// `{"url": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Script {
    /// A text is spoken.
    Say(Say),
    /// A recording is played.
    Play(WebUrl),
    /// An agent talks over a WebSocket.
    Connect(Agent),
    /// Somebody else's server tells the provider what to do.
    Url(WebUrl),
}

/// A text and how it is spoken; in settings either an object or the text alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Say {
    /// The text.
    pub text: Spoken,
    /// The voice, by the provider's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// The language, such as `en-US`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// An agent behind a WebSocket, which is told the contact's fields and the campaign's prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agent {
    /// The provider listens and speaks; text goes over the WebSocket.
    ConversationRelay(ConversationRelay),
    /// The call's sound goes over the WebSocket.
    Stream(Stream),
}

/// An agent that exchanges text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversationRelay {
    /// Where the agent listens.
    pub url: SocketUrl,
    /// What is said first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Template>,
    /// The voice, by the provider's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// The language of both sides, such as `en-US`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Further parameters. They outrank the prompt and the contact's fields where names meet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Template>,
}

/// An agent that exchanges sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Where the agent listens.
    pub url: StreamUrl,
    /// What the agent is to say first; it travels as the parameter `greeting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Template>,
    /// Further parameters. They outrank the prompt and the contact's fields where names meet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Template>,
}

impl Script {
    /// Whether the provider can listen for keys while it is heard. An agent and somebody else's server listen
    /// themselves.
    pub fn can_be_interrupted_by_keys(&self) -> bool {
        match self {
            Self::Say(_) | Self::Play(_) => true,
            Self::Connect(_) | Self::Url(_) => false,
        }
    }

    /// Whether it may come in from outside. What is kept of a campaign is not asked any more: it was let in.
    pub fn check(&self) -> Result<(), BadUrl> {
        match self {
            Self::Say(_) => Ok(()),
            Self::Play(url) | Self::Url(url) => url.check(),
            Self::Connect(Agent::ConversationRelay(relay)) => relay.url.check(),
            Self::Connect(Agent::Stream(stream)) => stream.url.check(),
        }
    }

    /// The variables that it names.
    pub fn variables(&self) -> BTreeSet<&str> {
        let (first, others) = match self {
            Self::Say(say) => (Some(&say.text.0), None),
            Self::Connect(Agent::ConversationRelay(relay)) => {
                (relay.greeting.as_ref(), Some(&relay.parameters))
            }
            Self::Connect(Agent::Stream(stream)) => (stream.greeting.as_ref(), Some(&stream.parameters)),
            Self::Play(_) | Self::Url(_) => (None, None),
        };
        let others = others.into_iter().flat_map(BTreeMap::values);
        first.into_iter().chain(others).flat_map(Template::variables).collect()
    }
}

impl Say {
    /// The variables that it names.
    pub fn variables(&self) -> BTreeSet<&str> {
        self.text.0.variables().collect()
    }
}

/// Checks that every variable that is `named` is among `available`. `taken` are columns that have none of their own, each with
/// the variable that stands for it: whoever names one by its title is told.
pub fn check_variables<'a>(
    named: &BTreeSet<&'a str>,
    available: impl IntoIterator<Item = &'a str>,
    taken: &[Taken],
) -> Result<(), UnknownVariables> {
    let available: BTreeSet<&str> = available.into_iter().collect();
    let unknown: Vec<_> = named.difference(&available).map(|name| (*name).to_owned()).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let is_meant = |taken: &&Taken| unknown.contains(&variable_name(&taken.column));
    let taken = taken.iter().filter(is_meant).cloned().collect();
    Err(UnknownVariables { unknown, available: available.into_iter().map(str::to_owned).collect(), taken })
}

/// A column that was taken for what each contact has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its title.
    pub column: String,
    /// The variable that stands for it.
    pub variable: &'static str,
}

/// A script names variables that the contact list does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the script's variables to be columns of the list: it has no {}, it has {}{}",
    listed(.unknown), listed(.available), told(.taken))]
pub struct UnknownVariables {
    /// The variables that the list does not have.
    pub unknown: Vec<String>,
    /// Those that it has.
    pub available: Vec<String>,
    /// The columns that were meant and have another variable.
    pub taken: Vec<Taken>,
}

fn told(taken: &[Taken]) -> String {
    let one = |Taken { column, variable }: &Taken| {
        format!("; the column {column:?} was taken for {{{{{variable}}}}}")
    };
    taken.iter().map(one).collect()
}

fn listed(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("{{{{{name}}}}}")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A template for a text that is spoken at once, and therefore not empty and at most [`LONGEST_SAY`] characters long
/// before its variables are filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Spoken(Template);

/// A text that cannot be spoken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSpoken {
    /// Its variables are wrong.
    #[error(transparent)]
    Template(#[from] BadTemplate),
    /// There is nothing to say.
    #[error("expected a text to say, got an empty one")]
    Empty,
    /// There is too much to say.
    #[error("expected at most {LONGEST_SAY} characters to say, got {0}")]
    TooLong(usize),
}

impl Spoken {
    /// Reads the template.
    pub fn parse(text: &str) -> Result<Self, BadSpoken> {
        let template = Template::parse(text)?;
        match template.fixed_characters() {
            _ if text.trim().is_empty() => Err(BadSpoken::Empty),
            length if length > LONGEST_SAY => Err(BadSpoken::TooLong(length)),
            _ => Ok(Self(template)),
        }
    }

    /// The text with its variables filled in. One that the values make too long is cut, because the called person
    /// would otherwise hear that an error occurred.
    pub fn render(&self, fields: &BTreeMap<String, String>) -> String {
        let text = self.0.render(fields);
        match text.char_indices().nth(LONGEST_SAY) {
            Some((end, _)) => text[..end].to_owned(),
            None => text,
        }
    }
}

impl TryFrom<String> for Spoken {
    type Error = BadSpoken;

    fn try_from(text: String) -> Result<Self, BadSpoken> {
        Self::parse(&text)
    }
}

impl From<Spoken> for String {
    fn from(spoken: Spoken) -> Self {
        spoken.0.into()
    }
}

impl<'de> Deserialize<'de> for Say {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Object {
            text: Spoken,
            voice: Option<String>,
            language: Option<String>,
        }

        struct TextOrObject;

        impl<'de> Visitor<'de> for TextOrObject {
            type Value = Say;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or an object with text, voice and language")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Say, E> {
                let text = Spoken::parse(text).map_err(E::custom)?;
                Ok(Say { text, voice: None, language: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Say, A::Error> {
                let Object { text, voice, language } = Object::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Say { text, voice, language })
            }
        }

        deserializer.deserialize_any(TextOrObject)
    }
}

/// A URL that a script may not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// It is none, or of another kind.
    #[error("expected {expected}, got {text:?}")]
    OtherKind {
        /// What it may look like.
        expected: &'static str,
        /// What it is.
        text: String,
    },
    /// It names a user and perhaps a password, which is not repeated.
    #[error("expected {expected}, got one with a user or password")]
    WithUser {
        /// What it may look like.
        expected: &'static str,
    },
    /// The provider, which is to fetch it, could never reach the host.
    #[error("expected a host that can be reached from everywhere, such as agent.example.com, got {0}")]
    PrivateHost(String),
}

/// Checks a URL that is handed on as it is written. Whoever fetches it may read it otherwise than we do, so that nothing
/// may stand in it that is read in more than one way.
fn check_url(text: &str, expected: &'static str, fits: fn(&Url) -> bool) -> Result<(), BadUrl> {
    let other_kind = || BadUrl::OtherKind { expected, text: text.to_owned() };
    let url = Url::parse(text).map_err(|_| other_kind())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadUrl::WithUser { expected });
    }
    if !fits(&url)
        || url.port() == Some(0)
        || text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return Err(other_kind());
    }
    match url.host() {
        Some(host) if is_public(&host) => Ok(()),
        Some(host) => Err(BadUrl::PrivateHost(host.to_string())),
        None => Err(other_kind()),
    }
}

/// Declares a kind of URL by what it may look like.
macro_rules! url_kind {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the URL and keeps it as it is written.
            pub fn parse(text: &str) -> Result<Self, BadUrl> {
                let url = Self(text.to_owned());
                url.check()?;
                Ok(url)
            }

            /// Whether it may come in from outside.
            pub fn check(&self) -> Result<(), BadUrl> {
                check_url(&self.0, $expected, $fits)
            }

            /// The URL.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadUrl;

            /// Of what was let in before it is only asked whether it can be what it is.
            fn try_from(text: String) -> Result<Self, BadUrl> {
                let fits: fn(&Url) -> bool = $fits;
                match Url::parse(&text) {
                    Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                        Err(BadUrl::WithUser { expected: $expected })
                    }
                    Ok(url) if fits(&url) => Ok(Self(text)),
                    Ok(_) | Err(_) => Err(BadUrl::OtherKind { expected: $expected, text }),
                }
            }
        }

        impl From<$name> for String {
            fn from(url: $name) -> Self {
                url.0
            }
        }
    };
}

url_kind! {
    /// An absolute URL of a page or file.
    WebUrl, "an absolute http or https URL without a user or password", |url| {
        matches!(url.scheme(), "http" | "https")
    }
}

url_kind! {
    /// An absolute URL of a WebSocket.
    SocketUrl, "an absolute wss URL without a user or password", |url| url.scheme() == "wss"
}

url_kind! {
    /// An absolute URL of a WebSocket for sound, to which Twilio sends no query.
    /// Source: <https://www.twilio.com/docs/voice/twiml/stream>.
    StreamUrl,
    "an absolute wss URL without a user, a password or a query (put values into parameters)",
    |url| url.scheme() == "wss" && url.query().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(json: &str) -> Result<Script, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_kind_of_script_is_read_and_written_back_the_same() {
        for json in [
            r#"{"say":"Hello {{name}}"}"#,
            r#"{"say":{"text":"Hello {{name}}","voice":"Polly.Joanna","language":"en-US"}}"#,
            r#"{"play":"https://audio.example/hello.mp3"}"#,
            r#"{"connect":{"conversation_relay":{"url":"wss://agent.example/ws?x=1","greeting":"Hi {{name}}",
                "language":"en-US","parameters":{"deal":"{{company}}"}}}}"#,
            r#"{"connect":{"stream":{"url":"wss://agent.example/ws","parameters":{"a":"b"}}}}"#,
            r#"{"url":"https://flows.example/twiml"}"#,
        ] {
            let read = script(json).unwrap_or_else(|error| panic!("{json}: {error}"));
            let written = serde_json::to_string(&read).unwrap();
            assert_eq!(script(&written).unwrap(), read, "{written}");
        }
    }

    #[test]
    fn what_is_no_script_is_refused_by_name_with_what_was_expected() {
        for (json, told) in [
            (r#"{"sing":"la"}"#, "unknown variant `sing`, expected one of `say`, `play`, `connect`, `url`"),
            (r#"{"say":{"text":"Hi","volume":3}}"#, "unknown field `volume`, expected one of `text`"),
            (r#"{"say":7}"#, "expected a text, or an object with text, voice and language"),
            (r#"{"say":"  "}"#, "expected a text to say"),
            (r#"{"say":"Hi {{first.name}}"}"#, "{{first.name}}"),
            (r#"{"connect":{"telepathy":{}}}"#, "expected `conversation_relay` or `stream`"),
            (r#"{"connect":{"stream":{"url":"wss://a.example","prompt":"x"}}}"#, "unknown field `prompt`"),
            (r#"{"say":"Hi","play":"https://audio.example/"}"#, ""),
        ] {
            let error = script(json).unwrap_err();
            assert!(error.contains(told), "{json}: {error}");
        }
    }

    #[test]
    fn urls_are_absolute_and_of_the_right_scheme_and_carry_no_password() {
        for bad in ["", "hello.mp3", "/hello.mp3", "ftp://a.example/", "https://u:p@a.example/", "https://"] {
            assert!(WebUrl::parse(bad).is_err(), "{bad}");
        }
        assert!(WebUrl::parse("http://a.example/x?y=1").is_ok());
        for bad in ["ws://a.example/", "https://a.example/", "wss://u@a.example/"] {
            assert!(SocketUrl::parse(bad).is_err(), "{bad}");
        }
        assert!(SocketUrl::parse("wss://a.example/ws?x=1").is_ok());
        let error = StreamUrl::parse("wss://a.example/ws?x=1").unwrap_err();
        assert!(error.to_string().contains("parameters"), "{error}");
    }

    #[test]
    fn a_url_that_the_provider_could_never_fetch_is_refused_with_its_host() {
        for json in [
            r#"{"play":"http://192.168.1.2/hello.mp3"}"#,
            r#"{"url":"http://0x7f.1:8080/twiml"}"#,
            r#"{"connect":{"conversation_relay":{"url":"wss://agent.internal/ws"}}}"#,
            r#"{"connect":{"stream":{"url":"wss://[::ffff:10.0.0.1]/ws"}}}"#,
        ] {
            // What was let in before is read all the same.
            let error = script(json).unwrap().check().unwrap_err().to_string();
            assert!(error.contains("expected a host that can be reached from everywhere"), "{json}: {error}");
        }
    }

    #[test]
    fn a_url_that_others_read_otherwise_is_refused_and_a_password_is_not_repeated() {
        for bad in [
            "https://a.example\\@127.0.0.1/",
            "https://127.0.0.1\t.example/",
            "https://a.exa\nmple/",
            " https://a.example/",
            "https:\\\\a.example/",
            "https://a.example:0/",
        ] {
            assert!(WebUrl::parse(bad).is_err(), "{bad:?}");
        }
        let error = WebUrl::parse("https://me:hunter2@a.example/").unwrap_err().to_string();
        assert!(error.contains("without a user or password") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_script_that_names_a_missing_column_says_which_and_what_there_is() {
        let script = script(
            r#"{"connect":{"conversation_relay":{"url":"wss://a.example","greeting":"Hi {{nmae}}",
                "parameters":{"deal":"{{deal}} {{company}}"}}}}"#,
        )
        .unwrap();
        assert_eq!(script.variables(), BTreeSet::from(["company", "deal", "nmae"]));
        let error = check_variables(&script.variables(), ["name", "company"], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected the script's variables to be columns of the list: it has no {{deal}}, {{nmae}}, \
             it has {{company}}, {{name}}"
        );
        assert!(check_variables(&script.variables(), ["nmae", "company", "deal", "more"], &[]).is_ok());
        let taken = |column: &str| Taken { column: column.to_owned(), variable: "name" };
        let columns = [taken("NMAE"), taken("Company")];
        let error = check_variables(&script.variables(), ["name", "company"], &columns).unwrap_err();
        assert!(error.to_string().ends_with("; the column \"NMAE\" was taken for {{name}}"), "{error}");
    }

    #[test]
    fn a_text_too_long_to_say_is_refused_if_it_is_known_before_and_cut_if_not() {
        assert!(Spoken::parse(&"é".repeat(LONGEST_SAY)).is_ok());
        let refused = Spoken::parse(&"é".repeat(LONGEST_SAY + 1));
        assert_eq!(refused, Err(BadSpoken::TooLong(LONGEST_SAY + 1)));
        let said = Spoken::parse("Hi {{name}}").unwrap();
        let text = said.render(&fields(&[("name", &"é".repeat(5000))]));
        assert_eq!(text.chars().count(), LONGEST_SAY);
        assert_eq!(said.render(&fields(&[("name", "Ann")])), "Hi Ann");
    }
}
