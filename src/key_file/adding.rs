//! A further version of a key: in the file first, then known to the database.

use super::{
    KeyFileError, VersionedKeys, fingerprint, fingerprints, open_known, reject_foreign, state, text,
};
use crate::model::entropy::random_bytes;
use crate::model::key_life::KeyState;
use crate::model::keys::{Purpose, SecretKey};
use crate::store::{KeyMark, Store, StoreError};
use jiff::Timestamp;
use std::path::Path;
use thiserror::Error;

/// Why a key got no further version.
#[derive(Debug, Error)]
pub enum AddRefused {
    /// One waits.
    #[error("{purpose} version {version} is added and not in use yet: run `tuttu keys use {purpose}`")]
    Waiting {
        /// The purpose.
        purpose: &'static str,
        /// The version that waits.
        version: u8,
    },
    /// None waits.
    #[error("{0} has no version that is added and not in use")]
    NoneWaiting(&'static str),
    /// There are as many as there can be.
    #[error("{0} has had 255 versions: there can be no further one")]
    Exhausted(&'static str),
    /// No server has made the first one.
    #[error("there is no key yet: start a server once")]
    NoneYet,
    /// Somebody else was faster.
    #[error("{0} got another version meanwhile: copy the key file of that host to this one")]
    Overtaken(&'static str),
    /// The key file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes a further version of a key into the file and makes it known; its number. It is not in use yet.
///
/// Whoever was cut off between the two adds the same version again, and so does whoever has put a copy of the database
/// back that is older than the version.
///
/// # Errors
/// [`AddRefused`]; the file is as it was then.
pub async fn add(file: &Path, store: &Store, purpose: Purpose, now: Timestamp) -> Result<u8, AddRefused> {
    let name = purpose.as_str();
    let marks = store.key_marks().await?;
    if let Some(version) = waiting(purpose, &marks) {
        return Err(AddRefused::Waiting { purpose: name, version });
    }
    let last = marks.iter().filter(|mark| mark.key.purpose == name).map(|mark| mark.key.version).max();
    let version = last.ok_or(AddRefused::NoneYet)?.checked_add(1).ok_or(AddRefused::Exhausted(name))?;
    let before = text::read(file)?;
    let mut known = before.clone();
    let cut_off = known.remove(&(purpose, version));
    // Other keys may be unknown for the same reason.
    reject_foreign(file, &known, &marks)?;
    // What rows of before are found by is sealed before another version is there.
    open_known(file, store).await?;
    let key = cut_off.unwrap_or_else(|| SecretKey::new(version, random_bytes()));
    let mut after: VersionedKeys = known;
    after.insert((purpose, version), key.clone());
    text::replace(file, &after)?;
    if store.add_key(&fingerprint(purpose, version, &key), now).await? {
        return Ok(version);
    }
    text::replace(file, &before)?;
    Err(AddRefused::Overtaken(name))
}

/// Makes known to a database that was put back what was added to the file since its copy was made, as versions that are
/// not in use.
///
/// # Errors
/// [`KeyFileError`] where the file is not of this database.
pub async fn make_known(file: &Path, store: &Store, now: Timestamp) -> Result<(), KeyFileError> {
    let (keys, marks) = (text::read(file)?, store.key_marks().await?);
    reject_foreign(file, &keys, &marks)?;
    // What an older copy is hashed with is sealed before another version is there.
    open_known(file, store).await?;
    for key in fingerprints(&keys) {
        let _known_already = store.add_key(&key, now).await?;
    }
    Ok(())
}

/// Takes back the version that was added and never used, from the database and then from the file; its number, which
/// is not given again.
///
/// # Errors
/// [`AddRefused`].
pub async fn withdraw(
    file: &Path,
    store: &Store,
    purpose: Purpose,
    now: Timestamp,
) -> Result<u8, AddRefused> {
    let name = purpose.as_str();
    let version = waiting(purpose, &store.key_marks().await?).ok_or(AddRefused::NoneWaiting(name))?;
    let mut keys = text::read(file)?;
    if !store.withdraw_key((name, version), now).await? {
        return Err(AddRefused::NoneWaiting(name));
    }
    if keys.remove(&(purpose, version)).is_some() {
        text::replace(file, &keys)?;
    }
    Ok(version)
}

/// The version of a purpose that is added and not in use yet, if there is one.
#[must_use]
pub fn waiting(purpose: Purpose, marks: &[KeyMark]) -> Option<u8> {
    let of = |mark: &&KeyMark| mark.key.purpose == purpose.as_str() && state(mark, marks) == KeyState::Added;
    marks.iter().find(of).map(|mark| mark.key.version)
}
