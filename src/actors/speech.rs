//! What a called person hears: the campaign's script, rendered for the contact; and what a machine hears instead.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use uuid::Uuid;

use crate::db::attempts::ClaimedAttempt;
use crate::db::campaigns::Speech;
use crate::domain::agent::Agent;
use crate::domain::answering_machine::{AnsweringMachine, Detect, Detection, Hears};
use crate::domain::attempt::AnsweredBy;
use crate::domain::outcome::Outcome;
use crate::domain::script::{self, Script};
use crate::domain::settings::Settings;
use crate::domain::template::variable_name;
use crate::twilio::call::{CreateCall, Instructions, MachineDetection};
use crate::twilio::callbacks::CallbackUrls;
use crate::twilio::twiml;

/// What is heard in the calls that this node has placed and of which the provider may still ask, for instructions or
/// after a key, one for each campaign: so that the called person is spoken to also while the database is away.
#[derive(Debug, Clone, Default)]
pub struct Speeches(Arc<Mutex<HashMap<Uuid, Kept>>>);

#[derive(Debug)]
struct Kept {
    attempt: Uuid,
    speech: Arc<Speech>,
}

impl Speeches {
    /// What is heard in the call of an attempt, if this node remembers it.
    pub fn find(&self, campaign: Uuid, attempt: Uuid) -> Option<Arc<Speech>> {
        let speeches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        speeches.get(&campaign).filter(|kept| kept.attempt == attempt).map(|kept| kept.speech.clone())
    }

    pub(super) fn keep(&self, campaign: Uuid, attempt: &ClaimedAttempt, settings: &Settings) {
        let speech = Speech {
            team: attempt.team,
            agent: attempt.agent.clone(),
            name: attempt.name.clone(),
            phone: attempt.phone.clone(),
            metadata: attempt.metadata.clone(),
            answering_machine: settings.answering_machine.clone(),
            opt_out_digit: settings.opt_out_digit,
        };
        let mut speeches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        speeches.insert(campaign, Kept { attempt: attempt.id, speech: Arc::new(speech) });
    }

    pub(super) fn forget(&self, campaign: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&campaign);
    }
}

/// The request for the call of a claimed attempt. There is none if the agent's snapshot cannot be read.
pub(super) fn request(
    urls: &CallbackUrls,
    campaign: Uuid,
    attempt: &ClaimedAttempt,
    settings: &Settings,
) -> Option<CreateCall> {
    let agent = Agent::deserialize(&attempt.agent).ok()?;
    let answer_url = urls.answer(campaign, attempt.id);
    let keys_url = settings.opt_out_digit.map(|_| urls.keys(campaign, attempt.id));
    let instructions = match attempt.detection {
        Some(Detection::First) => Instructions::Url(answer_url),
        Some(Detection::Beside) | None => {
            let fields = fields(attempt.name.as_deref(), &attempt.phone, &attempt.metadata);
            let prompt = agent.prompt_text.as_deref();
            twiml::instructions(&agent.script, &fields, prompt, &answer_url, keys_url.as_deref())
        }
    };
    let machine_detection = attempt.detection.map(|detection| MachineDetection {
        waits_for_message_end: settings.answering_machine.detect == Detect::MessageEnd,
        callback: match detection {
            Detection::First => None,
            Detection::Beside => Some(urls.machine(campaign, attempt.id)),
        },
    });
    // Instructions that cannot be fetched, and a key that cannot be made durable, are errors that nobody is to hear.
    let may_fail = keys_url.is_some() || matches!(instructions, Instructions::Url(_));
    Some(CreateCall {
        to: attempt.phone.clone(),
        from: settings.from.clone(),
        instructions,
        fallback: may_fail.then(|| urls.sorry(campaign, attempt.id)),
        status_callback: urls.status(campaign, attempt.id),
        ring_seconds: settings.ring_seconds,
        max_call_seconds: settings.max_call_seconds,
        // Half a second for the switchboard on the other side to listen.
        send_digits: (!attempt.extension.is_empty()).then(|| format!("w{}", attempt.extension)),
        machine_detection,
    })
}

/// What is heard in a call to this contact that came to that, for people to read: the text that is spoken, or the URL of
/// what is heard instead. None where nobody hears anything.
pub fn heard(
    (agent, answering_machine): (&Agent, &AnsweringMachine),
    (name, phone, metadata): (Option<&str>, &str, &serde_json::Value),
    outcome: Outcome,
) -> Option<String> {
    let fields = fields(name, phone, metadata);
    let hears = match outcome {
        Outcome::Answered => Hears::Script,
        Outcome::Machine => answering_machine.hears(Some(AnsweredBy::MachineStart)),
        _ => Hears::Nothing,
    };
    match hears {
        Hears::Nothing => None,
        Hears::Message(message) => Some(message.text.render(&fields)),
        Hears::Script => Some(match &agent.script {
            Script::Say(say) => say.text.render(&fields),
            Script::Play(url) | Script::Url(url) => url.as_str().to_owned(),
            Script::Connect(script::Agent::ConversationRelay(relay)) => match &relay.greeting {
                Some(greeting) => greeting.render(&fields),
                None => relay.url.as_str().to_owned(),
            },
            Script::Connect(script::Agent::Stream(stream)) => match &stream.greeting {
                Some(greeting) => greeting.render(&fields),
                None => stream.url.as_str().to_owned(),
            },
        }),
    }
}

/// The TwiML for whoever took the call, as far as the provider can tell who that is; keys are posted to `keys_url` if
/// the campaign listens for one. There is none if the agent's snapshot cannot be read.
pub fn twiml_for(speech: &Speech, answered_by: Option<AnsweredBy>, keys_url: &str) -> Option<String> {
    let fields = fields(speech.name.as_deref(), &speech.phone, &speech.metadata);
    match speech.answering_machine.hears(answered_by) {
        Hears::Nothing => Some(twiml::HANGUP.to_owned()),
        Hears::Message(message) => Some(twiml::message(message, &fields)),
        Hears::Script => {
            let agent = Agent::deserialize(&speech.agent).ok()?;
            let keys_url = speech.opt_out_digit.map(|_| keys_url);
            Some(twiml::twiml(&agent.script, &fields, agent.prompt_text.as_deref(), keys_url))
        }
    }
}

/// What a script's variables stand for: the contact's name, number and columns.
fn fields(name: Option<&str>, phone: &str, metadata: &serde_json::Value) -> BTreeMap<String, String> {
    let mut fields: BTreeMap<String, String> = match metadata {
        serde_json::Value::Object(columns) => {
            columns.iter().map(|(column, value)| (variable_name(column), text(value))).collect()
        }
        _ => BTreeMap::new(),
    };
    fields.insert("phone".to_owned(), phone.to_owned());
    fields.insert("name".to_owned(), name.unwrap_or_default().to_owned());
    fields
}

fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}
