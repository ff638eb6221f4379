//! Packs of calling rules: those that are shipped, and an operator's own beside or instead of them.
//!
//! It owns their files and their JSON, which the domain does not know, and decides which pack is in force under a
//! name. It is a room of its own because actors, pages and the API all go by the packs, and none of them should read
//! files; `app` loads the library once, and a pack that cannot be read keeps the program from starting.

#[cfg(test)]
mod tests;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::caps::Reach;
use crate::domain::rules::{Loosening, Pack, Rules, loosenings};

/// The pack that every campaign goes by, whatever else it names: it protects everybody.
pub const ALWAYS: &str = "default";

/// The shipped packs by the name of their file.
const SHIPPED: &[(&str, &str)] = &[
    ("ae.json", include_str!("../../data/rules/ae.json")),
    ("au.json", include_str!("../../data/rules/au.json")),
    ("ca.json", include_str!("../../data/rules/ca.json")),
    ("de.json", include_str!("../../data/rules/de.json")),
    ("default.json", include_str!("../../data/rules/default.json")),
    ("es.json", include_str!("../../data/rules/es.json")),
    ("fr.json", include_str!("../../data/rules/fr.json")),
    ("in.json", include_str!("../../data/rules/in.json")),
    ("it.json", include_str!("../../data/rules/it.json")),
    ("nl.json", include_str!("../../data/rules/nl.json")),
    ("reg-f.json", include_str!("../../data/rules/reg-f.json")),
    ("uk.json", include_str!("../../data/rules/uk.json")),
    ("us.json", include_str!("../../data/rules/us.json")),
    ("us-states.json", include_str!("../../data/rules/us-states.json")),
    ("us-strict.json", include_str!("../../data/rules/us-strict.json")),
];

/// Every pack that a campaign may name.
#[derive(Debug, Clone)]
pub struct Library {
    packs: BTreeMap<String, Arc<Pack>>,
}

/// A library with an operator's own packs, and what they allow that the shipped ones do not.
#[derive(Debug)]
pub struct Loaded {
    /// The packs in force.
    pub library: Library,
    /// For the log: what became looser, and whoever answers for it.
    pub loosened: Vec<Approved>,
}

/// A loosening, and whoever answers for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// What became looser.
    pub loosening: Loosening,
    /// As the pack names them.
    pub by: String,
}

/// A pack that cannot be gone by. Nothing is dialed until it is mended.
#[derive(Debug, thiserror::Error)]
pub enum BadPack {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file, or the directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The text is no pack.
    #[error("{file}: {reason}")]
    Malformed {
        /// Its name.
        file: String,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// Two files of the operator hold packs of the same name.
    #[error("{file}: there is another pack of the name {id:?}, expected each once")]
    Twice {
        /// The second file.
        file: String,
        /// The name.
        id: String,
    },
    /// It allows what the shipped pack of its name does not, and nobody answers for it.
    #[error(
        "{loosening}, and {more} more; expected the same or stricter, or loosening_approved_by with the name of \
         who answers for it"
    )]
    Loosens {
        /// The first thing.
        loosening: Loosening,
        /// How many other things there are.
        more: usize,
    },
}

/// A name under which there is no pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown pack of rules {name:?}, expected one of {}", known.join(", "))]
pub struct UnknownPack {
    /// The name.
    pub name: String,
    /// The names that would have been understood.
    pub known: Vec<String>,
}

impl Library {
    /// The packs that are shipped.
    pub fn shipped() -> Result<Self, BadPack> {
        let packs = SHIPPED.iter().map(|(file, text)| read(file, text.as_bytes()));
        let packs = packs.map(|pack| pack.map(|pack| (pack.id.clone(), Arc::new(pack))));
        Ok(Self { packs: packs.collect::<Result<_, _>>()? })
    }

    /// The shipped packs and those of an operator's directory, its files named `*.json`.
    pub fn with_directory(directory: &Path) -> Result<Loaded, BadPack> {
        let unreadable = |source| BadPack::Unreadable { path: directory.to_owned(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let bytes = std::fs::read(&path)
                    .map_err(|source| BadPack::Unreadable { path: path.clone(), source })?;
                files.push((path.display().to_string(), bytes));
            }
        }
        files.sort();
        Self::with(&files)
    }

    /// The shipped packs and an operator's own, as file name and text. One under the name of a shipped pack takes its
    /// place; one under another name can be named beside them, and only ever restricts.
    pub fn with(files: &[(String, Vec<u8>)]) -> Result<Loaded, BadPack> {
        let shipped = Self::shipped()?;
        let mut own: BTreeMap<String, Arc<Pack>> = BTreeMap::new();
        let mut loosened = Vec::new();
        for (file, text) in files {
            let pack = read(file, text)?;
            if own.contains_key(&pack.id) {
                return Err(BadPack::Twice { file: file.clone(), id: pack.id });
            }
            if let Some(original) = shipped.packs.get(&pack.id) {
                loosened.extend(approved(&pack, loosenings(original, &pack))?);
            }
            own.insert(pack.id.clone(), Arc::new(pack));
        }
        let mut packs = shipped.packs;
        packs.extend(own);
        Ok(Loaded { library: Self { packs }, loosened })
    }

    /// The rules of a campaign that names these packs, and of the one that always holds.
    pub fn select<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<Rules, UnknownPack> {
        let mut chosen: BTreeMap<&str, Arc<Pack>> = BTreeMap::new();
        for name in std::iter::once(ALWAYS).chain(names) {
            let pack = self.packs.get(name).ok_or_else(|| UnknownPack {
                name: name.to_owned(),
                known: self.packs.keys().cloned().collect(),
            })?;
            chosen.insert(&pack.id, pack.clone());
        }
        Ok(Rules::new(chosen.into_values().collect()))
    }

    /// How much of a number's past has to be known for whatever campaign there may be.
    pub fn longest_reach(&self) -> Reach {
        Reach::longest(self.packs().flat_map(|pack| &pack.rules))
    }

    /// Every pack, by name.
    pub fn packs(&self) -> impl Iterator<Item = &Pack> {
        self.packs.values().map(AsRef::as_ref)
    }
}

fn approved(pack: &Pack, loosenings: Vec<Loosening>) -> Result<Vec<Approved>, BadPack> {
    match &pack.loosening_approved_by {
        Some(by) => {
            Ok(loosenings.into_iter().map(|loosening| Approved { loosening, by: by.clone() }).collect())
        }
        None => {
            let more = loosenings.len().saturating_sub(1);
            match loosenings.into_iter().next() {
                None => Ok(Vec::new()),
                Some(loosening) => Err(BadPack::Loosens { loosening, more }),
            }
        }
    }
}

fn read(file: &str, text: &[u8]) -> Result<Pack, BadPack> {
    written::read(text).map_err(|reason| BadPack::Malformed { file: file.to_owned(), reason })
}
