//! The program as the benches run it, in their own process.

use outdial::config::{
    Config, Database as Where, Listen, Log, LogFormat, Provider, Secret, Tls, TwilioAccount,
};
use url::Url;

use super::support::API_TOKEN;

/// The account that the benches' program calls with.
pub const ACCOUNT: &str = "AC00000000000000000000000000000be7";

/// What its webhooks are signed with.
pub const AUTH_TOKEN: &str = "the-bench-s-auth-token";

/// The number that calls.
pub const FROM: &str = "+13125550100";

/// A program on this database and port, for a provider at `base_url` that reaches it at `public_url`.
pub fn config(
    database: &tokio_postgres::Config,
    port: u16,
    cps: f64,
    base_url: &str,
    public_url: &str,
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
        lists: Default::default(),
        course: None,
        zoneinfo: None,
        rules: None,
        log: Log { filter: "off".to_owned(), format: LogFormat::Text },
    }
}
