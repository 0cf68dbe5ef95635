//! Erasures are remembered outside the database, so that a backup that is put back brings nobody back, and leave the
//! files that this node keeps.
//!
//! The file holds a line for each person: the random name by which the audit log spoke of them, in hex. It tells
//! nothing, not even to whoever has the database, for the row that said whose name it was is gone.

use crate::directory::Directory;
use crate::model::audit::Subject;
use crate::store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::Mutex;

const PAGE: i64 = 1_000;
/// How far back erasures are looked for: transactions commit late, and the clocks of nodes differ.
const LATE: SignedDuration = SignedDuration::from_mins(5);
/// For as long after an erasure something that names the person by a key may still be forgotten: the feed, kept answers.
const TRACES: SignedDuration = SignedDuration::from_hours(26);

/// Who was erased, and what is still to be done about it on this node; clones share it.
#[derive(Debug, Clone)]
pub struct Erasures {
    store: Store,
    file: Option<Arc<PathBuf>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Those that are in the file; `None`: it was not read yet.
    kept: Option<BTreeSet<Subject>>,
    newest: Timestamp,
    /// Whether the write-ahead log, and the snapshot of the directory, may hold an erased person.
    in_wal: bool,
    in_snapshot: bool,
}

/// Why erasures are not remembered.
#[derive(Debug, Error)]
pub enum ErasuresError {
    /// The file.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Erasures {
    /// The erasures of a database, which are remembered in that file, if any.
    #[must_use]
    pub fn new(store: Store, file: Option<PathBuf>) -> Self {
        Self { store, file: file.map(Arc::new), state: Arc::default() }
    }

    /// Appends to the file whoever was erased and is not in it, durably: how many were not known of.
    ///
    /// # Errors
    /// [`ErasuresError`]; the next time it is tried again.
    pub async fn keep(&self) -> Result<usize, ErasuresError> {
        let mut state = self.state.lock().await;
        let mut kept = match (state.kept.take(), &self.file) {
            (Some(kept), _) => kept,
            (None, Some(file)) => named(file, read_erasures(file))?.into_iter().collect(),
            (None, None) => BTreeSet::new(),
        };
        let mut from = (state.newest.saturating_sub(LATE).unwrap_or(Timestamp::MIN), Subject([0; 16]));
        let mut fresh = Vec::new();
        loop {
            let page = self.store.erasures(from, PAGE).await?;
            let Some(last) = page.last() else { break };
            from = *last;
            state.newest = state.newest.max(last.0);
            fresh.extend(page.iter().map(|(_, subject)| *subject).filter(|subject| !kept.contains(subject)));
        }
        if let (Some(file), false) = (&self.file, fresh.is_empty()) {
            named(file, append(file, &fresh))?;
        }
        state.in_wal |= !fresh.is_empty();
        state.in_snapshot |= !fresh.is_empty();
        kept.extend(&fresh);
        state.kept = Some(kept);
        Ok(fresh.len())
    }

    /// Empties the write-ahead log of an embedded database if it may hold somebody who was erased, and is not in use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn empty_wal(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        if state.in_wal {
            state.in_wal = !self.store.empty_wal().await?;
        }
        Ok(())
    }

    /// Writes the snapshot of a directory anew if it may hold somebody who was erased, and lets the write-ahead log be
    /// emptied again for as long as traces of the last erasures are forgotten.
    ///
    /// # Errors
    /// When the snapshot cannot be written.
    pub async fn leave_snapshot(&self, directory: &Arc<Directory>, now: Timestamp) -> io::Result<()> {
        let mut state = self.state.lock().await;
        state.in_wal |= now < state.newest.saturating_add(TRACES).unwrap_or(Timestamp::MAX);
        if state.in_snapshot {
            directory.save_snapshot().await?;
            state.in_snapshot = false;
        }
        Ok(())
    }
}

fn named<T>(file: &Path, done: io::Result<T>) -> Result<T, ErasuresError> {
    done.map_err(|cause| ErasuresError::Io(file.to_owned(), cause))
}

/// Whoever stands in a file of erasures; nobody where there is none. What is no name, as a line that a power cut left
/// half written, is passed over.
///
/// # Errors
/// When the file cannot be read.
pub fn read_erasures(file: &Path) -> io::Result<Vec<Subject>> {
    let opened = match File::open(file) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut found = Vec::new();
    for line in BufReader::new(opened).lines() {
        found.extend(uuid::Uuid::try_parse(line?.trim()).ok().map(|name| Subject(name.into_bytes())));
    }
    Ok(found)
}

/// Appends whole lines at once, behind a line that is whole.
fn append(file: &Path, subjects: &[Subject]) -> io::Result<()> {
    let mut opened = OpenOptions::new().append(true).read(true).create(true).mode(0o600).open(file)?;
    let mut text = String::new();
    if opened.metadata()?.len() > 0 {
        let mut last = [0; 1];
        opened.seek(SeekFrom::End(-1))?;
        opened.read_exact(&mut last)?;
        if last != *b"\n" {
            text.push('\n');
        }
    }
    for subject in subjects {
        text.push_str(&uuid::Uuid::from_bytes(subject.0).simple().to_string());
        text.push('\n');
    }
    opened.write_all(text.as_bytes())?;
    opened.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_line_is_passed_over_and_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("erasures");
        assert!(read_erasures(&file).unwrap().is_empty());
        std::fs::write(&file, "00ff").unwrap();
        append(&file, &[Subject([1; 16])]).unwrap();
        append(&file, &[Subject([2; 16]), Subject([3; 16])]).unwrap();
        assert_eq!(read_erasures(&file).unwrap(), [Subject([1; 16]), Subject([2; 16]), Subject([3; 16])]);
    }
}
