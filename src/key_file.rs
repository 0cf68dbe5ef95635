//! The key file: made once beside an empty database, and never fitting another.
//!
//! TOML, one table per purpose with the versions of its key as base64url:
//!
//! ```toml
//! [number_key]
//! 1 = "43 characters"
//! ```

use crate::model::entropy::random_bytes;
use crate::model::keys::{Keys, Purpose, SecretKey};
use crate::store::{KeyFingerprint, Store, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

const HEADER: &str = "# The keys of this Tuttu server. Without them its database cannot be read: keep a copy apart from\n\
    # the database and its backups, and give every node the same file. Nobody else may read it.\n";

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
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type KeySet = BTreeMap<(Purpose, u8), SecretKey>;

/// The keys that fit the database: read from the file, or made with it beside an empty database.
///
/// # Errors
/// [`KeyFileError`]; nothing is written then.
pub async fn open(file: &Path, store: &Store) -> Result<Keys, KeyFileError> {
    let marks = store.key_fingerprints().await?;
    let keys = match (file.exists(), marks.is_empty()) {
        (true, _) => read(file)?,
        (false, true) => create(file)?,
        (false, false) => return Err(KeyFileError::Missing(file.to_owned())),
    };
    let in_use = keys.iter().map(|((purpose, _), key)| (*purpose, key.clone())).collect();
    let usable = Keys::new(&in_use).ok_or_else(|| malformed(file, "a key is missing"));
    if marks.is_empty() {
        // Marks of a file that cannot be used would bind the database to it.
        let usable = usable?;
        store.record_key_fingerprints(&fingerprints(&keys)).await?;
        // Read again: of several nodes that start at once, the first one's keys count.
        reject_foreign(file, &keys, &store.key_fingerprints().await?)?;
        return Ok(usable);
    }
    reject_foreign(file, &keys, &marks)?;
    usable
}

fn reject_foreign(file: &Path, keys: &KeySet, marks: &[KeyFingerprint]) -> Result<(), KeyFileError> {
    let ours = fingerprints(keys);
    // A version that the database does not know would split what the versions before it have written.
    let unfit = marks
        .iter()
        .find(|mark| !ours.contains(mark))
        .or_else(|| ours.iter().find(|key| !marks.contains(key)));
    match unfit {
        None => Ok(()),
        Some(KeyFingerprint { purpose, version, .. }) => {
            Err(KeyFileError::Foreign { file: file.to_owned(), purpose: purpose.clone(), version: *version })
        }
    }
}

fn fingerprints(keys: &KeySet) -> Vec<KeyFingerprint> {
    keys.iter()
        .map(|((purpose, version), key)| KeyFingerprint {
            purpose: purpose.as_str().to_owned(),
            version: *version,
            fingerprint: key.fingerprint().to_vec(),
        })
        .collect()
}

fn create(file: &Path) -> Result<KeySet, KeyFileError> {
    let keys: KeySet =
        Purpose::ALL.into_iter().map(|purpose| ((purpose, 1), SecretKey::new(1, random_bytes()))).collect();
    let mut text = Zeroizing::new(HEADER.to_owned());
    for ((purpose, version), key) in &keys {
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.expose()));
        let _ = write!(text, "\n[{}]\n{version} = \"{}\"\n", purpose.as_str(), *encoded);
    }
    write_private(file, text.as_bytes())
        .map_err(|cause| KeyFileError::Io { file: file.to_owned(), cause })?;
    Ok(keys)
}

/// Writes a new file, and its folder if need be, for their owner alone, durably: a key must not be lost that
/// data was written with.
fn write_private(file: &Path, text: &[u8]) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Whole or not at all: it gets its name once it is written, and never replaces another.
    let draft = file.with_extension(format!("draft-{:016x}", u64::from_le_bytes(random_bytes())));
    let mut opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = opened.write_all(text).and_then(|()| opened.sync_all()).and_then(|()| name(&draft, file));
    if written.is_err() {
        fs::remove_file(&draft)?;
    }
    written?;
    fs::File::open(folder)?.sync_all()
}

/// Renames a file unless the new name is taken; not every file system can, and those that cannot may link.
fn name(draft: &Path, file: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, draft, CWD, file, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            fs::hard_link(draft, file)?;
            fs::remove_file(draft)
        }
        renamed => Ok(renamed?),
    }
}

fn read(file: &Path) -> Result<KeySet, KeyFileError> {
    let failed = |cause| KeyFileError::Io { file: file.to_owned(), cause };
    if fs::metadata(file).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::Exposed(file.to_owned()));
    }
    let text = Zeroizing::new(fs::read_to_string(file).map_err(failed)?);
    let tables: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(&text)
        .map_err(|_| malformed(file, "it is not TOML of [purpose] tables with version = \"key\""))?;
    let mut keys = KeySet::new();
    for (name, versions) in tables {
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == name);
        let purpose =
            purpose.ok_or_else(|| malformed(file, &format!("[{name}] is no key of this version")))?;
        for (version, encoded) in versions {
            let encoded = Zeroizing::new(encoded);
            let version = version
                .parse()
                .map_err(|_| malformed(file, &format!("[{name}] has a version that is no number")))?;
            let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded.as_bytes()).unwrap_or_default());
            let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
                malformed(file, &format!("[{name}] version {version} is not 32 bytes of base64url"))
            })?;
            keys.insert((purpose, version), SecretKey::new(version, bytes));
        }
    }
    Ok(keys)
}

fn malformed(file: &Path, problem: &str) -> KeyFileError {
    KeyFileError::Malformed { file: file.to_owned(), problem: problem.to_owned() }
}
