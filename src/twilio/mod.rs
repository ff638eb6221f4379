//! Twilio: its client, signatures, callbacks, TwiML and the meaning of its error codes. Everything that knows a
//! parameter's name or a code's number lives here, and nothing here decides what happens to a contact or campaign.

pub mod errors;
pub mod signature;
pub mod wire;
