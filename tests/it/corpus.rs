//! What is kept of the fuzzing, and every fixture, read once more without a fuzzer: by the same checks. Then the kept
//! files are made worse by chance, a few seconds long, and read again; `make fuzz` does that for longer, and learns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[path = "../../fuzz/checks.rs"]
mod checks;
mod mutation;

use mutation::{Chance, mutated};

/// Set to another seed, to make the files worse in other ways: `make explore` does.
const SEED: &str = "OUTDIAL_FUZZ_SEED";

/// All files below a directory of the sources, in the order of their names.
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
    files.sort();
    files
}

fn check_each(directory: &str, check: fn(&[u8])) {
    for path in files(directory) {
        let bytes = std::fs::read(&path).unwrap();
        let checked = catch_unwind(AssertUnwindSafe(|| check(&bytes)));
        assert!(checked.is_ok(), "{} is not read as it should be; see above", path.display());
    }
}

/// Makes each kept file of a target worse so many times. What is not read as it should be is left in the build's
/// directory: once it is mended, it belongs into the corpus under a name of its own.
#[expect(clippy::disallowed_methods, reason = "a variable of this test, which no program reads")]
fn check_mutated(target: &str, times: usize, check: fn(&[u8])) {
    let seed = std::env::var(SEED).map_or(1, |seed| seed.parse().expect("the seed is a number"));
    let mut chance = Chance(seed);
    let kept: Vec<_> = files(&format!("fuzz/corpus/{target}"))
        .into_iter()
        .map(|path| (std::fs::read(&path).unwrap(), path))
        .collect();
    for (bytes, path) in &kept {
        for _ in 0..times {
            let (other, _) = &kept[chance.below(kept.len())];
            let worse = mutated(bytes, other, &mut chance);
            if catch_unwind(AssertUnwindSafe(|| check(&worse))).is_err() {
                let found = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{target}-{seed}"));
                std::fs::write(&found, &worse).unwrap();
                let (from, found) = (path.display(), found.display());
                panic!("{from}, made worse, is not read as it should be (see above; {SEED}={seed}): {found}");
            }
        }
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

#[test]
fn lists_made_worse_are_refused_or_accounted_for() {
    check_mutated("import", 8, checks::import);
}

#[test]
fn workbooks_made_worse_are_refused_or_accounted_for() {
    check_mutated("parts", 25, checks::parts);
}

#[test]
fn numbers_made_worse_are_refused_or_can_be_dialed() {
    check_mutated("phone", 15, checks::phone);
}
