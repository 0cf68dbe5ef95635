//! Who has an embedded database open: everybody together, or one alone who puts another file in its place.
//!
//! The lock is on the folder, not on the file: SQLite loses its own locks on a file that this process opens and closes
//! beside it. It ends with the process.

use super::StoreError;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io;
use std::path::Path;
use thiserror::Error;

/// A hold on the folder of an embedded database, until it is dropped.
#[derive(Debug)]
pub struct Hold(Option<File>);

/// Why the folder is not held.
#[derive(Debug, Error)]
pub(super) enum HoldRefused {
    #[error("`tuttu restore` is at work in its folder: try again when it has ended")]
    Restoring,
    #[error("a server, or another command, has a database in its folder open: stop it first")]
    InUse,
    #[error("its folder cannot be locked: {0}")]
    Io(io::Error),
}

impl Hold {
    /// Holds the folder of that database beside others; where there is none, or none that can be locked, nothing is held.
    pub(super) fn shared(database: &Path) -> Result<Self, StoreError> {
        let Ok(folder) = File::open(folder_of(database)) else { return Ok(Self(None)) };
        match flock(&folder, FlockOperation::NonBlockingLockShared) {
            Err(rustix::io::Errno::WOULDBLOCK) => Err(HoldRefused::Restoring.into()),
            locked => Ok(Self(locked.is_ok().then_some(folder))),
        }
    }

    /// Holds the folder of that database alone.
    ///
    /// # Errors
    /// While anybody has a database in it open.
    pub fn alone(database: &Path) -> Result<Self, StoreError> {
        let folder = File::open(folder_of(database)).map_err(HoldRefused::Io)?;
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(Some(folder))),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(HoldRefused::InUse.into()),
            Err(cause) => Err(HoldRefused::Io(cause.into()).into()),
        }
    }

    /// Makes the names of the files in the folder durable.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&self) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), File::sync_all)
    }
}

/// The folder in which a file is.
pub(super) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
