//! The server's own keys: what each is for, and everything that is computed with them.
//!
//! They live in one file outside the database (see [`crate::key_file`]). A stolen database without
//! them gives no number, code, token or handle.
//!
//! Keys of which several versions can be read are a [`KeyRing`], whose clones all see what a reload or a switch
//! brings. Handles and indexes have one key for good, so a lookup finds it without asking which.

mod key;
mod ring;
mod set;

pub use key::{Purpose, SecretKey};
pub use ring::KeyRing;
pub use set::KeySet;

use super::handle::Handle;
use super::id::AccountId;
use super::number::PhoneNumber;
use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

const SYNC: &str = "tuttu 2026-11 sync token";

/// The keys of every purpose.
#[derive(Debug, Clone)]
pub struct Keys {
    set: Arc<ArcSwap<KeySet>>,
    number: KeyRing,
    index: SecretKey,
    subjects: SecretKey,
    directory_tag: SecretKey,
    snapshot: KeyRing,
    code: KeyRing,
    token: KeyRing,
    sync: KeyRing,
    block: Aes256,
}

impl Keys {
    /// One key of every purpose; `None` where one is missing.
    #[must_use]
    pub fn new(keys: &BTreeMap<Purpose, SecretKey>) -> Option<Self> {
        let in_use = keys.iter().map(|(purpose, key)| (*purpose, key.version())).collect();
        let keys = keys.iter().map(|(purpose, key)| ((*purpose, key.version()), key.clone())).collect();
        Self::of(KeySet::new(keys, in_use)?)
    }

    /// Every version of every key, each purpose with the one in use; `None` where a purpose has none.
    #[must_use]
    pub fn of(set: KeySet) -> Option<Self> {
        let directory = set.in_use(Purpose::Directory)?;
        let index = set.in_use(Purpose::Index)?;
        Some(Self {
            number: set.ring(Purpose::Number)?,
            subjects: index.derive("tuttu 2026-11 subjects of limits"),
            index: index.clone(),
            code: set.ring(Purpose::Code)?,
            directory_tag: directory.derive("tuttu 2026-11 directory tag"),
            snapshot: directory.derive("tuttu 2026-11 directory snapshot").into(),
            token: set.ring(Purpose::Token)?,
            sync: set.ring(Purpose::Token)?.derive(SYNC),
            block: Aes256::new(&(*directory.expose()).into()),
            set: Arc::new(ArcSwap::from_pointee(set)),
        })
    }

    /// Every version that was read, with those in use.
    #[must_use]
    pub fn set(&self) -> Arc<KeySet> {
        self.set.load_full()
    }

    /// Goes on with other versions of the keys that can be rotated, here and in every clone.
    pub fn replace(&self, set: KeySet) {
        let rings = [
            (&self.number, set.ring(Purpose::Number)),
            (&self.code, set.ring(Purpose::Code)),
            (&self.sync, set.ring(Purpose::Token).map(|ring| ring.derive(SYNC))),
            (&self.token, set.ring(Purpose::Token)),
        ];
        for (ring, now) in rings {
            if let Some(now) = now {
                ring.follow(&now);
            }
        }
        self.set.store(Arc::new(set));
    }

    /// The key that seals numbers, device names and peppers.
    #[must_use]
    pub const fn number(&self) -> &KeyRing {
        &self.number
    }

    /// The key that derives codes and grants.
    #[must_use]
    pub const fn code(&self) -> &KeyRing {
        &self.code
    }

    /// The key that authenticates device tokens.
    #[must_use]
    pub const fn token(&self) -> &KeyRing {
        &self.token
    }

    /// The key that commits sync tokens.
    #[must_use]
    pub const fn sync(&self) -> &KeyRing {
        &self.sync
    }

    /// The key that seals snapshots of the directory.
    #[must_use]
    pub const fn snapshot(&self) -> &KeyRing {
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
