//! Holds what is built in to `deny.toml`, as far as that needs neither a tool nor a network; `make audit` asks for the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A section of `deny.toml`.
fn section(name: &str) -> String {
    let text = file("deny.toml");
    let (_, rest) = text.split_once(&format!("\n[{name}]\n")).expect("the section");
    rest.split("\n[").next().expect("the section's text").to_owned()
}

/// The entries of a list in a section of `deny.toml`, each as it is written on its line.
fn entries(name: &str, key: &str) -> Vec<String> {
    let section = section(name);
    let (_, list) = section.split_once(&format!("\n{key} = [\n")).expect("the list");
    let lines = list.split("\n]").next().expect("the list's end").lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.trim_end_matches(',').to_owned()).collect()
}

fn quoted(entry: &str) -> &str {
    entry.split('"').nth(1).expect("a text in quotes")
}

/// What cargo says of the packages that are built on this machine.
fn metadata() -> Value {
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc");
    let version = String::from_utf8(rustc.stdout).expect("a text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let asked = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    serde_json::from_slice(&asked.stdout).expect("JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Whether an expression of SPDX can be met with these licences alone. `/` is how `OR` was written once.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.trim();
    for (operator, all) in [(" OR ", false), ("/", false), (" AND ", true)] {
        let parts = split_outside_parentheses(expression, operator);
        if parts.len() > 1 {
            let mut met = parts.iter().map(|part| is_met(part, allowed));
            return if all { met.all(|is| is) } else { met.any(|is| is) };
        }
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_met(inner, allowed),
        None => allowed.contains(expression),
    }
}

fn split_outside_parentheses<'a>(text: &'a str, at: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut from, mut depth) = (0, 0);
    for (place, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 && place >= from && text[place..].starts_with(at) {
            parts.push(&text[from..place]);
            from = place + at.len();
        }
    }
    parts.push(&text[from..]);
    parts
}

#[test]
fn everything_comes_from_the_registry_and_is_sealed() {
    let sources = section("sources");
    assert!(sources.contains("unknown-registry = \"deny\"") && sources.contains("unknown-git = \"deny\""));
    let lock = file("Cargo.lock");
    let packages: Vec<&str> = lock.split("\n[[package]]\n").skip(1).collect();
    assert!(packages.len() > 100, "the lock file was not read");
    let mut registries = BTreeSet::new();
    for package in packages {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(&format!("{key} = \"")));
            line.map(|line| line.trim_end_matches('"').to_owned())
        };
        let name = value("name").expect("a name");
        match value("source") {
            None => assert_eq!(name, "outdial", "only the program itself lies here"),
            Some(source) => {
                assert!(source.starts_with("registry+"), "{name} comes from {source}");
                registries.insert(source);
                assert!(value("checksum").is_some(), "{name} is not sealed");
            }
        }
    }
    assert_eq!(registries.len(), 1, "{registries:?}");
}

#[test]
fn every_licence_is_one_that_is_allowed() {
    let allowed: BTreeSet<String> =
        entries("licenses", "allow").iter().map(|entry| quoted(entry).to_owned()).collect();
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100);
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !is_met(text(package, "license"), &allowed))
        .map(|package| format!("{}: {:?}", text(package, "name"), package["license"]))
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn what_is_banned_is_not_built_in() {
    let metadata = metadata();
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| (text(package, "id"), text(package, "name")))
        .collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| (text(node, "id"), node))
        .collect();
    let root = text(&metadata["resolve"], "root");
    // What tests alone need is not built in: those may have a second opinion.
    let mut built_in = BTreeSet::new();
    let mut ahead = vec![root];
    while let Some(id) = ahead.pop() {
        if !built_in.insert(id) {
            continue;
        }
        for dependency in nodes[id]["deps"].as_array().expect("dependencies") {
            let kinds = dependency["dep_kinds"].as_array().expect("kinds");
            if kinds.iter().any(|kind| kind["kind"] != "dev") {
                ahead.push(text(dependency, "pkg"));
            }
        }
    }
    let built_in: BTreeSet<&str> = built_in.iter().map(|id| names[id]).collect();
    assert!(built_in.contains("rustls") && !built_in.contains("proptest"), "the tree was not read");
    let everything: BTreeSet<&str> = names.values().copied().collect();
    let banned = entries("bans", "deny");
    assert!(banned.iter().any(|entry| quoted(entry) == "phonenumber"), "{banned:?}");
    for entry in &banned {
        let name = quoted(entry);
        assert!(!built_in.contains(name), "{name} is banned, and built in");
        assert!(entry.contains("wrappers") || !everything.contains(name), "{name} is banned");
    }
}

#[test]
fn licences_are_met_as_spdx_means_it() {
    let allowed: BTreeSet<String> = ["MIT", "ISC", "Apache-2.0"].map(str::to_owned).into();
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("MIT/Apache-2.0", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND ISC", true),
        ("(MIT AND GPL-3.0) OR (ISC AND Apache-2.0)", true),
        ("Apache-2.0 AND (GPL-3.0 OR LGPL-3.0)", false),
        ("", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}
