//! The keys of handles at rest: one version for an epoch's life.

use super::StoredHandle;
use super::key::{Purpose, SecretKey};
use super::set::KeySet;
use crate::model::handle::Handle;
use crate::model::id::AccountId;
use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// What the rows of an epoch's directory are made with.
pub struct DirectoryKey {
    block: Aes256,
    tag: SecretKey,
}

/// Every version, and the epochs that are stored under each.
#[derive(Debug, Clone)]
pub(super) struct DirectoryKeys {
    in_use: Arc<DirectoryKey>,
    versions: BTreeMap<u8, Arc<DirectoryKey>>,
    epochs: BTreeMap<u32, u8>,
}

impl DirectoryKeys {
    pub(super) fn of(set: &KeySet) -> Option<Self> {
        let own = set.keys().iter().filter(|((purpose, _), _)| *purpose == Purpose::Directory);
        let versions: BTreeMap<u8, Arc<DirectoryKey>> =
            own.map(|((_, version), key)| (*version, Arc::new(DirectoryKey::new(key)))).collect();
        let in_use = versions.get(&set.in_use(Purpose::Directory)?.version())?.clone();
        Some(Self { in_use, versions, epochs: BTreeMap::new() })
    }

    pub(super) fn with_epochs(&self, epochs: BTreeMap<u32, u8>) -> Self {
        Self { epochs, ..self.clone() }
    }

    pub(super) const fn epochs(&self) -> &BTreeMap<u32, u8> {
        &self.epochs
    }

    /// Whether the version of every epoch is here.
    pub(super) fn is_whole(&self) -> bool {
        self.epochs.values().all(|version| self.versions.contains_key(version))
    }

    pub(super) fn of_epoch(&self, epoch: u32) -> Arc<DirectoryKey> {
        let of = self.epochs.get(&epoch).and_then(|version| self.versions.get(version));
        of.unwrap_or(&self.in_use).clone()
    }
}

impl DirectoryKey {
    /// The key made of a version of `directory_key`.
    #[must_use]
    pub fn new(key: &SecretKey) -> Self {
        let tag = key.derive("tuttu 2026-11 directory tag");
        Self { block: Aes256::new(&(*key.expose()).into()), tag }
    }

    /// The form in which a handle is stored: one AES-256 block, 16 bytes in, 16 bytes out.
    #[must_use]
    pub fn store_handle(&self, handle: Handle) -> StoredHandle {
        let mut block = (*handle.as_bytes()).into();
        self.block.encrypt_block(&mut block);
        StoredHandle(block.into())
    }

    /// [`DirectoryKey::store_handle`] for many: the cipher takes several blocks at a time.
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
    pub fn tag(&self, epoch: u32, handle: StoredHandle, account: AccountId) -> [u8; 8] {
        let mac = self.tag.mac(&[&epoch.to_le_bytes(), &handle.0, account.as_bytes()]);
        let mut tag = [0; 8];
        tag.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        tag
    }

    /// Whether a directory row carries its own tag, in constant time.
    #[must_use]
    pub fn tag_fits(&self, epoch: u32, handle: StoredHandle, account: AccountId, tag: &[u8]) -> bool {
        self.tag(epoch, handle, account).ct_eq(tag).into()
    }
}

impl fmt::Debug for DirectoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectoryKey(..)")
    }
}
