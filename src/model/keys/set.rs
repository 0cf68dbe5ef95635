//! What a key file holds, and which of it is in use.

use super::key::{Purpose, SecretKey};
use super::ring::KeyRing;
use std::collections::BTreeMap;

/// Every version of every key, each purpose with the version in use.
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: BTreeMap<(Purpose, u8), SecretKey>,
    in_use: BTreeMap<Purpose, u8>,
}

impl KeySet {
    /// The set of keys, each purpose with the version in use; `None` where that is missing.
    #[must_use]
    pub fn new(keys: BTreeMap<(Purpose, u8), SecretKey>, in_use: BTreeMap<Purpose, u8>) -> Option<Self> {
        let set = Self { keys, in_use };
        Purpose::ALL.into_iter().all(|purpose| set.in_use(purpose).is_some()).then_some(set)
    }

    /// The version in use of a purpose.
    #[must_use]
    pub fn in_use(&self, purpose: Purpose) -> Option<&SecretKey> {
        self.keys.get(&(purpose, *self.in_use.get(&purpose)?))
    }

    /// Which version of each purpose is in use.
    #[must_use]
    pub const fn versions_in_use(&self) -> &BTreeMap<Purpose, u8> {
        &self.in_use
    }

    /// The same keys with other versions in use; `None` where one of these is missing.
    #[must_use]
    pub fn using(&self, in_use: BTreeMap<Purpose, u8>) -> Option<Self> {
        Self::new(self.keys.clone(), in_use)
    }

    /// Every key by purpose and version.
    #[must_use]
    pub const fn keys(&self) -> &BTreeMap<(Purpose, u8), SecretKey> {
        &self.keys
    }

    /// The ring of a purpose; `None` where its version in use is missing.
    #[must_use]
    pub fn ring(&self, purpose: Purpose) -> Option<KeyRing> {
        let in_use = self.in_use(purpose)?;
        let others =
            self.keys.iter().filter(|((of, version), _)| *of == purpose && *version != in_use.version());
        Some(KeyRing::new(in_use.clone(), others.map(|(_, key)| key.clone())))
    }
}
