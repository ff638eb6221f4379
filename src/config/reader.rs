//! Reads variables one by one and collects what is wrong with them, so that one start shows all of it.

use std::fmt::{self, Display};
use std::str::FromStr;

/// All that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl ConfigError {
    /// Each problem: the variable's name and what was expected of it.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment is not as it should be:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// An environment, and what was found wrong with it so far.
pub(super) struct Reader<F> {
    environment: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    pub(super) fn new(environment: F) -> Self {
        Self { environment, problems: Vec::new() }
    }

    /// A variable's text without the blanks around it. Platforms set variables to nothing where they mean none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = (self.environment)(name)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// What `read` makes of the variable; none if it is not set, or if `read` refuses it, which is then a problem.
    pub(super) fn read<T, E: Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match read(&self.text(name)?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(name, error);
                None
            }
        }
    }

    /// As [`Reader::read`], for texts that their type can read, if the result passes.
    pub(super) fn parse<T: FromStr>(
        &mut self,
        name: &str,
        expected: &str,
        passes: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        self.read(name, |text| {
            text.parse().ok().filter(passes).ok_or_else(|| format!("expected {expected}, got {text:?}"))
        })
    }

    pub(super) fn problem(&mut self, name: &str, what: impl Display) {
        self.problems.push(format!("{name}: {what}"));
    }

    /// The value, if nothing was wrong with anything. A value that could not be made always comes with a problem.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(ConfigError { problems: self.problems }),
        }
    }
}
