//! Environments, good and bad.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::*;

const ACCOUNT: [(&str, &str); 4] = [
    ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000"),
    ("TWILIO_AUTH_TOKEN", "hunter2"),
    ("TWILIO_FROM", "+12025550123"),
    ("OUTDIAL_PUBLIC_URL", "https://dialer.example.com"),
];

fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: BTreeMap<&str, &str> =
        [("OUTDIAL_DATA_DIR", "/data")].iter().chain(variables).copied().collect();
    Config::read(|name| variables.get(name).map(|text| (*text).to_owned()))
}

fn problems(variables: &[(&str, &str)]) -> Vec<String> {
    read(variables).unwrap_err().problems().to_vec()
}

fn with_account(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    ACCOUNT.iter().chain(more).copied().collect()
}

fn account(variables: &[(&str, &str)]) -> TwilioAccount {
    match read(variables).unwrap().provider {
        Provider::Twilio(account) => *account,
        Provider::Simulator => panic!("an account was given"),
    }
}

#[test]
fn an_empty_environment_runs_the_simulator_on_a_private_database_for_this_machine_only() {
    let config = read(&[("TWILIO_AUTH_TOKEN", " \n")]).unwrap();
    assert!(matches!(config.provider, Provider::Simulator));
    assert_eq!(config.database, Database::Embedded { data_dir: "/data".into() });
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.cps, 1.0);
    assert_eq!(config.log, Log { filter: "info".into(), format: LogFormat::Text });
    assert!(config.operations.metrics_token.is_none() && config.operations.traces.is_none());
    assert_eq!(config.operations.keep, Keep::default());
    assert!(config.api_token.is_none() && config.course.is_none() && config.zoneinfo.is_none());
}

#[test]
fn a_platforms_port_is_reachable_from_outside() {
    assert_eq!(read(&[("PORT", "5000")]).unwrap().listen.to_string(), "0.0.0.0:5000");
    let listen = read(&[("PORT", "5000"), ("OUTDIAL_HOST", "::1")]).unwrap().listen;
    assert_eq!(listen.to_string(), "[::1]:5000");
}

#[test]
fn a_given_database_leaves_the_private_one_alone() {
    let config =
        read(&[("DATABASE_URL", "postgres://o@db.example.com/outdial?sslmode=verify-full")]).unwrap();
    assert!(matches!(config.database, Database::Given { tls: Tls::VerifyFull, .. }));
}

#[test]
fn a_complete_account_dials_twilio() {
    let plain = account(&ACCOUNT);
    assert_eq!(plain.base_url.as_str(), "https://api.twilio.com/");
    assert!(!plain.is_simulated());
    assert!(plain.api_key.is_none() && plain.secondary_auth_token.is_none());
    assert_eq!(plain.auth_token.expose(), "hunter2");

    let rotating = account(&with_account(&[
        ("TWILIO_AUTH_TOKEN_SECONDARY", "hunter3"),
        ("TWILIO_API_KEY", "SK00000000000000000000000000000000"),
        ("TWILIO_API_SECRET", "hunter4"),
    ]));
    assert_eq!(rotating.secondary_auth_token.unwrap().expose(), "hunter3");
    assert_eq!(rotating.api_key.unwrap().1.expose(), "hunter4");
}

#[test]
fn half_an_account_is_refused_and_what_is_missing_is_named() {
    let found = problems(&[("TWILIO_FROM", "+12025550123")]);
    assert_eq!(found.len(), 3, "{found:?}");
    for missing in ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "OUTDIAL_PUBLIC_URL"] {
        assert!(
            found.iter().any(|problem| problem.starts_with(&format!("{missing}: is missing"))),
            "{found:?}"
        );
    }
    for alone in ["TWILIO_AUTH_TOKEN_SECONDARY", "TWILIO_API_SECRET", "OUTDIAL_TWILIO_URL"] {
        assert!(problems(&[(alone, "http://localhost:4010")]).len() >= 4, "{alone}");
    }
    let half_a_key = problems(&with_account(&[("TWILIO_API_KEY", "SK00000000000000000000000000000000")]));
    assert_eq!(half_a_key, ["TWILIO_API_SECRET: is missing, as TWILIO_API_KEY is set"]);
}

#[test]
fn the_course_of_time_is_only_for_a_simulator() {
    const COURSE: (&str, &str) = ("OUTDIAL_CLOCK", "2026-03-02T14:00:00Z@2026-11-21T02:00:00Z*60");
    assert_eq!(read(&[COURSE]).unwrap().course.unwrap().speed, 60);
    assert!(problems(&with_account(&[COURSE]))[0].starts_with("OUTDIAL_CLOCK: is only for the simulator"));
    let local = [
        COURSE,
        ("OUTDIAL_TWILIO_URL", "http://127.0.0.1:4010"),
        ("OUTDIAL_PUBLIC_URL", "http://127.0.0.1:8080"),
    ];
    assert!(account(&with_account(&local)).is_simulated());
}

#[test]
fn twilio_must_be_able_to_reach_the_public_url() {
    let found = problems(&with_account(&[("OUTDIAL_PUBLIC_URL", "http://localhost:8080")]));
    assert!(found[0].starts_with("OUTDIAL_PUBLIC_URL: expected a host that Twilio can reach"), "{found:?}");
}

#[test]
fn all_problems_are_told_at_once_and_none_shows_a_secret() {
    let error = read(&[
        ("DATABASE_URL", "mysql://o:hunter2@h/d"),
        ("PORT", "70000"),
        ("TWILIO_ACCOUNT_SID", "hunter2"),
        ("TWILIO_AUTH_TOKEN", "hunter2"),
        ("TWILIO_API_KEY", "hunter2"),
        ("TWILIO_API_SECRET", "hunter2"),
        ("TWILIO_FROM", "5550100"),
        ("OUTDIAL_PUBLIC_URL", "http://my_host.example.com"),
        ("OUTDIAL_CPS", "0"),
        ("OUTDIAL_API_TOKEN", "hunter2"),
        ("OUTDIAL_CLOCK", "noon"),
        ("OUTDIAL_LOG", "outdial=loudly"),
        ("OUTDIAL_LOG_FORMAT", "xml"),
    ])
    .unwrap_err();
    assert_eq!(error.problems().len(), 11, "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    for cps in ["-1", "NaN", "inf", "1001", "many"] {
        assert_eq!(problems(&[("OUTDIAL_CPS", cps)]).len(), 1, "{cps}");
    }
}

#[test]
fn nothing_of_a_secret_appears_in_a_configuration_that_is_printed() {
    let secrets =
        [("OUTDIAL_API_TOKEN", "hunter2hunter2hunter2"), ("DATABASE_URL", "postgres://o:hunter2@h/d")];
    let printed = format!("{:#?}", read(&with_account(&secrets)).unwrap());
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[test]
fn every_variable_that_is_read_is_in_the_list_and_every_listed_one_is_read() {
    let asked = RefCell::new(BTreeSet::new());
    let note = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        None
    };
    let _ = Config::read(note);
    let note_with_account = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        ACCOUNT.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
    };
    let _ = Config::read(note_with_account);
    let places_of_the_system = ["HOME", "XDG_DATA_HOME"];
    let asked: BTreeSet<_> = asked
        .into_inner()
        .into_iter()
        .filter(|name| !places_of_the_system.contains(&name.as_str()))
        .collect();
    let listed: BTreeSet<_> = Config::VARIABLES.iter().map(|variable| variable.name.to_owned()).collect();
    assert_eq!(asked, listed);
}

#[test]
fn traces_go_below_the_base_or_to_the_whole_address_unless_all_of_it_is_off() {
    let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");
    let whole = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://localhost:1/t");
    let traces = |variables: &[(&str, &str)]| read(variables).unwrap().operations.traces;
    assert_eq!(traces(&[base]).unwrap().url.as_str(), "http://localhost:4318/v1/traces");
    assert_eq!(traces(&[base, whole]).unwrap().url.as_str(), "http://localhost:1/t");
    assert!(traces(&[base, ("OTEL_SDK_DISABLED", "True")]).is_none());
    let refused = problems(&[base, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    assert!(refused[0].starts_with("OTEL_EXPORTER_OTLP_PROTOCOL: expected http/json"), "{refused:?}");
}

#[test]
fn data_is_kept_for_days() {
    let keep =
        read(&[("OUTDIAL_KEEP_CONTACTS", "400d"), ("OUTDIAL_KEEP_EVENTS", "30d")]).unwrap().operations.keep;
    assert_eq!(keep, Keep { contacts: Some(400), attempts: None, events: Some(30) });
    assert_eq!(problems(&[("OUTDIAL_KEEP_ATTEMPTS", "1 year")]).len(), 1);
}

#[test]
fn a_configuration_that_is_printed_shows_no_secret() {
    let config = read(&with_account(&[
        ("DATABASE_URL", "postgres://o:hunter2@db.example.com/outdial?application_name=x"),
        ("TWILIO_AUTH_TOKEN_SECONDARY", "hunter2"),
        ("TWILIO_API_KEY", "SK00000000000000000000000000000000"),
        ("TWILIO_API_SECRET", "hunter2"),
        ("OUTDIAL_API_TOKEN", "hunter2-hunter2-hunter2"),
        ("OUTDIAL_METRICS_TOKEN", "hunter2-hunter2-hunter2"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2"),
    ]))
    .unwrap();
    for printed in [format!("{config:?}"), format!("{config:#?}")] {
        assert!(printed.contains("db.example.com") && !printed.contains("hunter2"), "{printed}");
        // The client of the database might write it as bytes.
        assert!(!printed.contains("104, 117, 110"), "{printed}");
    }
}
