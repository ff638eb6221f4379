//! Asking the server that a campaign wants to be asked before each call: about the contact who would be next, before a place
//! is waited for and before anybody is claimed. What it says is carried out at once; that it agrees is remembered for a
//! short while, and for this contact only.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{info, warn};
use uuid::Uuid;

use crate::clock::{Deadline, Stopwatch};
use crate::db::attempts::{NextContact, Whose, find_next, postpone, veto};
use crate::db::hooks::find_destination;
use crate::db::hooks::silence::{end_silence, record_silence};
use crate::db::look::{Known, Look};
use crate::db::{Error, Ownership};
use crate::domain::before_call::{BeforeCall, HookStanding, Word, as_reason, put_off_until};
use crate::domain::contactable::Terms;
use crate::domain::dialer::ready_queues;
use crate::receivers::Parcel;

use super::switchboard::Switchboard;
use super::turn::{Carried, Memory};

/// How long a server's word is good for, in real time: as long as a campaign may well wait for a place.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// That somebody may be called next.
#[derive(Debug)]
pub(super) struct Consent {
    /// The contact; none if there was nobody to ask about.
    contact: Option<Uuid>,
    /// The version of the settings that said who was to be asked.
    settings_version: i32,
    until: Deadline,
}

impl Consent {
    fn under(known: &Known, contact: Option<Uuid>) -> Self {
        Self { contact, settings_version: known.settings_version, until: Deadline::within(GOOD_FOR) }
    }

    /// Whether it was given a short while ago, and by the settings as they are.
    pub(super) fn is_good(&self, known: &Known) -> bool {
        self.settings_version == known.settings_version && !self.until.has_passed()
    }

    /// Whose call may begin by it.
    pub(super) fn whose(&self) -> Whose {
        Whose::Only(self.contact)
    }
}

/// Asks about whoever would be called next.
pub(super) async fn consult(
    board: &Switchboard,
    owner: Ownership,
    look: &Look,
    memory: &mut Memory,
) -> Result<Carried, Error> {
    let settings = &look.known.settings;
    // The decision to ask was made by both: they are there.
    let (Some(asking), Ok(rules)) = (settings.before_call, board.rules(settings)) else {
        return Ok(Carried::Out);
    };
    let terms = Terms::of(settings, &rules);
    let now = board.clock.now();
    let ready = ready_queues(&look.queues, &terms, now);
    let Some(contact) = find_next(&board.database, owner, look.team, &terms, &ready, now).await? else {
        memory.consent = Some(Consent::under(&look.known, None));
        return Ok(Carried::Out);
    };
    memory.empty_claims = 0;
    match ask(board, (owner, look), &asking, &contact).await? {
        Ok(word) => {
            if look.hook != HookStanding::Answers {
                end_silence(&board.database, (look.team, asking.hook)).await?;
            }
            obey(board, (owner, look), memory, &contact, word).await?;
        }
        Err(why) => {
            let why = as_reason(&why);
            warn!(hook.id = %asking.hook, why, "the server that is asked before each call gives no answer");
            record_silence(&board.database, (look.team, asking.hook), &why, board.clock.now()).await?;
        }
    }
    Ok(Carried::Out)
}

async fn obey(
    board: &Switchboard,
    (owner, look): (Ownership, &Look),
    memory: &mut Memory,
    contact: &NextContact,
    word: Word,
) -> Result<(), Error> {
    let (now, version) = (board.clock.now(), look.known.settings_version);
    match word {
        Word::Call => memory.consent = Some(Consent::under(&look.known, Some(contact.id))),
        Word::Veto { reason } => {
            let reason = Word::veto(reason.as_deref());
            if veto(&board.database, (owner, version), contact, &reason, now).await? {
                info!(contact.id = %contact.id, "vetoed, not called");
            }
        }
        Word::Postpone { until, reason } => {
            let (until, reason) = (put_off_until(until, now), Word::postponement(reason.as_deref()));
            if postpone(&board.database, (owner, version), contact, (until, &reason), now).await? {
                info!(contact.id = %contact.id, %until, "postponed");
            }
        }
    }
    Ok(())
}

/// What is asked.
#[derive(Serialize)]
struct Question<'a> {
    kind: &'static str,
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    at: DateTime<Utc>,
    campaign_id: Uuid,
    contact: AskedAbout<'a>,
}

/// Who is asked about.
#[derive(Serialize)]
struct AskedAbout<'a> {
    id: Uuid,
    phone: &'a str,
    extension: Option<&'a str>,
    name: Option<&'a str>,
    metadata: &'a Value,
    attempts: u32,
}

/// Returns the server's word, or why there is none.
async fn ask(
    board: &Switchboard,
    (owner, look): (Ownership, &Look),
    asking: &BeforeCall,
    contact: &NextContact,
) -> Result<Result<Word, String>, Error> {
    let now = board.clock.now();
    let Some(destination) = find_destination(&board.database, (look.team, asking.hook), now).await? else {
        return Ok(Err("its hook was deleted".to_owned()));
    };
    let question = Question {
        kind: "before_call",
        at: now,
        campaign_id: owner.campaign,
        contact: AskedAbout {
            id: contact.id,
            phone: &contact.phone,
            extension: Some(contact.extension.as_str()).filter(|extension| !extension.is_empty()),
            name: contact.name.as_deref(),
            metadata: &contact.metadata,
            attempts: contact.attempts,
        },
    };
    let body = serde_json::to_vec(&question).map_err(|error| Error::ImpossibleRow(error.to_string()))?;
    let id = format!("ask_{}", Uuid::now_v7());
    let parcel = Parcel { id: &id, at: board.clock.real_now(), body: Bytes::from(body) };
    let within = Duration::from_secs(asking.timeout_seconds.into());
    let asked = Stopwatch::start();
    let word = board.poster.ask(&destination, &parcel, within).await;
    let word = word.and_then(|answer| read(&answer, board.clock.now()));
    board.meters.asked_before_call(as_word(&word), asked.elapsed());
    Ok(word)
}

fn as_word(word: &Result<Word, String>) -> &'static str {
    match word {
        Ok(Word::Call) => "call",
        Ok(Word::Veto { .. }) => "veto",
        Ok(Word::Postpone { .. }) => "postpone",
        Err(_) => "silent",
    }
}

/// An answer as it is written.
#[derive(Deserialize)]
struct Answer {
    decision: Decision,
    reason: Option<String>,
    until: Option<DateTime<Utc>>,
    for_seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Call,
    Veto,
    Postpone,
}

/// Reads an answer, or says why it is none. Whoever agrees says so: an empty answer may come from a server that takes
/// whatever it is sent.
fn read(answer: &[u8], now: DateTime<Utc>) -> Result<Word, String> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|error| {
        // Nothing of what it says is repeated: it may speak of the person.
        let what = if error.is_data() { "is none that is known" } else { "is no JSON" };
        format!(r#"its answer {what}, expected JSON such as {{"decision": "call"}}"#)
    })?;
    let Answer { decision, reason, until, for_seconds } = answer;
    let after = for_seconds.map(|seconds| now + TimeDelta::seconds(seconds.into()));
    match (decision, until.or(after)) {
        (Decision::Call, _) => Ok(Word::Call),
        (Decision::Veto, _) => Ok(Word::Veto { reason }),
        (Decision::Postpone, Some(until)) => Ok(Word::Postpone { until, reason }),
        (Decision::Postpone, None) => {
            Err("its answer postpones the call without until or for_seconds".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-02T15:00:00Z".parse().unwrap()
    }

    #[test]
    fn only_who_says_so_agrees() {
        let word = |text: &str| read(text.as_bytes(), now());
        assert_eq!(word(r#"{"decision":"call","note":"as you like"}"#), Ok(Word::Call));
        assert_eq!(word(r#"{"decision":"veto"}"#), Ok(Word::Veto { reason: None }));
        let reason = Some("has paid".to_owned());
        assert_eq!(word(r#"{"decision":"veto","reason":"has paid"}"#), Ok(Word::Veto { reason }));
        for text in ["", "ok", "true", "{}", r#"{"decision":"yes"}"#, r#"{"decision":true}"#, "<html>"] {
            let refused = word(text).unwrap_err();
            assert!(refused.contains(r#"expected JSON such as {"decision": "call"}"#), "{text}: {refused}");
        }
    }

    #[test]
    fn who_postpones_says_until_when_or_for_how_long() {
        let until = |text: &str| match read(text.as_bytes(), now()) {
            Ok(Word::Postpone { until, .. }) => Ok((until - now()).num_seconds()),
            other => Err(other),
        };
        assert_eq!(until(r#"{"decision":"postpone","until":"2026-03-02T16:00:00Z"}"#), Ok(3600));
        assert_eq!(until(r#"{"decision":"postpone","until":"2026-03-02T16:00:00-05:00"}"#), Ok(6 * 3600));
        assert_eq!(until(r#"{"decision":"postpone","for_seconds":90}"#), Ok(90));
        assert!(matches!(until(r#"{"decision":"postpone"}"#), Err(Err(_))));
        assert!(matches!(until(r#"{"decision":"postpone","until":"tomorrow"}"#), Err(Err(_))));
    }
}
