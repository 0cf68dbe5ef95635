//! The server's own keys: what each is for, and everything that is computed with them.
//!
//! They live in one file outside the database (see [`crate::key_file`]). A stolen database without
//! them gives no number, code, token or handle.
//!
//! Keys of which several versions can be read are a [`KeyRing`], whose clones all see what a reload or a switch
//! brings. An epoch's handles at rest have one key for the epoch's life. Numbers are hashed with a secret that the
//! database holds sealed under the key of indexes.

mod directory;
mod key;
mod ring;
mod set;

pub use directory::DirectoryKey;
pub use key::{Purpose, SecretKey};
pub use ring::KeyRing;
pub use set::KeySet;

use super::number::PhoneNumber;
use arc_swap::ArcSwap;
use directory::DirectoryKeys;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

const SYNC: &str = "tuttu 2026-11 sync token";
const SNAPSHOT: &str = "tuttu 2026-11 directory snapshot";
const AUDIT_MAC: &str = "tuttu 2026-11 audit entries";

/// The keys of every purpose.
#[derive(Debug, Clone)]
pub struct Keys {
    set: Arc<ArcSwap<KeySet>>,
    number: KeyRing,
    index: KeyRing,
    numbers: SecretKey,
    subjects: SecretKey,
    directory: Arc<ArcSwap<DirectoryKeys>>,
    snapshot: KeyRing,
    code: KeyRing,
    token: KeyRing,
    sync: KeyRing,
    audit: KeyRing,
    audit_mac: KeyRing,
}

impl Keys {
    /// One key of every purpose, of which that of indexes is itself the secret that numbers are hashed with; `None` where
    /// one is missing.
    #[must_use]
    pub fn new(keys: &BTreeMap<Purpose, SecretKey>) -> Option<Self> {
        let in_use = keys.iter().map(|(purpose, key)| (*purpose, key.version())).collect();
        let keys = keys.iter().map(|(purpose, key)| ((*purpose, key.version()), key.clone())).collect();
        let set = KeySet::new(keys, in_use)?;
        let numbers = set.in_use(Purpose::Index)?.clone();
        Self::of(set, numbers)
    }

    /// Every version of every key, each purpose with the one in use, and the secret that numbers are hashed with; `None`
    /// where a purpose has no key.
    #[must_use]
    pub fn of(set: KeySet, numbers: SecretKey) -> Option<Self> {
        Some(Self {
            number: set.ring(Purpose::Number)?,
            index: set.ring(Purpose::Index)?,
            subjects: numbers.derive("tuttu 2026-11 subjects of limits"),
            numbers,
            code: set.ring(Purpose::Code)?,
            directory: Arc::new(ArcSwap::from_pointee(DirectoryKeys::of(&set)?)),
            snapshot: set.ring(Purpose::Directory)?.derive(SNAPSHOT),
            token: set.ring(Purpose::Token)?,
            sync: set.ring(Purpose::Token)?.derive(SYNC),
            audit: set.ring(Purpose::Audit)?,
            audit_mac: set.ring(Purpose::Audit)?.derive(AUDIT_MAC),
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
            (&self.index, set.ring(Purpose::Index)),
            (&self.code, set.ring(Purpose::Code)),
            (&self.sync, set.ring(Purpose::Token).map(|ring| ring.derive(SYNC))),
            (&self.token, set.ring(Purpose::Token)),
            (&self.snapshot, set.ring(Purpose::Directory).map(|ring| ring.derive(SNAPSHOT))),
            (&self.audit, set.ring(Purpose::Audit)),
            (&self.audit_mac, set.ring(Purpose::Audit).map(|ring| ring.derive(AUDIT_MAC))),
        ];
        for (ring, now) in rings {
            if let Some(now) = now {
                ring.follow(&now);
            }
        }
        if let Some(directory) = DirectoryKeys::of(&set) {
            self.directory.rcu(|keys| directory.clone().with_epochs(keys.epochs().clone()));
        }
        self.set.store(Arc::new(set));
    }

    /// The key that seals numbers, device names and peppers.
    #[must_use]
    pub const fn number(&self) -> &KeyRing {
        &self.number
    }

    /// The key that seals the secret that numbers are hashed with.
    #[must_use]
    pub const fn index(&self) -> &KeyRing {
        &self.index
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

    /// The key that signs the heads of the audit log.
    #[must_use]
    pub const fn audit(&self) -> &KeyRing {
        &self.audit
    }

    /// The key by which the entries of the audit log are known to be a node's.
    #[must_use]
    pub const fn audit_mac(&self) -> &KeyRing {
        &self.audit_mac
    }

    /// The key under which subjects of limits (addresses, prefixes) are hashed.
    #[must_use]
    pub const fn subjects(&self) -> &SecretKey {
        &self.subjects
    }

    /// The keyed index of a number: equal for aliases of one person, tells nothing without the key.
    #[must_use]
    pub fn number_index(&self, number: &PhoneNumber) -> NumberIndex {
        NumberIndex(self.numbers.mac(&[number.identity().as_bytes()]))
    }

    /// The key of an epoch's handles at rest; of an epoch that nobody has spoken of, the one in use.
    #[must_use]
    pub fn directory(&self, epoch: u32) -> Arc<DirectoryKey> {
        self.directory.load().of_epoch(epoch)
    }

    /// Goes on with these epochs, each with the version of the key that its rows are stored under; `false` where such
    /// a version is not here.
    #[must_use]
    pub fn assign(&self, epochs: &BTreeMap<u32, u8>) -> bool {
        self.directory.rcu(|keys| keys.with_epochs(epochs.clone()));
        self.directory.load().is_whole()
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
