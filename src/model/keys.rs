//! The server's own keys: what each is for, and everything that is computed with them.
//!
//! They live in one file outside the database (see [`crate::key_file`]). A stolen database without
//! them gives no number, code, token or handle.

use super::handle::Handle;
use super::id::AccountId;
use super::number::PhoneNumber;
use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use std::collections::BTreeMap;
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// What a key is for. One key serves one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Seals numbers, device names and peppers (XChaCha20-Poly1305).
    Number,
    /// Finds a number's rows (keyed BLAKE3).
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

/// One key of every purpose.
#[derive(Debug, Clone)]
pub struct Keys {
    number: SecretKey,
    index: SecretKey,
    subjects: SecretKey,
    directory_tag: SecretKey,
    snapshot: SecretKey,
    code: SecretKey,
    token: SecretKey,
    sync: SecretKey,
    block: Aes256,
}

impl Keys {
    /// The set of keys, each purpose with its key in use; `None` where one is missing.
    #[must_use]
    pub fn new(keys: &BTreeMap<Purpose, SecretKey>) -> Option<Self> {
        let directory = keys.get(&Purpose::Directory)?.clone();
        let token = keys.get(&Purpose::Token)?.clone();
        let index = keys.get(&Purpose::Index)?.clone();
        Some(Self {
            number: keys.get(&Purpose::Number)?.clone(),
            subjects: index.derive("tuttu 2026-11 subjects of limits"),
            index,
            code: keys.get(&Purpose::Code)?.clone(),
            directory_tag: directory.derive("tuttu 2026-11 directory tag"),
            snapshot: directory.derive("tuttu 2026-11 directory snapshot"),
            sync: token.derive("tuttu 2026-11 sync token"),
            block: Aes256::new(&(*directory.expose()).into()),
            token,
        })
    }

    /// The key that seals numbers, device names and peppers.
    #[must_use]
    pub const fn number(&self) -> &SecretKey {
        &self.number
    }

    /// The key that derives codes and grants.
    #[must_use]
    pub const fn code(&self) -> &SecretKey {
        &self.code
    }

    /// The key that authenticates device tokens.
    #[must_use]
    pub const fn token(&self) -> &SecretKey {
        &self.token
    }

    /// The key that commits sync tokens.
    #[must_use]
    pub const fn sync(&self) -> &SecretKey {
        &self.sync
    }

    /// The key that seals snapshots of the directory.
    #[must_use]
    pub const fn snapshot(&self) -> &SecretKey {
        &self.snapshot
    }

    /// The key under which subjects of limits (addresses, prefixes) are hashed.
    #[must_use]
    pub const fn subjects(&self) -> &SecretKey {
        &self.subjects
    }

    /// The keyed index of a number: equal for aliases of one person, tells nothing without the key.
    #[must_use]
    pub fn number_index(&self, number: &PhoneNumber) -> NumberIndex {
        NumberIndex(self.index.mac(&[number.identity().as_bytes()]))
    }

    /// The form in which a handle is stored: one AES-256 block, 16 bytes in, 16 bytes out.
    #[must_use]
    pub fn store_handle(&self, handle: Handle) -> StoredHandle {
        let mut block = (*handle.as_bytes()).into();
        self.block.encrypt_block(&mut block);
        StoredHandle(block.into())
    }

    /// [`Keys::store_handle`] for many: the cipher takes several blocks at a time.
    #[must_use]
    pub fn store_handles(&self, handles: impl Iterator<Item = Handle>) -> Vec<StoredHandle> {
        let mut blocks: Vec<aes::Block> = handles.map(|handle| (*handle.as_bytes()).into()).collect();
        self.block.encrypt_blocks(&mut blocks);
        blocks.into_iter().map(|block| StoredHandle(block.into())).collect()
    }

    /// The handle that was stored so.
    #[must_use]
    pub fn load_handle(&self, stored: StoredHandle) -> Handle {
        let mut block = stored.0.into();
        self.block.decrypt_block(&mut block);
        Handle::from_bytes(block.into())
    }

    /// The tag of a directory row, without which a writer to the database could move people.
    #[must_use]
    pub fn directory_tag(&self, epoch: u32, handle: StoredHandle, account: AccountId) -> [u8; 8] {
        let mac = self.directory_tag.mac(&[&epoch.to_le_bytes(), &handle.0, account.as_bytes()]);
        let mut tag = [0; 8];
        tag.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        tag
    }

    /// Whether a directory row carries its own tag, in constant time.
    #[must_use]
    pub fn directory_tag_fits(
        &self,
        epoch: u32,
        handle: StoredHandle,
        account: AccountId,
        tag: &[u8],
    ) -> bool {
        self.directory_tag(epoch, handle, account).ct_eq(tag).into()
    }
}

/// The keyed digest by which a number's rows are found.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NumberIndex([u8; 32]);

impl NumberIndex {
    /// The index stored as these bytes; `None` unless there are 32.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for NumberIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NumberIndex(..)")
    }
}

/// A handle as the database holds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredHandle([u8; 16]);

impl StoredHandle {
    /// The handle stored as these bytes; `None` unless there are 16.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The stored handle made of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl StoredHandle {
    /// The two halves of the block, each as good as random to whoever lacks the key.
    #[must_use]
    pub fn halves(&self) -> [u64; 2] {
        let (halves, _) = self.0.as_chunks::<8>();
        let mut both = [0; 2];
        both.iter_mut().zip(halves).for_each(|(to, half)| *to = u64::from_le_bytes(*half));
        both
    }
}

impl fmt::Debug for StoredHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredHandle(..)")
    }
}
