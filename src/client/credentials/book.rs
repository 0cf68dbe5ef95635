//! An address book as it lies in the credentials file: each set one string of packed handles.

use crate::client::sync::{AddressBook, PaidSet};
use crate::client::wire::Receipt;
use crate::model::handle::Handle;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;

#[derive(Serialize, Deserialize)]
struct StoredBook {
    epoch: u32,
    #[serde(default)]
    sets: Vec<StoredSet>,
}

#[derive(Serialize, Deserialize)]
struct StoredSet {
    token: String,
    handles: String,
}

pub(super) fn serialize<S: Serializer>(book: &AddressBook, to: S) -> Result<S::Ok, S::Error> {
    let sets = book.sets.iter().map(StoredSet::of).collect();
    StoredBook { epoch: book.epoch, sets }.serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AddressBook, D::Error> {
    let stored = StoredBook::deserialize(from)?;
    let sets = stored.sets.iter().map(StoredSet::read).collect::<Option<_>>();
    let sets = sets.ok_or_else(|| D::Error::custom("not base64url of handles"))?;
    Ok(AddressBook { epoch: stored.epoch, sets })
}

impl StoredSet {
    fn of(set: &PaidSet) -> Self {
        let packed: Vec<u8> = set.handles.iter().flat_map(|handle| *handle.as_bytes()).collect();
        Self {
            token: URL_SAFE_NO_PAD.encode(set.receipt.as_bytes()),
            handles: URL_SAFE_NO_PAD.encode(packed),
        }
    }

    fn read(&self) -> Option<PaidSet> {
        let packed = URL_SAFE_NO_PAD.decode(&self.handles).ok()?;
        let (handles, rest) = packed.as_chunks();
        let receipt = Receipt::from_bytes(URL_SAFE_NO_PAD.decode(&self.token).ok()?);
        let handles: BTreeSet<Handle> = handles.iter().copied().map(Handle::from_bytes).collect();
        rest.is_empty().then_some(PaidSet { handles, receipt })
    }
}
