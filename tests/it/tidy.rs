//! Reads the sources and holds them to the house's rules.

use std::path::{Path, PathBuf};

/// Who may use whom: a module, and the modules that its sources may name.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &[]),
    ("config", &["clock"]),
    ("embedded", &["clock", "config"]),
    ("db", &["domain"]),
    ("twilio", &["domain", "clock"]),
    ("import", &["domain"]),
    ("json", &[]),
    ("events", &["db", "domain", "clock"]),
    ("receivers", &["db", "domain"]),
    ("hooks", &["actors", "db", "events", "receivers", "domain", "clock", "telemetry"]),
    ("keys", &["db", "domain"]),
    ("rules", &["domain", "json"]),
    ("zone_files", &["domain"]),
    ("simulator", &["twilio", "clock"]),
    ("telemetry", &["db", "domain", "clock"]),
    ("actors", &["db", "twilio", "receivers", "rules", "domain", "clock", "telemetry"]),
    (
        "http",
        &[
            "actors",
            "db",
            "events",
            "hooks",
            "receivers",
            "twilio",
            "domain",
            "import",
            "rules",
            "clock",
            "json",
            "keys",
            "telemetry",
        ],
    ),
    // What the pages do beside showing is done by the browser, through the API.
    ("dashboard", &["http", "db", "domain", "clock"]),
];

/// What the simulator may share with the client on the other side of the wire.
const SHARED_WITH_SIMULATOR: &[&str] = &["signature", "wire"];

/// Crates that the domain knows nothing of.
const OUTSIDE_WORLD: &[&str] =
    &["actix", "actix_web", "tokio", "tokio_postgres", "deadpool_postgres", "reqwest", "serde_json"];

fn sources() -> Vec<(PathBuf, String)> {
    fn collect(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in
            std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path())
        {
            if entry.is_dir() {
                collect(&entry, found);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&entry).expect("a source");
                found.push((entry, text));
            }
        }
    }
    let mut found = Vec::new();
    collect(&root().join("src"), &mut found);
    assert!(found.len() > 40, "the sources were not found");
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The top module that a file belongs to.
fn module(path: &Path) -> String {
    let below = path.strip_prefix(root().join("src")).expect("a path below src");
    let first = below.components().next().expect("a first part").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file: without comments, and without its tests.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name == "tests.rs"
        || path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "simulation")
        || name == "simulation.rs"
}

fn shipped() -> Vec<(PathBuf, String)> {
    let sources = sources().into_iter().filter(|(path, _)| !is_test_file(path));
    sources.map(|(path, text)| (path, code(&text))).collect()
}

#[test]
fn imports_point_only_where_the_house_lets_them() {
    for (path, code) in shipped() {
        let module = module(&path);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else { continue };
        for (_, rest) in code.match_indices("crate::").map(|(at, name)| (at, &code[at + name.len()..])) {
            let used: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let fine = used == module || allowed.contains(&used.as_str());
            assert!(fine, "{}: {module} may use only {allowed:?}, and uses {used}", path.display());
        }
    }
}

#[test]
fn the_simulator_shares_only_the_vocabulary_and_the_signature_of_twilio() {
    for (path, code) in shipped().into_iter().filter(|(path, _)| module(path) == "simulator") {
        for (at, name) in code.match_indices("crate::twilio::") {
            let rest = &code[at + name.len()..];
            let fine = SHARED_WITH_SIMULATOR.iter().any(|shared| rest.starts_with(shared));
            assert!(fine, "{}: the simulator stands alone", path.display());
        }
    }
}

#[test]
fn the_domain_knows_nothing_of_the_outside_world() {
    for (path, code) in shipped().into_iter().filter(|(path, _)| module(path) == "domain") {
        for name in OUTSIDE_WORLD {
            assert!(
                !code.contains(&format!("{name}::")),
                "{}: decisions are pure, and know no {name}",
                path.display()
            );
        }
        assert!(!code.contains("async fn"), "{}: decisions are pure, and never wait", path.display());
    }
}

#[test]
fn sql_stands_only_in_db() {
    let statements = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "];
    for (path, code) in shipped() {
        // A private PostgreSQL makes and drops whole databases, which no connection to one of them could do.
        if ["db", "embedded"].contains(&module(&path).as_str()) {
            continue;
        }
        for statement in statements {
            assert!(
                !code.contains(statement),
                "{}: SQL stands in src/db, here is {statement}",
                path.display()
            );
        }
    }
}

#[test]
fn only_clock_reads_the_clock_and_only_config_the_environment() {
    let clock = ["Utc::now", "Instant::now", "SystemTime::now"];
    let environment = ["env::var", "env::vars"];
    for (path, code) in shipped() {
        let module = module(&path);
        if module != "clock" {
            assert!(!clock.iter().any(|call| code.contains(call)), "{}: ask the Clock", path.display());
        }
        if module != "config" {
            let reads = environment.iter().any(|call| code.contains(call));
            assert!(!reads, "{}: config.rs is the only reader of the environment", path.display());
        }
    }
}

#[test]
fn every_module_says_what_it_owns() {
    for (path, text) in sources().into_iter().filter(|(path, _)| !is_test_file(path)) {
        assert!(text.starts_with("//!"), "{} opens without saying what it owns", path.display());
    }
}

#[test]
fn the_readme_lists_every_variable_of_the_environment() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("a README");
    for variable in outdial::config::Config::VARIABLES {
        let row = format!("| `{}` | {} | {} |", variable.name, variable.default, variable.meaning);
        assert!(readme.contains(&row), "README's table of the environment lacks: {row}");
    }
}

#[test]
fn migrations_have_names_that_are_seen() {
    for entry in std::fs::read_dir(root().join("migrations")).expect("migrations") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix('V').and_then(|rest| rest.split_once("__"));
        let seen = number.is_some_and(|(number, rest)| {
            number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()) && rest.ends_with(".sql")
        });
        assert!(seen, "{name} would silently not be applied, expected V0001__name.sql");
    }
}

/// The promises of `src/lib.rs`: what is named in backticks below each.
fn promises() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    let (_, section) = text.split_once("//! # Promises").expect("a section on the promises");
    let docs = section.lines().skip(1).map_while(|line| line.strip_prefix("//!"));
    let mut promises: Vec<Vec<String>> = Vec::new();
    for line in docs {
        if line.starts_with(&format!(" {}. ", promises.len() + 1)) {
            promises.push(Vec::new());
        }
        let named = line.split('`').skip(1).step_by(2).map(str::to_owned);
        if let Some(promise) = promises.last_mut() {
            promise.extend(named);
        }
    }
    promises
}

/// Whether there is a test of this path, as the test runner names it, with `it::` before those of this program.
fn is_test(path: &str) -> bool {
    let (module, name) = path.rsplit_once("::").expect("a path");
    let (below, module) = match module.strip_prefix("it::") {
        Some(module) => ("tests/it", module),
        None => ("src", module),
    };
    let file = root().join(below).join(module.replace("::", "/"));
    let inline =
        module.strip_suffix("::tests").map(|module| root().join(below).join(module.replace("::", "/")));
    let places = [Some(file), inline].into_iter().flatten();
    let files = places.flat_map(|place| [place.with_extension("rs"), place.join("mod.rs")]);
    files.filter_map(|file| std::fs::read_to_string(file).ok()).any(|text| {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let is_it = |line: &str| {
            let line = line.strip_prefix("async ").unwrap_or(line);
            line.strip_prefix("fn ").is_some_and(|rest| rest.starts_with(&format!("{name}(")))
        };
        let is_attribute = |line: &&&str| line.starts_with("#[");
        let found = lines.iter().position(|line| is_it(line));
        found.is_some_and(|at| {
            lines[..at].iter().rev().take_while(is_attribute).any(|line| line.contains("test"))
        })
    })
}

#[test]
fn every_promise_is_named_beside_tests_and_constraints_that_are_there() {
    let mut schema: Vec<_> = std::fs::read_dir(root().join("migrations"))
        .expect("migrations")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    schema.sort();
    let schema: String = schema.iter().map(|path| std::fs::read_to_string(path).expect("SQL")).collect();
    let words: Vec<&str> = schema.split_whitespace().collect();
    let promises = promises();
    assert_eq!(promises.len(), 7, "the promises of src/lib.rs were not found");
    for (number, named) in (1..).zip(promises) {
        let (tests, constraints): (Vec<_>, Vec<_>) = named.into_iter().partition(|name| name.contains("::"));
        assert!(tests.len() >= 5, "promise {number} is held by {tests:?} only");
        for test in tests {
            assert!(is_test(&test), "promise {number} of src/lib.rs names a test that is not there: {test}");
        }
        for constraint in constraints {
            let is_it = |words: &&[&str]| {
                ["CONSTRAINT", "INDEX"].contains(&words[1]) && words[2].trim_end_matches(',') == constraint
            };
            let last = words.windows(3).rfind(is_it);
            let is_there = last.is_some_and(|words| words[0] != "DROP");
            assert!(is_there, "promise {number} names a constraint that no migration makes: {constraint}");
        }
    }
}
