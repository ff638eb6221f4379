//! What a called person hears: the campaign's script, rendered for the contact.

use std::collections::BTreeMap;

use serde::Deserialize;
use uuid::Uuid;

use crate::db::attempts::ClaimedAttempt;
use crate::domain::agent::Agent;
use crate::domain::script::Script;
use crate::domain::settings::Settings;
use crate::domain::template::variable_name;
use crate::twilio::call::CreateCall;
use crate::twilio::callbacks::CallbackUrls;
use crate::twilio::twiml;

/// The request for the call of a claimed attempt. There is none if the agent's snapshot cannot be read.
pub(super) fn request(
    urls: &CallbackUrls,
    campaign: Uuid,
    attempt: &ClaimedAttempt,
    settings: &Settings,
) -> Option<CreateCall> {
    let agent = Agent::deserialize(&attempt.agent).ok()?;
    let fields = fields(attempt.name.as_deref(), &attempt.phone, &attempt.metadata);
    let answer_url = urls.answer(campaign, attempt.id);
    let prompt = agent.prompt_text.as_deref();
    Some(CreateCall {
        to: attempt.phone.clone(),
        from: settings.from.clone(),
        instructions: twiml::instructions(&agent.script, &fields, prompt, &answer_url),
        status_callback: urls.status(campaign, attempt.id),
        ring_seconds: settings.ring_seconds,
        max_call_seconds: settings.max_call_seconds,
        // Half a second for the switchboard on the other side to listen.
        send_digits: (!attempt.extension.is_empty()).then(|| format!("w{}", attempt.extension)),
    })
}

/// The TwiML that an agent speaks to a contact, for the webhook that is asked for it. A script that is somebody
/// else's TwiML is fetched there and has none of its own.
pub fn twiml_for(
    agent: &serde_json::Value,
    name: Option<&str>,
    phone: &str,
    metadata: &serde_json::Value,
) -> Option<String> {
    let agent = Agent::deserialize(agent).ok()?;
    let fields = fields(name, phone, metadata);
    match agent.script {
        Script::Url(_) => None,
        script => Some(twiml::twiml(&script, &fields, agent.prompt_text.as_deref())),
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
