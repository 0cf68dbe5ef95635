//! The versions of one key that can be read at a time.

use super::key::SecretKey;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// Every version of one key, of which one is in use for what is new; clones share what [`KeyRing`]s are given later.
#[derive(Debug, Clone)]
pub struct KeyRing(Arc<ArcSwap<Versions>>);

#[derive(Debug)]
struct Versions {
    in_use: Arc<SecretKey>,
    others: Vec<Arc<SecretKey>>,
}

impl KeyRing {
    /// The ring of a version in use and others that are only read.
    #[must_use]
    pub fn new(in_use: SecretKey, others: impl IntoIterator<Item = SecretKey>) -> Self {
        let others = others.into_iter().map(Arc::new).collect();
        Self(Arc::new(ArcSwap::from_pointee(Versions { in_use: Arc::new(in_use), others })))
    }

    /// The version under which what is new is made.
    #[must_use]
    pub fn in_use(&self) -> Arc<SecretKey> {
        self.0.load().in_use.clone()
    }

    /// The versions that are only read, and those that are not in use yet.
    #[must_use]
    pub fn others(&self) -> Vec<Arc<SecretKey>> {
        self.0.load().others.clone()
    }

    /// The version of that number, if it is here.
    #[must_use]
    pub fn version(&self, version: u8) -> Option<Arc<SecretKey>> {
        self.find(|key| key.version() == version)
    }

    /// The first version that fits, the one in use before the others.
    #[must_use]
    pub fn find(&self, fits: impl Fn(&SecretKey) -> bool) -> Option<Arc<SecretKey>> {
        let versions = self.0.load();
        let mut all = std::iter::once(&versions.in_use).chain(&versions.others);
        all.find(|key| fits(key)).cloned()
    }

    /// The ring of keys derived from these, each of its version.
    #[must_use]
    pub fn derive(&self, context: &'static str) -> Self {
        let versions = self.0.load();
        Self::new(versions.in_use.derive(context), versions.others.iter().map(|key| key.derive(context)))
    }

    /// Goes on with the versions of another ring.
    pub(super) fn follow(&self, other: &Self) {
        self.0.store(other.0.load_full());
    }
}

impl From<SecretKey> for KeyRing {
    /// The ring of a key that has one version.
    fn from(key: SecretKey) -> Self {
        Self::new(key, [])
    }
}
