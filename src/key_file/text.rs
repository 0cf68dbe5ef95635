//! The file itself: read, made, written anew.

use super::{KeyFileError, VersionedKeys, malformed};
use crate::model::entropy::random_bytes;
use crate::model::keys::{Purpose, SecretKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const HEADER: &str = "# The keys of this Tuttu server. Without them its database cannot be read: keep a copy apart from\n\
    # the database and its backups, and give every node the same file. Nobody else may read it.\n";

/// Makes a file with a first version of every key, where there is none.
pub(super) fn create(file: &Path) -> Result<VersionedKeys, KeyFileError> {
    let first = |purpose| ((purpose, 1), SecretKey::new(1, random_bytes()));
    let keys: VersionedKeys = Purpose::ALL.into_iter().map(first).collect();
    let made = draft(file, text(&keys).as_bytes()).and_then(|draft| finish(&draft, file, name));
    made.map_err(|cause| KeyFileError::Io { file: file.to_owned(), cause })?;
    Ok(keys)
}

/// Writes these keys in place of those in the file, whole or not at all.
pub(super) fn replace(file: &Path, keys: &VersionedKeys) -> Result<(), KeyFileError> {
    let failed = |cause| KeyFileError::Io { file: file.to_owned(), cause };
    // Where the name is a link, what it leads to is replaced.
    let file = fs::canonicalize(file).map_err(failed)?;
    let replaced = draft(&file, text(keys).as_bytes())
        .and_then(|draft| finish(&draft, &file, |from, to| fs::rename(from, to)));
    replaced.map_err(failed)
}

fn text(keys: &VersionedKeys) -> Zeroizing<String> {
    let mut text = Zeroizing::new(HEADER.to_owned());
    let mut heading = None;
    for ((purpose, version), key) in keys {
        if heading.replace(*purpose) != Some(*purpose) {
            let _ = write!(text, "\n[{}]\n", purpose.as_str());
        }
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.expose()));
        let _ = writeln!(text, "{version} = \"{}\"", *encoded);
    }
    text
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a file beside the one that it shall be, and its folder if need be, for their owner alone, durably: a key
/// must not be lost that data was written with.
fn draft(file: &Path, text: &[u8]) -> io::Result<PathBuf> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder(file))?;
    let draft = file.with_extension(format!("draft-{:016x}", u64::from_le_bytes(random_bytes())));
    let mut opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = opened.write_all(text).and_then(|()| opened.sync_all());
    if written.is_err() {
        fs::remove_file(&draft)?;
    }
    written.map(|()| draft)
}

/// Gives a draft its name once it is written: whole or not at all.
fn finish(draft: &Path, file: &Path, rename: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    let named = rename(draft, file);
    if named.is_err() {
        fs::remove_file(draft)?;
    }
    named?;
    fs::File::open(folder(file))?.sync_all()
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

/// Reads every key of a file that its owner alone can read.
pub(super) fn read(file: &Path) -> Result<VersionedKeys, KeyFileError> {
    let failed = |cause| KeyFileError::Io { file: file.to_owned(), cause };
    if fs::metadata(file).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::Exposed(file.to_owned()));
    }
    let text = Zeroizing::new(fs::read_to_string(file).map_err(failed)?);
    let tables: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(&text)
        .map_err(|_| malformed(file, "it is not TOML of [purpose] tables with version = \"key\""))?;
    let mut keys = VersionedKeys::new();
    for (name, versions) in tables {
        let purpose = Purpose::parse(&name)
            .ok_or_else(|| malformed(file, &format!("[{name}] is no key of this version")))?;
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
