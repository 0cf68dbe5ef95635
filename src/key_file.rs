//! The key file: made once beside an empty database, and never fitting another.
//!
//! TOML, one table per purpose with the versions of its key as base64url:
//!
//! ```toml
//! [number_key]
//! 1 = "43 characters"
//! ```

mod adding;
mod indexes;
mod text;

pub use adding::{AddRefused, add, make_known, waiting, withdraw};
pub use indexes::sealed_anew;

use crate::model::key_life::KeyState;
use crate::model::keys::{KeySet, Keys, Purpose, SecretKey};
use crate::model::sealed::SealBroken;
use crate::store::{KeyFingerprint, KeyMark, Store, StoreError};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why the server must not start with these keys.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// There is data and no file.
    #[error(
        "the database was written with keys, and the key file {0} is not there: copy it back, or point keys.file at it"
    )]
    Missing(PathBuf),
    /// There is data of other keys.
    #[error(
        "the key file {file} is not the one this database was written with ({purpose} version {version} differs): \
        point keys.file at the right file, or database.url at the right database"
    )]
    Foreign {
        /// The file.
        file: PathBuf,
        /// The first key that differs.
        purpose: String,
        /// Its version.
        version: u8,
    },
    /// There is data under a key that the file lacks.
    #[error(
        "the key file {file} lacks {purpose} version {version}, which this database was written with: copy the file \
        of a node that has it"
    )]
    Lacking {
        /// The file.
        file: PathBuf,
        /// The first key that is missing.
        purpose: String,
        /// Its version.
        version: u8,
    },
    /// The file has a key that the database does not know.
    #[error(
        "the key file {file} has {purpose} version {version}, which this database does not know: take it out, or let \
        `tuttu keys add {purpose}` make it known"
    )]
    Unknown {
        /// The file.
        file: PathBuf,
        /// The first such key.
        purpose: String,
        /// Its version.
        version: u8,
    },
    /// The file is readable for others.
    #[error("the key file {0} can be read by others: chmod 600 it")]
    Exposed(PathBuf),
    /// The file is no key file.
    #[error("the key file {file} cannot be used: {problem}")]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong, without any of its content.
        problem: String,
    },
    /// The file cannot be read or written.
    #[error("the key file {file}: {cause}")]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// What numbers are found by does not open.
    #[error(
        "the secret that numbers are found by does not open with the index_key of the key file: its row (table \
        index_secret) was altered or removed. Take it from a backup of this database"
    )]
    IndexSecret(#[from] SealBroken),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keys by purpose and version.
type VersionedKeys = BTreeMap<(Purpose, u8), SecretKey>;

/// The keys that fit the database: read from the file, or made with it beside an empty database.
///
/// # Errors
/// [`KeyFileError`]; no key is made or changed then.
pub async fn open(file: &Path, store: &Store) -> Result<Keys, KeyFileError> {
    let marks = store.key_marks().await?;
    let keys = match (file.exists(), marks.is_empty()) {
        (true, _) => text::read(file)?,
        (false, true) => text::create(file)?,
        (false, false) => return Err(KeyFileError::Missing(file.to_owned())),
    };
    if marks.is_empty() {
        // Marks of a file that cannot be used would bind the database to it.
        let usable = usable(file, keys.clone(), latest(&keys), &[])?;
        store.record_key_fingerprints(&fingerprints(&keys), &indexes::made(&usable)?).await?;
        // Read again: of several nodes that start at once, the first one's keys count.
        return with_indexes(store, fitting(file, keys, &store.key_marks().await?)?).await;
    }
    with_indexes(store, fitting(file, keys, &marks)?).await
}

/// The keys of a file that the database knows, without those that are only about to be added.
///
/// # Errors
/// [`KeyFileError`].
pub async fn open_known(file: &Path, store: &Store) -> Result<Keys, KeyFileError> {
    let (marks, mut keys) = (store.key_marks().await?, text::read(file)?);
    keys.retain(|(purpose, version), key| {
        let of_file = fingerprint(*purpose, *version, key);
        marks.iter().any(|mark| same(&mark.key, &of_file))
    });
    with_indexes(store, fitting(file, keys, &marks)?).await
}

/// Reads the file again and goes on with what it holds now.
///
/// # Errors
/// [`KeyFileError`]; the keys stay as they were then.
pub async fn reread(file: &Path, store: &Store, keys: &Keys) -> Result<(), KeyFileError> {
    let marks = store.key_marks().await?;
    keys.replace(fitting(file, text::read(file)?, &marks)?);
    Ok(())
}

/// Goes on with the versions that these marks say are in use, and without those that are retired; `false` where one
/// in use is not here, and nothing is changed.
#[must_use]
pub fn follow(keys: &Keys, marks: &[KeyMark]) -> bool {
    let (set, in_use) = (keys.set(), versions_in_use(marks));
    let kept = without_retired(set.keys().clone(), marks);
    if *set.versions_in_use() == in_use && kept.len() == set.keys().len() {
        return true;
    }
    KeySet::new(kept, in_use).is_some_and(|set| {
        keys.replace(set);
        true
    })
}

/// The version in use of each purpose: the one that was put into use last.
#[must_use]
pub fn versions_in_use(marks: &[KeyMark]) -> BTreeMap<Purpose, u8> {
    let of = |purpose: Purpose| {
        let begun = marks.iter().filter(|mark| mark.key.purpose == purpose.as_str() && mark.life.has_begun());
        let last = begun.max_by_key(|mark| (mark.life.used_at, mark.key.version))?;
        Some((purpose, last.key.version))
    };
    Purpose::ALL.into_iter().filter_map(of).collect()
}

/// How far the version of a mark is, among all marks.
#[must_use]
pub fn state(mark: &KeyMark, marks: &[KeyMark]) -> KeyState {
    let latest = Purpose::parse(&mark.key.purpose).and_then(|of| versions_in_use(marks).get(&of).copied());
    mark.life.state(latest == Some(mark.key.version))
}

async fn with_indexes(store: &Store, keys: KeySet) -> Result<Keys, KeyFileError> {
    let secret = indexes::read(store, &keys).await?;
    Ok(Keys::of(keys, secret).ok_or(SealBroken)?)
}

fn fitting(file: &Path, keys: VersionedKeys, marks: &[KeyMark]) -> Result<KeySet, KeyFileError> {
    reject_foreign(file, &keys, marks)?;
    reject_unknown(file, &keys, marks)?;
    usable(file, keys, versions_in_use(marks), marks)
}

fn usable(
    file: &Path,
    keys: VersionedKeys,
    in_use: BTreeMap<Purpose, u8>,
    marks: &[KeyMark],
) -> Result<KeySet, KeyFileError> {
    let set = KeySet::new(without_retired(keys, marks), in_use);
    set.ok_or_else(|| malformed(file, "a key is missing"))
}

fn latest(keys: &VersionedKeys) -> BTreeMap<Purpose, u8> {
    // In ascending order, so that the last one stays.
    keys.keys().copied().collect()
}

/// Nothing is under a retired key: whoever has stolen one shall not be believed.
fn without_retired(mut keys: VersionedKeys, marks: &[KeyMark]) -> VersionedKeys {
    for mark in marks.iter().filter(|mark| mark.life.retired_at.is_some()) {
        if let Some(purpose) = Purpose::parse(&mark.key.purpose) {
            keys.remove(&(purpose, mark.key.version));
        }
    }
    keys
}

fn reject_foreign(file: &Path, keys: &VersionedKeys, marks: &[KeyMark]) -> Result<(), KeyFileError> {
    let (file, ours) = (file.to_owned(), fingerprints(keys));
    for KeyMark { key, life } in marks {
        let (purpose, version) = (key.purpose.clone(), key.version);
        match ours.iter().find(|own| same(own, key)) {
            Some(own) if own == key => {}
            Some(_) => return Err(KeyFileError::Foreign { file, purpose, version }),
            None if life.retired_at.is_some() => {}
            None => return Err(KeyFileError::Lacking { file, purpose, version }),
        }
    }
    Ok(())
}

/// A version that the database does not know would split what the versions before it have written.
fn reject_unknown(file: &Path, keys: &VersionedKeys, marks: &[KeyMark]) -> Result<(), KeyFileError> {
    let file = file.to_owned();
    match fingerprints(keys).into_iter().find(|own| !marks.iter().any(|mark| same(&mark.key, own))) {
        Some(KeyFingerprint { purpose, version, .. }) => {
            Err(KeyFileError::Unknown { file, purpose, version })
        }
        None => Ok(()),
    }
}

fn same(a: &KeyFingerprint, b: &KeyFingerprint) -> bool {
    a.purpose == b.purpose && a.version == b.version
}

fn fingerprints(keys: &VersionedKeys) -> Vec<KeyFingerprint> {
    keys.iter().map(|((purpose, version), key)| fingerprint(*purpose, *version, key)).collect()
}

fn fingerprint(purpose: Purpose, version: u8, key: &SecretKey) -> KeyFingerprint {
    KeyFingerprint { purpose: purpose.as_str().to_owned(), version, fingerprint: key.fingerprint().to_vec() }
}

fn malformed(file: &Path, problem: &str) -> KeyFileError {
    KeyFileError::Malformed { file: file.to_owned(), problem: problem.to_owned() }
}
