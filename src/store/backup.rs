//! A copy of an embedded database, made while it is in use.

use super::holding::folder_of;
use super::{Pool, Store, StoreError};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why no backup was made.
#[derive(Debug, Error)]
pub enum BackupRefused {
    /// The engine has tools of its own.
    #[error(
        "PostgreSQL makes its own backups: `pg_dump --format=custom --file=FILE DATABASE`, or continuous archiving \
         for any point in time. After one was put back, run `tuttu restore`"
    )]
    NotEmbedded,
    /// A backup replaces nothing.
    #[error("{0} is there already: a backup replaces no file, name another one")]
    Taken(PathBuf),
    /// The file cannot be written.
    #[error("{file} cannot be written: {cause}")]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Writes the database as it is now into a new file, whole or not at all, durably and for its owner alone: its
    /// size in bytes. Others read and write meanwhile.
    ///
    /// # Errors
    /// [`BackupRefused`].
    pub async fn back_up(&self, file: &Path) -> Result<u64, BackupRefused> {
        let Pool::Sqlite { readers, .. } = &self.pool else { return Err(BackupRefused::NotEmbedded) };
        let failed = |cause: io::Error| match cause.kind() {
            io::ErrorKind::AlreadyExists => BackupRefused::Taken(file.to_owned()),
            _ => BackupRefused::Io { file: file.to_owned(), cause },
        };
        if file.try_exists().map_err(failed)? {
            return Err(BackupRefused::Taken(file.to_owned()));
        }
        let draft = draft_of(file);
        // What an attempt that was killed has left.
        let _not_there = fs::remove_file(&draft);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
        let name = draft.to_string_lossy().into_owned();
        let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(readers).await;
        let finished = match copied {
            Ok(_) => finish(&draft, file).map_err(failed),
            Err(cause) => Err(StoreError::from(cause).into()),
        };
        let _named_already = fs::remove_file(&draft);
        finished
    }
}

fn draft_of(file: &Path) -> PathBuf {
    let mut draft = OsString::from(file);
    draft.push(".unfinished");
    draft.into()
}

/// Makes a copy durable, then gives it its name, which must be free.
fn finish(draft: &Path, file: &Path) -> io::Result<u64> {
    let copy = File::open(draft)?;
    copy.sync_all()?;
    fs::hard_link(draft, file)?;
    File::open(folder_of(file))?.sync_all()?;
    Ok(copy.metadata()?.len())
}
