//! The key of a command that works without a server: whoever has the database needs no other. It is good in the one process
//! that made it, for as long as that lasts, and is kept nowhere.

use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::random;

/// What a command gets in with at its own API.
pub struct Pass {
    /// Whose things it is about.
    pub team: Uuid,
    /// What was typed, as the audit trail names it.
    pub command: String,
    key: String,
}

impl Pass {
    /// A fresh one.
    pub fn make(team: Uuid, command: String) -> Self {
        Self { team, command, key: random() }
    }

    /// The key, to ask with.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether a key is this one. How long that takes tells nothing of how much of it is right.
    pub fn is(&self, key: &str) -> bool {
        self.key.as_bytes().ct_eq(key.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_key_is_good_and_no_two_have_the_same() {
        let [one, other] =
            [1, 2].map(|team| Pass::make(Uuid::from_u128(team), "outdial suppress".to_owned()));
        assert!(one.is(one.key()));
        for strange in [other.key(), "", &one.key()[1..], &format!("{}a", one.key())] {
            assert!(!one.is(strange), "{strange}");
        }
    }
}
