//! outdial: an outbound dialer. A contact list is uploaded, each running campaign calls it through Twilio, one
//! contact at a time, inside the hours, with retries, until everybody is reached or given up.
//!
//! # Layout
//!
//! The database is the truth; one pure function decides ([`domain::dialer::next_step`]) and one actor per campaign
//! acts. Who may use whom, and nothing else:
//!
//! ```text
//! main → app → http → actors → db, twilio → domain
//!              http → import → domain
//!                     actors → rules → domain: the packs of calling rules, read from files by app
//!       simulator stands alone: it speaks HTTP, and shares only twilio's vocabulary and signature
//!       demo and list_command stand outside: they are a person with a list
//!       node_table shows who works on the database, for cli
//!       embedded runs a private PostgreSQL; cli says what may be typed
//!       zone_files reads zone data for domain, at the start
//!       json reads what comes in as JSON, for http, rules and list_command, and says what is wrong with it
//!       config and clock are leaves; domain and db never see them
//! ```
//!
//! # Promises
//!
//! 1. At most one ring per intent: at most one request to place a call leaves for an attempt, ever.
//! 2. One call at a time per campaign, and per number.
//! 3. Never outside the hours, nor later than a second after a pause or an opt-out was committed.
//! 4. Nobody is forgotten: every contact is final or has a time at which it is due.
//! 5. Webhooks may come twice, late, out of order, early or never: the result is the same.
//! 6. One bad row, contact or campaign never stops the others.
//! 7. It can always say why.

pub mod actors;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod demo;
pub mod domain;
pub mod embedded;
pub mod http;
pub mod import;
mod json;
pub mod list_command;
pub mod node_table;
pub mod rules;
pub mod simulator;
pub mod twilio;
pub mod zone_files;
