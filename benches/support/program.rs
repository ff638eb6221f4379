//! The program as the benches run it, in their own process.

use outdial::clock::Course;
use outdial::config::{
    Config, Database as Where, Listen, Log, LogFormat, Provider, Secret, Tls, TwilioAccount,
};
use url::Url;

/// What opens the program's API.
pub const API_TOKEN: &str = "the-bench-s-api-token";

/// The account that the benches' program calls with.
pub const ACCOUNT: &str = "AC00000000000000000000000000000be7";

/// What its webhooks are signed with.
pub const AUTH_TOKEN: &str = "the-bench-s-auth-token";

/// The number that calls.
pub const FROM: &str = "+13125550100";

/// When it is, so that people may be called: a Monday, 10:00 in New York, and from there on as time goes.
pub fn course() -> Course {
    Course::beginning_now("2026-03-02T15:00:00Z".parse().expect("an instant"), 1)
}

/// A program on this database and port, for a provider at `base_url` that reaches it at `public_url`.
pub fn config(
    database: &tokio_postgres::Config,
    port: u16,
    cps: f64,
    course: Course,
    (base_url, public_url): (&str, &str),
) -> Config {
    Config {
        database: Where::Given { config: Box::new(database.clone()), tls: Tls::Disable },
        listen: Listen { host: "127.0.0.1".to_owned(), port },
        provider: Provider::Twilio(Box::new(TwilioAccount {
            account_sid: ACCOUNT.to_owned(),
            auth_token: Secret::new(AUTH_TOKEN.to_owned()),
            secondary_auth_token: None,
            api_key: None,
            from: FROM.to_owned(),
            public_url: Url::parse(public_url).expect("a URL"),
            base_url: Url::parse(base_url).expect("a URL"),
        })),
        cps,
        api_token: Some(Secret::new(API_TOKEN.to_owned())),
        requests: None,
        streams_of_a_key: outdial::config::STREAMS_OF_A_KEY,
        lists: Default::default(),
        course: Some(course),
        zoneinfo: None,
        rules: None,
        hooks_to_private: false,
        mask_for_viewers: false,
        log: Log { filter: "off".to_owned(), format: LogFormat::Text },
        operations: Default::default(),
    }
}
