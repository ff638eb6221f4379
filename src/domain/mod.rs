//! Decisions, pure: no I/O, no async, no clock, no randomness. Time and chance come in as arguments, effects go out
//! as values.

pub mod attempt;
pub mod campaign;
pub mod contact;
pub mod names;
pub mod outcome;
pub mod script;
pub mod template;

pub(crate) use names::names;
