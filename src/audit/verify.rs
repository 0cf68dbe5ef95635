//! Verifying a log: every leaf, every hash, every signature.

mod database;
mod export;
mod folder;

use super::TilePath;
use crate::model::audit::{Checkpoint, Frontier, Hash, LogKey, TileRoot};
use std::collections::BTreeMap;
use std::fmt;

/// Damages that are told one by one; of more, their number.
const TOLD: usize = 100;

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The text of an entry is not the one that was logged.
    Altered(u64),
    /// What an entry is searched by is not what it says.
    Mislabelled(u64),
    /// An entry is missing, or lies elsewhere.
    Missing(u64),
    /// An entry lies where another one must, or is no entry.
    Misplaced(u64),
    /// The entries before this place are not those that were signed.
    Rewritten(u64),
    /// The log is shorter than a checkpoint says.
    Cut {
        /// Entries that are there.
        found: u64,
        /// Entries that were signed.
        signed: u64,
    },
    /// Entries behind the last checkpoint.
    Unsigned(u64),
    /// A checkpoint, by the size of its log, and what is wrong with it.
    Checkpoint(u64, String),
    /// A tile is not the one of these leaves.
    Tile(String),
    /// A line of an export, from 1, and what is wrong with it.
    Line(u64, String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered(idx) => write!(f, "entry {idx} was altered"),
            Self::Mislabelled(idx) => write!(f, "entry {idx} is searched by what it does not say"),
            Self::Missing(idx) => write!(f, "entry {idx} is missing"),
            Self::Misplaced(idx) => write!(f, "entry {idx} is not in its place"),
            Self::Rewritten(size) => write!(f, "the first {size} entries are not those that were signed"),
            Self::Cut { found, signed } => write!(f, "{signed} entries were signed, {found} are there"),
            Self::Unsigned(size) => write!(f, "no checkpoint covers the entries from {size} on"),
            Self::Checkpoint(size, cause) => write!(f, "the checkpoint of {size} entries: {cause}"),
            Self::Tile(path) => write!(f, "the tile {path} is not that of the entries"),
            Self::Line(line, cause) => write!(f, "line {line}: {cause}"),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries that were looked at.
    pub entries: u64,
    /// Checkpoints whose signature and root are right.
    pub checkpoints: u64,
    /// The size of the log.
    pub size: u64,
    /// What is wrong, the first hundred of it.
    pub damages: Vec<Damage>,
    /// How much is wrong.
    pub damaged: u64,
}

impl Verified {
    fn add(&mut self, damage: Damage) {
        self.damaged += 1;
        if self.damages.len() < TOLD {
            self.damages.push(damage);
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.damaged == 0
    }
}

/// A log that is being verified, leaf by leaf.
#[derive(Debug)]
pub struct Verification {
    keys: Vec<LogKey>,
    /// Roots that were signed, by size.
    signed: BTreeMap<u64, Hash>,
    edge: Frontier,
    found: Verified,
}

impl Verification {
    /// Begins with the keys that are trusted and checkpoints that were kept elsewhere.
    #[must_use]
    pub fn new(keys: Vec<LogKey>, kept: &[String]) -> Self {
        let (signed, edge, found) = (BTreeMap::new(), Frontier::default(), Verified::default());
        let mut verification = Self { keys, signed, edge, found };
        for note in kept {
            verification.checkpoint(0, note);
        }
        verification
    }

    /// A checkpoint that the log must fit; `size` is what is said of it where it cannot be read.
    fn checkpoint(&mut self, size: u64, note: &str) {
        match Checkpoint::open(note, &self.keys) {
            Err(cause) => self.found.add(Damage::Checkpoint(size, cause.to_string())),
            Ok(opened) if size > 0 && opened.size != size => {
                self.found.add(Damage::Checkpoint(size, format!("it is of {} entries", opened.size)));
            }
            Ok(opened) => {
                let before = self.signed.insert(opened.size, opened.root);
                if before.is_some_and(|before| before != opened.root) {
                    self.found.add(Damage::Rewritten(opened.size));
                }
                if opened.size <= self.edge.size() && opened.size != self.edge.size() {
                    // Its entries are past already.
                    self.found.add(Damage::Checkpoint(opened.size, "it is out of order".to_owned()));
                }
            }
        }
    }

    /// The leaf at a place: which tiles became full by it.
    fn leaf(&mut self, idx: u64, leaf: Hash) -> Vec<TileRoot> {
        self.found.entries += 1;
        let expected = self.edge.size();
        if idx > expected {
            self.found.add(Damage::Missing(expected));
        } else if idx < expected {
            self.found.add(Damage::Misplaced(idx));
        }
        let full = self.edge.push(leaf);
        if let Some(root) = self.signed.get(&self.edge.size()) {
            if *root == self.edge.root() {
                self.found.checkpoints += 1;
            } else {
                self.found.add(Damage::Rewritten(self.edge.size()));
            }
        }
        full
    }

    /// Ends behind the last leaf.
    fn end(mut self) -> Verified {
        let size = self.edge.size();
        self.found.size = size;
        match self.signed.last_key_value() {
            Some((signed, _)) if *signed > size => {
                self.found.add(Damage::Cut { found: size, signed: *signed });
            }
            Some((signed, _)) if *signed < size => self.found.add(Damage::Unsigned(*signed)),
            None if size > 0 => self.found.add(Damage::Unsigned(0)),
            _ => {}
        }
        self.found
    }

    /// Compares a tile's root, or that of a tile that should be there, with the one of the leaves.
    fn tile(&mut self, full: TileRoot, kept: Option<Hash>) {
        if kept != Some(full.root) {
            self.found.add(Damage::Tile(TilePath::from(full).to_string()));
        }
    }
}
