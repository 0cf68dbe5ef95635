//! One key: what it is for, its version and its bytes.

use std::fmt;
use zeroize::Zeroize as _;

/// What a key is for. One key serves one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Seals numbers, device names and peppers (XChaCha20-Poly1305).
    Number,
    /// Seals the secret that numbers are hashed with (XChaCha20-Poly1305), by which their rows are found.
    Index,
    /// Encrypts handles at rest (AES-256, one block) and tags directory rows.
    Directory,
    /// Derives codes and grants.
    Code,
    /// Authenticates device tokens and sync tokens.
    Token,
    /// Signs the audit log (Ed25519 seed).
    Audit,
    /// Signs JWTs (Ed25519 seed).
    Jwt,
}

impl Purpose {
    /// The purpose of that name in the key file and the database.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }

    /// Every purpose, in the order of the key file.
    pub const ALL: [Self; 7] =
        [Self::Number, Self::Index, Self::Directory, Self::Code, Self::Token, Self::Audit, Self::Jwt];

    /// The name in the key file and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number_key",
            Self::Index => "index_key",
            Self::Directory => "directory_key",
            Self::Code => "code_key",
            Self::Token => "token_key",
            Self::Audit => "audit_key",
            Self::Jwt => "jwt_key",
        }
    }
}

/// One version of one key: 32 secret bytes.
#[derive(Clone)]
pub struct SecretKey {
    version: u8,
    bytes: [u8; 32],
}

impl SecretKey {
    /// The key made of these bytes.
    #[must_use]
    pub const fn new(version: u8, bytes: [u8; 32]) -> Self {
        Self { version, bytes }
    }

    /// The version, from 1 up.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// The 32 bytes, for the cipher that needs them.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// A keyed BLAKE3 hash of the parts, one after the other.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.bytes);
        for part in parts {
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    /// A key of its own for one use inside a purpose (BLAKE3 `derive_key`).
    #[must_use]
    pub fn derive(&self, context: &'static str) -> Self {
        Self::new(self.version, blake3::derive_key(context, &self.bytes))
    }

    /// What the database keeps to tell this key from another; says nothing about the key.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 16] {
        let mut fingerprint = [0; 16];
        let digest = blake3::derive_key("tuttu 2026-11 key fingerprint", &self.bytes);
        fingerprint.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        fingerprint
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(version {}, ..)", self.version)
    }
}
