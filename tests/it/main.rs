//! Tests against the real thing: the sources, PostgreSQL, the program on a port, the simulator as Twilio, and a
//! browser before its pages.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]
#![expect(unreachable_pub, reason = "nothing of a test is reached from outside")]

mod browser;
mod chaos;
mod corpus;
mod model;
mod queries;
mod scenes;
mod supply;
mod support;
mod tidy;
