//! What is kept of the fuzzing, and every fixture, read once more without a fuzzer: by the same checks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[path = "../../fuzz/checks.rs"]
mod checks;

/// All files below a directory of the sources.
fn files(directory: &str) -> Vec<PathBuf> {
    let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    let mut files = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.push(path);
        }
    }
    assert!(!files.is_empty(), "nothing is kept in {directory}");
    files
}

fn check_each(directory: &str, check: fn(&[u8])) {
    for path in files(directory) {
        let bytes = std::fs::read(&path).unwrap();
        let checked = catch_unwind(AssertUnwindSafe(|| check(&bytes)));
        assert!(checked.is_ok(), "{} is not read as it should be; see above", path.display());
    }
}

#[test]
fn every_kept_list_is_refused_or_accounted_for() {
    check_each("fuzz/corpus/import", checks::import);
    check_each("fixtures", checks::import);
}

#[test]
fn every_kept_workbook_is_refused_or_accounted_for() {
    check_each("fuzz/corpus/parts", checks::parts);
}

#[test]
fn every_kept_number_is_refused_or_can_be_dialed() {
    check_each("fuzz/corpus/phone", checks::phone);
}
