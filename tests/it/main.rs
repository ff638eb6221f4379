//! Tests against the real thing: the sources, PostgreSQL, the program on a port, and the simulator as Twilio.
