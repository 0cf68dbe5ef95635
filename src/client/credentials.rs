//! The file that keeps a device signed in: TOML, for its owner's eyes only.

mod book;

use super::sync::AddressBook;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use thiserror::Error;
use uuid::Uuid;

const OTHERS: u32 = 0o077;

/// What a device needs to ask for anything. It names no contact: see [`AddressBook`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// The address of the service.
    pub server: String,
    /// The region of the owner's number, by which the address book is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The account.
    pub account_id: Uuid,
    /// This device of it.
    pub device_id: Uuid,
    /// What signs the device in.
    #[serde(serialize_with = "expose")]
    pub device_token: SecretString,
    /// What has been paid for.
    #[serde(default, with = "book")]
    pub sync: AddressBook,
}

/// Why credentials cannot be read or kept.
#[derive(Debug, Error)]
pub enum CredentialsError {
    /// There is no such file.
    #[error("there are no credentials in {}", .0.display())]
    Missing(PathBuf),
    /// Other users may read the file.
    #[error(
        "other users can read {path}: run `chmod 600 {path}`, and revoke the device if they may have read it",
        path = .0.display()
    )]
    Readable(PathBuf),
    /// The file is damaged. The text holds a token, so it is not repeated here.
    #[error("{} is damaged: restore it or register again (line {line})", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damage begins; 0 where that is unknown.
        line: usize,
    },
    /// Neither `XDG_CONFIG_HOME` nor `HOME` says where configuration lives.
    #[error("there is no home directory to keep credentials in; name a file")]
    NoHome,
    /// The file system refuses.
    #[error("{}: {cause}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

impl Credentials {
    /// Where credentials lie unless another file is named: `tuttu/client.toml` in `$XDG_CONFIG_HOME` or
    /// `~/.config`.
    ///
    /// # Errors
    /// [`CredentialsError::NoHome`] where neither is known.
    pub fn default_path() -> Result<PathBuf, CredentialsError> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config =
            absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        Ok(config.ok_or(CredentialsError::NoHome)?.join("tuttu").join("client.toml"))
    }

    /// Reads credentials that nobody else can read.
    ///
    /// # Errors
    /// [`CredentialsError`]; `Readable` when the file's mode lets other users in.
    pub fn read(path: &Path) -> Result<Self, CredentialsError> {
        let mut file = File::open(path).map_err(|cause| io_error(path, cause))?;
        let mode = file.metadata().map_err(|cause| io_error(path, cause))?.permissions().mode();
        if mode & OTHERS != 0 {
            return Err(CredentialsError::Readable(path.to_owned()));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|cause| io_error(path, cause))?;
        toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(0, |before| before.matches('\n').count() + 1);
            CredentialsError::Damaged { path: path.to_owned(), line }
        })
    }

    /// Keeps the credentials: the file holds either the old ones or the new ones, never a part, and at no
    /// moment can others read it.
    ///
    /// # Errors
    /// [`CredentialsError::Io`] when the file system refuses.
    pub fn write(&self, path: &Path) -> Result<(), CredentialsError> {
        let text = toml::to_string(self).map_err(|error| io_error(path, io::Error::other(error)))?;
        // A link stays a link: what it points to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        replace(&target, text.as_bytes()).map_err(|cause| io_error(path, cause))
    }

    /// Forgets the credentials, if there are any.
    ///
    /// # Errors
    /// [`CredentialsError::Io`] when the file system refuses.
    pub fn remove(path: &Path) -> Result<(), CredentialsError> {
        match fs::remove_file(path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(io_error(path, cause)),
            _ => Ok(()),
        }
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let draft = folder.join(format!(".{}.{}.new", name.display(), std::process::id()));
    let written = write_draft(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // Nothing is lost if this fails too: a draft is never read.
        let _left_behind = fs::remove_file(&draft);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write_draft(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    // A draft left by a crash may have any mode; only a file made here is known to be closed to others.
    let _none_left = fs::remove_file(draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn io_error(path: &Path, cause: io::Error) -> CredentialsError {
    let path = path.to_owned();
    if cause.kind() == io::ErrorKind::NotFound {
        return CredentialsError::Missing(path);
    }
    CredentialsError::Io { path, cause }
}

fn expose<S: Serializer>(token: &SecretString, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(token.expose_secret())
}
