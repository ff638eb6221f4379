//! Scenes: whole campaigns, by the real program, on a real PostgreSQL, with the simulator as Twilio.

mod api;
mod callbacks;
mod dialing;
mod faults;
mod machines;
mod start;
mod supervision;
mod webhooks;
