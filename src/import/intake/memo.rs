//! What a text means, found out once: a column of countries or zones says few things many times.

use std::collections::HashMap;

/// So many texts are kept; a column with more of them is not one of countries or zones.
const MOST: usize = 1_000;

/// A function and what it said before.
#[derive(Debug)]
pub(super) struct Memo<V> {
    find: fn(&str) -> V,
    known: HashMap<Box<str>, V>,
}

impl<V: Clone> Memo<V> {
    pub(super) fn new(find: fn(&str) -> V) -> Self {
        Self { find, known: HashMap::new() }
    }

    /// What the text means.
    pub(super) fn get(&mut self, text: &str) -> V {
        if let Some(value) = self.known.get(text) {
            return value.clone();
        }
        let value = (self.find)(text);
        if self.known.len() < MOST {
            self.known.insert(text.into(), value.clone());
        }
        value
    }
}
