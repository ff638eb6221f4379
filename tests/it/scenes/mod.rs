//! Scenes: whole campaigns, by the real program, on a real PostgreSQL, with the simulator as Twilio.

mod access;
mod api;
mod callbacks;
mod client;
mod database;
mod dialing;
mod events;
mod faults;
mod forecast;
mod hours;
mod lists;
mod machines;
mod metrics_page;
mod nodes;
mod openapi;
mod opt_out;
mod poison;
mod recurrence;
mod retention;
mod security;
mod spend_cap;
mod start;
mod supervision;
mod suppression;
mod traces;
mod webhooks;
