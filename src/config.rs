//! The only reader of the environment.
#![expect(clippy::disallowed_methods, reason = "this is the one module that reads the environment")]

use std::path::PathBuf;

/// The directories in which the shell looks for programs.
pub fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}
