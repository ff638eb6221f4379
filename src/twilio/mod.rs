//! Twilio: its client, signatures, callbacks, TwiML and the meaning of its error codes. Everything that knows a
//! parameter's name or a code's number lives here, and nothing here decides what happens to a contact or campaign.

mod answer;
pub mod call;
pub mod client;
pub mod errors;
pub mod signature;
mod single_shot;
pub mod wire;

pub use answer::Trouble;
