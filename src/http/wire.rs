//! How the domain's types look on the wire, for the API's description: the domain itself knows nothing of it. What has
//! fixed names takes them from the domain; what has a form of its own is described in `settings`, and held to what the
//! domain reads and writes by its tests.

mod settings;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::db::imports::KindName;
use crate::domain::access;
use crate::domain::answering_machine;
use crate::domain::attempt;
use crate::domain::before_call;
use crate::domain::campaign;
use crate::domain::contact;
use crate::domain::dialer::Because;
use crate::domain::event;
use crate::domain::forecast::Basis;
use crate::domain::hook;
use crate::domain::metrics;
use crate::domain::outcome;
use crate::domain::rules;
use crate::domain::suppression;
use crate::import;

pub(super) use settings::{
    Agent, Amount, AmountOrNumber, AnsweringMachine, BeforeCall, BusinessHours, Caps, Columns, ContactInList,
    OnSuppression, OnUnmapped, OptOutDigit, Pacing, Recurrence, RetryPolicy, Script, Settings, Week, Window,
};

/// Describes an enumeration of fixed texts by the texts that it has.
macro_rules! names {
    ($($(#[doc = $about:literal])+ $name:ident = $all:expr;)+) => {$(
        $(#[doc = $about])+
        #[derive(Serialize)]
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                names([$($about),+], $all.iter().map(|one| one.as_str()))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

names! {
    /// Where a campaign stands.
    CampaignState = campaign::State::ALL;
    /// How a contact stands: to be called, being called, reached, given up, or not to be contacted.
    ContactState = contact::ContactState::ALL;
    /// By what contacts are sorted: by their place in the list, their number, their name, how they stand, what the last attempt
    /// came to, how many attempts count, or from when on they may be called; with a minus before it the other way round.
    ContactOrder = super::listed::ORDERS;
    /// What an attempt came to.
    Outcome = outcome::Outcome::ALL;
    /// What the provider says of an attempt.
    CallStatus = attempt::Status::ALL;
    /// What a campaign waits for.
    WaitsFor = Because::ALL;
    /// What a key is for. Each role may do all that the one before it may.
    Role = access::Role::ALL;
    /// Something that not everybody may do.
    Permission = access::Permission::ALL;
    /// Where a suppression comes from.
    SuppressionSource = suppression::Source::ALL;
    /// Whether the provider listens for an answering machine, and for how long: not at all, until it hears one, or until
    /// the end of the machine's greeting.
    Detect = answering_machine::Detect::ALL;
    /// How long a stretch of figures is.
    Bucket = metrics::Bucket::ALL;
    /// What is done when a machine has taken the call.
    OnMachine = answering_machine::OnMachine::ALL;
    /// What is done where the server that is asked before each call gives no answer: nobody is called until it does, or
    /// everybody is as if nobody had to be asked.
    IfSilent = before_call::IfSilent::ALL;
    /// How sure a rule is: a law says it, a code of the trade, tables of vendors, or it is what careful callers do.
    Confidence = rules::Confidence::ALL;
    /// What became of a row that is spoken of.
    RowKind = KindName::ALL;
    /// What a column is for.
    ColumnRole = import::Role::ALL;
    /// How it was found out what a column is for: by its title, by what stands in it, or because its owner said so.
    FoundBy = import::Why::ALL;
    /// What kind of file a list is, by its content.
    ListFormat = import::Format::ALL;
    /// What happened. The first part says to what.
    EventKind = event::EventKind::ALL;
    /// How a delivery stands that did not succeed at once: it is tried again, was given up, was asked for again, or
    /// succeeded in the end.
    DeliveryState = hook::DeliveryState::ALL;
    /// Why a hook is stopped: somebody wished it, the receiver answered 410, or nothing was delivered for days.
    ReasonToStop = hook::Stopped::ALL;
    /// What an estimate is based on: the campaign's own calls, the team's, or none.
    EstimateBasis = Basis::ALL;
}

fn names<const N: usize>(about: [&str; N], all: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    let about: Vec<&str> = about.iter().map(|line| line.trim()).collect();
    let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(all));
    schema.description(Some(about.join(" "))).build().into()
}
