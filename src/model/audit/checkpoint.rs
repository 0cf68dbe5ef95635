//! The head of the log: signed, and verified with a public key alone.

use super::Hash;
use crate::model::keys::SecretKey;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use signed_note::{Note, Signer, StandardVerifier, Verifier, VerifierList, key_id};
use std::fmt;
use thiserror::Error;
use tlog_tiles::{Checkpoint as Text, tlog};

/// Ed25519, in the algorithms of C2SP `signed-note`.
const ED25519: u8 = 1;

/// The name of a log that nobody has given one: the host of its public address.
#[must_use]
pub fn default_origin(public_url: Option<&str>) -> String {
    let host = public_url.and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
    let host = host.map(|host| host.trim_end_matches('/').replace(['+', ' '], "-"));
    format!("{}/audit", host.as_deref().unwrap_or("localhost"))
}

/// The head of a log at one size (C2SP `tlog-checkpoint`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

/// Why a text is no checkpoint of the log.
#[derive(Debug, Error)]
pub enum CheckpointRefused {
    /// It is no signed note, or no checkpoint.
    #[error("it is no checkpoint: {0}")]
    Malformed(String),
    /// No signature is by a key that is trusted.
    #[error("it is signed by none of the keys that are trusted")]
    Untrusted,
    /// The log has another name.
    #[error("it is of the log `{0}`")]
    Origin(String),
}

/// What signs checkpoints.
pub struct LogSigner {
    origin: String,
    id: u32,
    pair: Ed25519KeyPair,
}

impl fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogSigner({}, ..)", self.origin)
    }
}

impl LogSigner {
    /// The signer of a log with a version of `audit_key`; `None` where its name cannot be a key's name.
    #[must_use]
    pub fn new(origin: &str, key: &SecretKey) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(key.expose()).ok()?;
        let public = [&[ED25519], pair.public_key().as_ref()].concat();
        signed_note::is_key_name_valid(origin).then(|| Self {
            origin: origin.to_owned(),
            id: key_id(origin, &public),
            pair,
        })
    }

    /// The public key as C2SP `signed-note` writes it: `name+id+key`.
    #[must_use]
    pub fn public(&self) -> String {
        use base64::Engine as _;
        let public = [&[ED25519], self.pair.public_key().as_ref()].concat();
        let public = base64::engine::general_purpose::STANDARD.encode(public);
        format!("{}+{:08x}+{public}", self.origin, self.id)
    }

    /// Signs any text of whole lines: the whole note.
    ///
    /// # Errors
    /// [`CheckpointRefused::Malformed`] where it is none.
    pub fn sign_text(&self, text: &str) -> Result<String, CheckpointRefused> {
        let malformed = |cause: &dyn fmt::Display| CheckpointRefused::Malformed(cause.to_string());
        let mut note = Note::new(text.as_bytes(), &[]).map_err(|cause| malformed(&cause))?;
        note.add_sigs(&[self]).map_err(|cause| malformed(&cause))?;
        String::from_utf8(note.to_bytes()).map_err(|cause| malformed(&cause))
    }

    /// Signs a head of the log: the whole note.
    ///
    /// # Errors
    /// [`CheckpointRefused::Malformed`] where the origin has a line break.
    pub fn sign(&self, size: u64, root: Hash) -> Result<String, CheckpointRefused> {
        let malformed = |cause: &dyn fmt::Display| CheckpointRefused::Malformed(cause.to_string());
        let text =
            Text::new(&self.origin, size, tlog::Hash(root.0), "").map_err(|cause| malformed(&cause))?;
        self.sign_text(&String::from_utf8(text.to_bytes()).map_err(|cause| malformed(&cause))?)
    }
}

impl Signer for LogSigner {
    fn name(&self) -> &str {
        &self.origin
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.pair.sign(message).as_ref().to_vec())
    }
}

/// A public key of a log.
#[derive(Clone)]
pub struct LogKey {
    text: String,
    verifier: StandardVerifier,
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl LogKey {
    /// Reads `name+id+key`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Some(Self { text: text.to_owned(), verifier: StandardVerifier::new(text).ok()? })
    }

    /// The name of the log that it is of.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.verifier.name()
    }
}

/// The text of a signed note that one of these keys has signed.
///
/// # Errors
/// [`CheckpointRefused`].
pub fn open_text(note: &str, keys: &[LogKey]) -> Result<String, CheckpointRefused> {
    let malformed = |cause: &dyn fmt::Display| CheckpointRefused::Malformed(cause.to_string());
    let note = Note::from_bytes(note.as_bytes()).map_err(|cause| malformed(&cause))?;
    let boxed = |key: &LogKey| Box::new(key.verifier.clone()) as Box<dyn Verifier>;
    let trusted = VerifierList::new(keys.iter().map(boxed).collect());
    note.verify(&trusted).map_err(|_| CheckpointRefused::Untrusted)?;
    String::from_utf8(note.text().to_vec()).map_err(|cause| malformed(&cause))
}

impl Checkpoint {
    /// Reads a signed checkpoint that one of these keys has signed, each of which is of the log.
    ///
    /// # Errors
    /// [`CheckpointRefused`].
    pub fn open(note: &str, keys: &[LogKey]) -> Result<Self, CheckpointRefused> {
        let malformed = |cause: &dyn fmt::Display| CheckpointRefused::Malformed(cause.to_string());
        let note = Note::from_bytes(note.as_bytes()).map_err(|cause| malformed(&cause))?;
        let boxed = |key: &LogKey| Box::new(key.verifier.clone()) as Box<dyn Verifier>;
        let (signed, _unknown) = note
            .verify(&VerifierList::new(keys.iter().map(boxed).collect()))
            .map_err(|_| CheckpointRefused::Untrusted)?;
        let text = Text::from_bytes(note.text()).map_err(|cause| malformed(&cause))?;
        if !signed.iter().any(|signature| signature.name() == text.origin()) {
            return Err(CheckpointRefused::Origin(text.origin().to_owned()));
        }
        Ok(Self { origin: text.origin().to_owned(), size: text.size(), root: Hash(text.hash().0) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn signer(version: u8) -> LogSigner {
        LogSigner::new("example.com/audit", &SecretKey::new(version, [version; 32])).unwrap()
    }

    #[test]
    fn a_checkpoint_opens_with_the_public_key_of_its_log_alone() {
        let note = signer(1).sign(7, Hash([9; 32])).unwrap();
        let keys = |version| [LogKey::parse(&signer(version).public()).unwrap()];
        let opened = Checkpoint::open(&note, &keys(1)).unwrap();
        assert_eq!((opened.size, opened.root, &*opened.origin), (7, Hash([9; 32]), "example.com/audit"));
        assert!(matches!(Checkpoint::open(&note, &keys(2)), Err(CheckpointRefused::Untrusted)));
        for (from, to) in
            [("\n7\n", "\n8\n"), ("example.com/audit\n7", "example.org/audit\n7"), ("CQkJ", "CQkK")]
        {
            let altered = note.replacen(from, to, 1);
            assert_ne!(altered, note);
            assert!(Checkpoint::open(&altered, &keys(1)).is_err(), "{altered}");
        }
    }

    #[test]
    fn a_log_without_a_name_has_that_of_its_host() {
        assert_eq!(default_origin(Some("https://id.example.com/")), "id.example.com/audit");
        assert_eq!(default_origin(None), "localhost/audit");
    }
}
