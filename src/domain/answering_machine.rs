//! What a campaign does about answering machines: whether the provider listens for one, and what is said to it.
//! Source of the words: <https://www.twilio.com/docs/voice/answering-machine-detection>.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::attempt::AnsweredBy;
use super::names;
use super::script::Say;

/// How long after the end of a call its verdict is still waited for, where it travels beside the call.
pub const VERDICT_WITHIN: TimeDelta = TimeDelta::seconds(10);

names! {
    /// Whether the provider listens for an answering machine, and for how long.
    pub enum Detect: "detect" {
        /// It does not.
        Off = "off",
        /// It says so as soon as it hears one, about four seconds after the answer.
        Fast = "fast",
        /// It waits for the end of the machine's greeting.
        MessageEnd = "message_end",
    }
}

names! {
    /// What is done when a machine has taken the call.
    pub enum OnMachine: "what to do on a machine" {
        /// It is ended without a word.
        Hangup = "hangup",
        /// The message is left after the greeting.
        LeaveMessage = "leave_message",
        /// The script is spoken as to a person; the verdict only names the outcome.
        Continue = "continue",
    }
}

names! {
    /// When the provider's verdict on who took a call is to come.
    pub enum Detection: "detection" {
        /// Before anything is said: the called person waits for it in silence.
        First = "first",
        /// While the script is being spoken, or after it, or never.
        Beside = "beside",
    }
}

/// What a campaign does about answering machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnsweringMachine {
    /// Whether the provider listens for one.
    pub detect: Detect,
    /// What is done when one has taken the call.
    pub on_machine: OnMachine,
    /// What is said to one, if a message is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Say>,
}

impl Default for AnsweringMachine {
    fn default() -> Self {
        Self { detect: Detect::Off, on_machine: OnMachine::Hangup, message: None }
    }
}

/// What the one who took the call hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hears<'s> {
    /// The script.
    Script,
    /// The message for machines.
    Message(&'s Say),
    /// Nothing.
    Nothing,
}

/// Settings that could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAnsweringMachine {
    /// A message is to be left, and there is none.
    #[error("on_machine is leave_message, expected a message")]
    NoMessage,
    /// There is a message that nobody would ever hear.
    #[error("message is given, expected on_machine to be leave_message")]
    IdleMessage,
    /// It would speak over the greeting, and the machine would record only the end of it.
    #[error("on_machine is leave_message, expected detect to be message_end, so that the greeting is over")]
    OverTheGreeting,
}

impl AnsweringMachine {
    /// Refuses settings that make no sense.
    pub fn check(&self) -> Result<(), BadAnsweringMachine> {
        let leaves_message = self.on_machine == OnMachine::LeaveMessage;
        if leaves_message && self.message.is_none() {
            return Err(BadAnsweringMachine::NoMessage);
        }
        if !leaves_message && self.message.is_some() {
            return Err(BadAnsweringMachine::IdleMessage);
        }
        if leaves_message && self.detect != Detect::MessageEnd {
            return Err(BadAnsweringMachine::OverTheGreeting);
        }
        Ok(())
    }

    /// The detection that is asked for with a call; none where keys are pressed at the answer, because then the
    /// provider does not listen (`SendDigits` of the call resource).
    pub fn detection(&self, presses_keys: bool) -> Option<Detection> {
        match (self.detect, self.on_machine) {
            _ if presses_keys => None,
            (Detect::Off, _) => None,
            (Detect::Fast | Detect::MessageEnd, OnMachine::Continue) => Some(Detection::Beside),
            (Detect::Fast | Detect::MessageEnd, OnMachine::Hangup | OnMachine::LeaveMessage) => {
                Some(Detection::First)
            }
        }
    }

    /// What the one who took the call hears. Whoever cannot be told from a person is spoken to like one, and to a fax
    /// there is nothing to say.
    pub fn hears(&self, answered_by: Option<AnsweredBy>) -> Hears<'_> {
        match (answered_by, self.on_machine) {
            (None | Some(AnsweredBy::Human | AnsweredBy::Unknown), _) => Hears::Script,
            (Some(_), OnMachine::Continue) => Hears::Script,
            (Some(AnsweredBy::Fax), OnMachine::Hangup | OnMachine::LeaveMessage) => Hears::Nothing,
            (Some(_), OnMachine::Hangup) => Hears::Nothing,
            (Some(_), OnMachine::LeaveMessage) => {
                self.message.as_ref().map_or(Hears::Nothing, Hears::Message)
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::script::Spoken;

    /// Settings under which a machine is told this.
    pub(crate) fn leaving(message: &str) -> AnsweringMachine {
        let message = Some(Say { text: Spoken::parse(message).unwrap(), voice: None, language: None });
        AnsweringMachine { detect: Detect::MessageEnd, on_machine: OnMachine::LeaveMessage, message }
    }

    fn of(detect: Detect, on_machine: OnMachine) -> AnsweringMachine {
        AnsweringMachine { detect, on_machine, message: None }
    }

    #[test]
    fn a_verdict_comes_first_where_it_decides_what_is_said() {
        let table = [
            (Detect::Off, OnMachine::Hangup, None),
            (Detect::Off, OnMachine::Continue, None),
            (Detect::Fast, OnMachine::Hangup, Some(Detection::First)),
            (Detect::MessageEnd, OnMachine::LeaveMessage, Some(Detection::First)),
            (Detect::Fast, OnMachine::Continue, Some(Detection::Beside)),
            (Detect::MessageEnd, OnMachine::Continue, Some(Detection::Beside)),
        ];
        for (detect, on_machine, expected) in table {
            assert_eq!(of(detect, on_machine).detection(false), expected, "{detect} {on_machine}");
            assert_eq!(of(detect, on_machine).detection(true), None, "with keys: {detect} {on_machine}");
        }
    }

    #[test]
    fn only_a_machine_is_treated_as_one() {
        let (hangup, leave) = (of(Detect::Fast, OnMachine::Hangup), leaving("Please call us back"));
        for person in [None, Some(AnsweredBy::Human), Some(AnsweredBy::Unknown)] {
            assert_eq!(hangup.hears(person), Hears::Script);
            assert_eq!(leave.hears(person), Hears::Script);
        }
        for machine in [AnsweredBy::MachineStart, AnsweredBy::MachineEndBeep, AnsweredBy::MachineEndSilence] {
            assert_eq!(hangup.hears(Some(machine)), Hears::Nothing);
            assert_eq!(leave.hears(Some(machine)), Hears::Message(leave.message.as_ref().unwrap()));
            assert_eq!(of(Detect::Fast, OnMachine::Continue).hears(Some(machine)), Hears::Script);
        }
        assert_eq!(leave.hears(Some(AnsweredBy::Fax)), Hears::Nothing);
    }

    #[test]
    fn what_could_not_be_carried_out_is_refused_with_what_was_expected() {
        let early = AnsweringMachine { detect: Detect::Fast, ..leaving("Hello") };
        let idle = AnsweringMachine { on_machine: OnMachine::Hangup, ..leaving("Hello") };
        let silent = AnsweringMachine { message: None, ..leaving("Hello") };
        assert_eq!(early.check(), Err(BadAnsweringMachine::OverTheGreeting));
        assert_eq!(idle.check(), Err(BadAnsweringMachine::IdleMessage));
        assert_eq!(silent.check(), Err(BadAnsweringMachine::NoMessage));
        assert_eq!(leaving("Hello").check(), Ok(()));
        assert_eq!(AnsweringMachine::default().check(), Ok(()));
    }
}
