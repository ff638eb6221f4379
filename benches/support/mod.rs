//! What the benches share: a PostgreSQL that keeps its word, the machine's name, and figures with their spread.

pub mod cluster;
pub mod machine;

use outdial::config::{
    Config, Database as Where, Listen, Log, LogFormat, Provider, Secret, Tls, TwilioAccount,
};
use url::Url;

/// The account that the benches' program calls with.
pub const ACCOUNT: &str = "AC00000000000000000000000000000be7";

/// What its webhooks are signed with.
pub const AUTH_TOKEN: &str = "the-bench-s-auth-token";

/// What opens the program's API.
pub const API_TOKEN: &str = "the-bench-s-api-token";

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
        course: None,
        zoneinfo: None,
        log: Log { filter: "off".to_owned(), format: LogFormat::Text },
    }
}

/// The value below which this share of the sorted values lies.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// The same figure from several rounds.
#[derive(Debug, Clone, Default)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Adds a round's figure.
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
        self.0.sort_by(f64::total_cmp);
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        percentile(&self.0, 0.5)
    }

    /// `median [min–max]`.
    pub fn show(&self, digits: usize) -> String {
        let (min, max) = (self.0[0], self.0[self.0.len() - 1]);
        format!("{:.digits$} [{min:.digits$}–{max:.digits$}]", self.median())
    }
}

/// Prints a Markdown table.
pub fn print_table(head: &[&str], rows: &[Vec<String>]) {
    println!("| {} |", head.join(" | "));
    println!("|{}", "---|".repeat(head.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
    println!();
}
