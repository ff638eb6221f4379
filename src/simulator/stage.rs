//! Acts TwiML out: what is said takes its time, what is pressed is reported, what is fetched is fetched.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use url::Url;

use super::account::new_sid;
use super::call::Call;
use super::callbacks::{Event, seconds_of};
use super::faults::FaultKind;
use super::outgoing::Answer;
use super::twiml::{Action, Gather, Verb, parse};
use super::validate::{Instructions, Notice, Target, is_absolute_url};
use super::world::World;

/// How long "an application error has occurred, goodbye" takes to say.
const APOLOGY_SECONDS: f64 = 4.0;

/// How soon the called person presses what it presses.
const PRESS_SECONDS: f64 = 1.0;

/// A call that goes round in circles is left after so many documents.
const MOST_DOCUMENTS: u32 = 1000;

/// TwiML in force, and where it came from: a relative URL is relative to that.
struct Document {
    verbs: Vec<Verb>,
    url: Option<Url>,
}

/// What comes after a verb or a document.
enum Next {
    /// The next verb.
    On,
    /// Another document.
    Document(Target, Vec<(String, String)>),
    /// The end of the call.
    HangUp,
}

/// Acts the instructions out, from an instant on, and comes to the one at which the script hangs up or has nothing
/// more to say.
pub(super) async fn perform(
    world: &Arc<World>,
    call: &Call,
    instructions: Instructions,
    extra: Vec<(String, String)>,
    begins_at: DateTime<Utc>,
) -> DateTime<Utc> {
    let mut stage = Stage { world, call, fallback: call.order.fallback.clone(), at: begins_at };
    if let Err(notice) = stage.play(instructions, extra).await {
        call.note(notice);
        stage.wait(APOLOGY_SECONDS).await;
    }
    stage.at
}

struct Stage<'a> {
    world: &'a Arc<World>,
    call: &'a Call,
    /// Where to go when a document cannot be had or read; once.
    fallback: Option<Target>,
    /// How far it has come.
    at: DateTime<Utc>,
}

impl Stage<'_> {
    async fn play(&mut self, instructions: Instructions, extra: Vec<(String, String)>) -> Result<(), Notice> {
        let mut next = match instructions {
            Instructions::Fetched(target) => Next::Document(target, extra),
            Instructions::Inline(text) => match parse(&text) {
                Ok(verbs) => self.act(&Document { verbs, url: None }).await?,
                Err(notice) => self.fall_back(notice, "")?,
            },
        };
        for _ in 0..MOST_DOCUMENTS {
            next = match next {
                Next::On | Next::HangUp => return Ok(()),
                Next::Document(target, extra) => match self.fetch(&target, extra).await {
                    Ok(document) => self.act(&document).await?,
                    Err(notice) => self.fall_back(notice, &target.url)?,
                },
            };
        }
        Err(Notice::new(12400, "the call went through 1000 documents"))
    }

    fn fall_back(&mut self, notice: Notice, failed_url: &str) -> Result<Next, Notice> {
        let Some(fallback) = self.fallback.take() else { return Err(notice) };
        let extra = vec![
            ("ErrorCode".to_owned(), notice.code.to_string()),
            ("ErrorUrl".to_owned(), failed_url.to_owned()),
        ];
        self.call.note(notice);
        Ok(Next::Document(fallback, extra))
    }

    async fn fetch(&mut self, target: &Target, extra: Vec<(String, String)>) -> Result<Document, Notice> {
        match self.world.callback_fault(&self.call.order.to, Event::Twiml) {
            Some(FaultKind::Lost) => return Err(Notice::new(11200, "the fetch was lost on demand")),
            Some(FaultKind::Late { seconds }) => self.wait(seconds).await,
            _ => {}
        }
        let record = self.call.record();
        let mut form = self.world.call_form(&record, "in-progress");
        form.push(("StirStatus".into(), "C".into()));
        form.push(("StirVerstat".into(), "TN-Validation-Passed-C".into()));
        form.extend(extra);
        // The request goes on when the person hangs up meanwhile.
        let (world, sid, asked) = (self.world.clone(), self.call.sid.clone(), target.clone());
        let request = tokio::spawn(async move {
            let token = uuid::Uuid::new_v4().to_string();
            world.request(&sid, &asked, Event::Twiml, form, &token).await
        });
        let delivery = request.await.map_err(|_| Notice::new(11200, "the fetch broke off"))?;
        self.at = self.at.max(self.world.clock().now());
        let answer = delivery.result.map_err(|failure| Notice::new(11200, failure.to_string()))?;
        Ok(Document { verbs: read_answer(&answer)?, url: Url::parse(&target.url).ok() })
    }

    async fn act(&mut self, document: &Document) -> Result<Next, Notice> {
        for verb in &document.verbs {
            match self.act_one(verb, document).await? {
                Next::On => {}
                next => return Ok(next),
            }
        }
        Ok(Next::HangUp)
    }

    async fn act_one(&mut self, verb: &Verb, document: &Document) -> Result<Next, Notice> {
        match verb {
            Verb::Say { .. } | Verb::Play { .. } | Verb::Pause { .. } => {
                self.wait(verb.seconds(self.call.fate.play_seconds)).await;
                Ok(Next::On)
            }
            Verb::Gather(gather) => self.gather(gather, document).await,
            Verb::Record { action, longest_seconds } => {
                let seconds = self.last(in_seconds(*longest_seconds)).await;
                let url = format!(
                    "{}/2010-04-01/Accounts/{}/Recordings/{}",
                    self.world.url(),
                    self.world.config.account_sid,
                    new_sid("RE")
                );
                let extra = vec![
                    ("RecordingUrl".to_owned(), url),
                    ("RecordingDuration".to_owned(), format!("{seconds:.0}")),
                    ("Digits".to_owned(), "hangup".to_owned()),
                ];
                go_on(&Action { url: own_url(action, document), ..action.clone() }, document, extra)
            }
            Verb::Dial { action, limit_seconds } => {
                let seconds = self.last(in_seconds(*limit_seconds)).await;
                let extra = vec![
                    ("DialCallStatus".to_owned(), "completed".to_owned()),
                    ("DialCallSid".to_owned(), new_sid("CA")),
                    ("DialCallDuration".to_owned(), format!("{seconds:.0}")),
                    ("DialBridged".to_owned(), "true".to_owned()),
                ];
                go_on(action, document, extra)
            }
            Verb::Connect { action } => {
                let seconds = self.last(f64::INFINITY).await;
                let extra = vec![
                    ("SessionId".to_owned(), new_sid("VX")),
                    ("SessionStatus".to_owned(), "ended".to_owned()),
                    ("SessionDuration".to_owned(), format!("{seconds:.0}")),
                ];
                go_on(action, document, extra)
            }
            Verb::Redirect { method, url } => {
                let action = Action { url: Some(url.clone()), method: *method };
                go_on(&action, document, Vec::new())
            }
            // <Reject> is for calls that come in; on one that was answered it ends the call as well.
            Verb::Reject | Verb::Hangup => Ok(Next::HangUp),
        }
    }

    /// What is pressed stops the prompts; without any key the timeout runs after them.
    async fn gather(&mut self, gather: &Gather, document: &Document) -> Result<Next, Notice> {
        let pressed = if gather.takes_digits { self.call.next_digits() } else { "" };
        let timeout = in_seconds(gather.timeout_seconds);
        if pressed.is_empty() {
            let prompts = gather.prompts.iter().map(|verb| verb.seconds(self.call.fate.play_seconds));
            self.wait(prompts.sum::<f64>() + timeout).await;
        } else {
            self.wait(PRESS_SECONDS).await;
            if !gather.is_ended_by(pressed) {
                self.wait(timeout).await;
            }
        }
        let digits = gather.gathered(pressed);
        if digits.is_empty() && !gather.acts_on_nothing {
            return Ok(Next::On);
        }
        let action = Action { url: own_url(&gather.action, document), ..gather.action.clone() };
        if action.url.is_none() {
            return Err(Notice::new(11100, "inline TwiML needs an absolute action"));
        }
        go_on(&action, document, vec![("Digits".to_owned(), digits)])
    }

    /// Lasts as long as the scenario says, but no longer than this; the person's hang-up ends it from outside.
    async fn last(&mut self, longest: f64) -> f64 {
        let seconds = self.call.fate.connect_seconds.unwrap_or(f64::INFINITY).min(longest);
        self.wait(seconds.min(86_400.0)).await;
        seconds
    }

    async fn wait(&mut self, seconds: f64) {
        self.at += seconds_of(seconds.min(86_400.0));
        self.world.clock().sleep_until(self.at).await;
    }
}

/// The action's URL, or the document's own, which is the default of some verbs.
fn own_url(action: &Action, document: &Document) -> Option<String> {
    action.url.clone().or_else(|| document.url.as_ref().map(Url::to_string))
}

/// Goes on at the action, or at the next verb if there is none.
fn go_on(action: &Action, document: &Document, extra: Vec<(String, String)>) -> Result<Next, Notice> {
    let Some(url) = &action.url else { return Ok(Next::On) };
    let absolute = match &document.url {
        _ if is_absolute_url(url) => Some(url.clone()),
        Some(base) => base.join(url).ok().map(String::from),
        None => None,
    };
    match absolute {
        Some(url) => Ok(Next::Document(Target { url, method: action.method }, extra)),
        None => Err(Notice::new(11100, format!("inline TwiML needs absolute URLs, got {url}"))),
    }
}

/// Reads an answer by its content type.
fn read_answer(answer: &Answer) -> Result<Vec<Verb>, Notice> {
    if answer.status >= 400 || answer.status < 200 {
        return Err(Notice::new(11200, format!("the TwiML was answered {}", answer.status)));
    }
    let kind = answer.content_type.as_deref().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind.starts_with("audio/") {
        return Ok(vec![Verb::Play { times: 1 }]);
    }
    let text = String::from_utf8_lossy(&answer.body);
    if text.trim().is_empty() {
        return Err(Notice::new(11770, "the TwiML is empty"));
    }
    match kind.as_str() {
        "text/xml" | "application/xml" | "text/html" => parse(&text),
        "text/plain" => Ok(parse(&text).unwrap_or_else(|_| {
            let words = u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX);
            vec![Verb::Say { words, times: 1 }]
        })),
        other => Err(Notice::new(12300, format!("the content type {other:?} is not TwiML's"))),
    }
}

fn in_seconds(seconds: u64) -> f64 {
    u32::try_from(seconds).map_or(86_400.0, f64::from)
}

#[cfg(test)]
mod tests {
    use super::super::validate::Method;
    use super::*;

    fn answer(status: u16, content_type: Option<&str>, body: &str) -> Answer {
        Answer { status, content_type: content_type.map(str::to_owned), body: body.as_bytes().to_vec() }
    }

    fn code(answer: &Answer) -> u32 {
        read_answer(answer).map_or_else(|notice| notice.code, |_| 0)
    }

    #[test]
    fn an_answer_is_read_by_its_content_type() {
        let twiml = "<Response><Hangup/></Response>";
        for kind in ["text/xml", "application/xml; charset=utf-8", "text/html", "Text/XML"] {
            assert_eq!(read_answer(&answer(200, Some(kind), twiml)), Ok(vec![Verb::Hangup]), "{kind}");
        }
        let spoken = Ok(vec![Verb::Say { words: 2, times: 1 }]);
        assert_eq!(read_answer(&answer(200, Some("text/plain"), "good morning")), spoken);
        assert_eq!(read_answer(&answer(200, Some("audio/mpeg"), "")), Ok(vec![Verb::Play { times: 1 }]));
        assert_eq!(code(&answer(200, Some("application/json"), twiml)), 12300);
        assert_eq!(code(&answer(200, None, twiml)), 12300);
        assert_eq!(code(&answer(204, Some("text/xml"), "")), 11770);
        assert_eq!(code(&answer(503, Some("text/xml"), twiml)), 11200);
    }

    #[test]
    fn inline_twiml_goes_nowhere_relative() {
        let inline = Document { verbs: Vec::new(), url: None };
        let fetched = Document { verbs: Vec::new(), url: Url::parse("https://d.example/a/b").ok() };
        let action = Action { url: Some("c".into()), method: Method::Post };
        assert_eq!(go_on(&action, &inline, Vec::new()).err().map(|notice| notice.code), Some(11100));
        let Ok(Next::Document(target, _)) = go_on(&action, &fetched, Vec::new()) else {
            panic!("expected another document");
        };
        assert_eq!(target.url, "https://d.example/a/c");
    }
}
