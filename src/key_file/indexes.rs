//! The secret that numbers and the subjects of limits are hashed with, by which their rows are found.
//!
//! Whose account is gone still has ledgers and budgets, and nobody knows his number any more to hash it anew. So what rows
//! are found by stays, and the database holds it sealed under `index_key`: a key that wraps a key (NIST SP 800-57 part 1,
//! "key-wrapping key"). Replacing `index_key` seals 32 bytes anew and moves no row. Whoever has a copy of the database
//! of after, and the key file of before, finds no number. Whoever had both of one day knows the secret for good.

use super::KeyFileError;
use crate::model::entropy::random_bytes;
use crate::model::keys::{KeyRing, KeySet, Purpose, SecretKey};
use crate::model::sealed::{Place, SealBroken, open, seal};
use crate::store::Store;
use zeroize::Zeroizing;

/// Where the database holds it.
pub const INDEX_SECRET: Place<'static> = Place { table: "index_secret", column: "sealed", row: b"numbers" };

/// A secret for a database that has none, sealed.
pub(super) fn made(keys: &KeySet) -> Result<Vec<u8>, SealBroken> {
    let secret = Zeroizing::new(random_bytes::<32>());
    seal(&ring(keys)?, &INDEX_SECRET, secret.as_slice())
}

/// The secret of this database.
pub(super) async fn read(store: &Store, keys: &KeySet) -> Result<SecretKey, KeyFileError> {
    let mut sealed = store.index_secret().await?.ok_or(SealBroken)?;
    if sealed.is_empty() {
        // The first version is the secret: rows of before are found by it.
        let first = keys.keys().get(&(Purpose::Index, 1)).ok_or(SealBroken)?;
        let of_first = seal(&ring(keys)?, &INDEX_SECRET, first.expose())?;
        store.replace_index_secret(&[], &of_first).await?;
        // Of several nodes one has replaced it.
        sealed = store.index_secret().await?.ok_or(SealBroken)?;
    }
    let secret = Zeroizing::new(open(&ring(keys)?, &INDEX_SECRET, &sealed)?);
    let bytes = secret.as_slice().try_into().map_err(|_| SealBroken)?;
    Ok(SecretKey::new(1, bytes))
}

fn ring(keys: &KeySet) -> Result<KeyRing, SealBroken> {
    keys.ring(Purpose::Index).ok_or(SealBroken)
}
