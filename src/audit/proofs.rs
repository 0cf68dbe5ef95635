//! Proofs: that an entry is in the log, and that one log extends another.

use super::{AuditLog, TilePath};
use crate::model::audit::{Checkpoint, CheckpointRefused, Hash, LogKey};
use crate::verification::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;
use tlog_tiles::{Tile, TileHashReader, TileReader, tlog};

/// The first line of a proof (C2SP `tlog-proof`).
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Rounds of fetching the tiles that a proof needs: each names all that it lacks.
const ROUNDS: usize = 20;
/// Tiles that a prover holds at most, of 8 KiB each.
const HELD: usize = 2_048;

/// That an entry is in the log at a place, under a signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The place.
    pub index: u64,
    /// The hashes beside the way from the leaf to the root.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Why a proof proves nothing.
#[derive(Debug, Error)]
pub enum ProofRefused {
    /// It is none.
    #[error("it is no proof: {0}")]
    Malformed(&'static str),
    /// Its checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointRefused),
    /// The hashes do not lead from this entry to the checkpoint.
    #[error("the hashes do not lead from the entry to the checkpoint")]
    Wrong,
}

impl Proof {
    /// The text of C2SP `tlog-proof`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let hashes: String = self.path.iter().map(|hash| STANDARD.encode(hash.0) + "\n").collect();
        format!("{HEADER}\nindex {}\n{hashes}\n{}", self.index, self.checkpoint)
    }

    /// Reads what [`Proof::to_text`] wrote.
    ///
    /// # Errors
    /// [`ProofRefused::Malformed`].
    pub fn parse(text: &str) -> Result<Self, ProofRefused> {
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(ProofRefused::Malformed("it has no checkpoint"))?;
        let mut lines = head.lines();
        if lines.next() != Some(HEADER) {
            return Err(ProofRefused::Malformed("it does not begin with c2sp.org/tlog-proof@v1"));
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")?.parse().ok());
        let index = index.ok_or(ProofRefused::Malformed("it has no index"))?;
        let hash = |line: &str| STANDARD.decode(line).ok()?.try_into().ok().map(Hash);
        let path = lines.map(hash).collect::<Option<Vec<Hash>>>();
        let path = path.ok_or(ProofRefused::Malformed("a line is no hash"))?;
        Ok(Self { index, path, checkpoint: checkpoint.to_owned() })
    }

    /// Whether it proves that this leaf is in a log with one of these keys: its checkpoint.
    ///
    /// # Errors
    /// [`ProofRefused`].
    pub fn verify(&self, leaf: Hash, keys: &[LogKey]) -> Result<Checkpoint, ProofRefused> {
        let checkpoint = Checkpoint::open(&self.checkpoint, keys)?;
        let path: Vec<tlog::Hash> = self.path.iter().map(|hash| tlog::Hash(hash.0)).collect();
        let (root, leaf) = (tlog::Hash(checkpoint.root.0), tlog::Hash(leaf.0));
        if self.index >= checkpoint.size {
            return Err(ProofRefused::Wrong);
        }
        tlog::check_record(&path, checkpoint.size, root, self.index, leaf)
            .map_err(|_| ProofRefused::Wrong)?;
        Ok(checkpoint)
    }
}

/// The tiles that are here, and those that somebody missed.
#[derive(Debug, Default)]
struct Tiles {
    held: BTreeMap<TilePath, Vec<u8>>,
    missing: RefCell<BTreeSet<TilePath>>,
}

impl TileReader for Tiles {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog::Error> {
        let paths = tiles.iter().map(|tile| TilePath {
            level: tile.level(),
            tile: tile.level_index(),
            width: u64::from(tile.width()),
        });
        let read: Vec<Option<Vec<u8>>> = paths
            .map(|path| {
                let held = self.held.get(&path).cloned();
                if held.is_none() {
                    self.missing.borrow_mut().insert(path);
                }
                held
            })
            .collect();
        read.into_iter().collect::<Option<_>>().ok_or(tlog::Error::MalformedHash)
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

/// Proves what is in the log, under one checkpoint of it.
#[derive(Debug)]
pub struct Prover {
    log: AuditLog,
    size: u64,
    root: Hash,
    checkpoint: String,
    tiles: Tiles,
}

impl AuditLog {
    /// What proves under the newest checkpoint; `None` while the log is empty.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prover(&self) -> Result<Option<Prover>, Failure> {
        let Some(head) = self.store.audit_head().await? else { return Ok(None) };
        let (size, root) = (head.edge.size(), head.edge.root());
        Ok(Some(Prover { log: self.clone(), size, root, checkpoint: head.note, tiles: Tiles::default() }))
    }
}

impl Prover {
    /// How many entries the checkpoint is of.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The signed checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// Proves that the entry at a place is in the log; `None` where the log has no such place, or its hashes do not
    /// fit its checkpoint.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prove(&mut self, index: u64) -> Result<Option<Proof>, Failure> {
        if index >= self.size {
            return Ok(None);
        }
        let size = self.size;
        let path = self.with_tiles(|reader| tlog::prove_record(size, index, reader)).await?;
        Ok(path.map(|path| Proof { index, path: hashes(&path), checkpoint: self.checkpoint.clone() }))
    }

    /// The hashes that show that the checkpoint's log extends the one that had `size` entries; `None` where it was
    /// never that small, or its hashes do not fit.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prove_extends(&mut self, size: u64) -> Result<Option<Vec<Hash>>, Failure> {
        if size == 0 || size > self.size {
            return Ok(None);
        }
        let now = self.size;
        Ok(self.with_tiles(|reader| tlog::prove_tree(now, size, reader)).await?.map(|path| hashes(&path)))
    }

    /// Does something with the tree's hashes, which are fetched as they are missed and checked against its root.
    async fn with_tiles<T>(
        &mut self,
        prove: impl Fn(&TileHashReader<'_>) -> Result<T, tlog::Error>,
    ) -> Result<Option<T>, Failure> {
        if self.tiles.held.len() > HELD {
            self.tiles.held.clear();
        }
        for _ in 0..ROUNDS {
            let root = tlog::Hash(self.root.0);
            let proven = prove(&TileHashReader::new(self.size, root, &self.tiles));
            let missing = std::mem::take(self.tiles.missing.get_mut());
            if missing.is_empty() {
                return Ok(proven.ok());
            }
            for path in missing {
                let Some(hashes) = self.log.tile(path).await? else { return Ok(None) };
                self.tiles.held.insert(path, hashes);
            }
        }
        Ok(None)
    }
}

/// Whether the log of `newer` extends that of `older`, by the hashes of [`Prover::prove_extends`].
#[must_use]
pub fn extends(older: &Checkpoint, newer: &Checkpoint, path: &[Hash]) -> bool {
    let path: Vec<tlog::Hash> = path.iter().map(|hash| tlog::Hash(hash.0)).collect();
    let (old, new) = (tlog::Hash(older.root.0), tlog::Hash(newer.root.0));
    let ordered = older.origin == newer.origin && older.size > 0 && older.size <= newer.size;
    ordered && tlog::check_tree(&path, newer.size, new, older.size, old).is_ok()
}

fn hashes(path: &[tlog::Hash]) -> Vec<Hash> {
    path.iter().map(|hash| Hash(hash.0)).collect()
}
