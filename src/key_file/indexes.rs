//! The secret that numbers and the subjects of limits are hashed with, by which their rows are found.
//!
//! Whose account is gone still has ledgers and budgets, and nobody knows his number any more to hash it anew. So what rows
//! are found by stays, and the database holds it sealed under `index_key`: a key that wraps a key (NIST SP 800-57 part 1,
//! "key-wrapping key"). Replacing `index_key` seals 32 bytes anew and moves no row. Whoever has a copy of the database
//! of after, and the key file of before, finds no number. Whoever had both of one day knows the secret for good, and so
//! does whoever had the key file of a database from before migration 23: there the key of that day is the secret.

use super::KeyFileError;
use crate::model::entropy::random_bytes;
use crate::model::keys::{KeyRing, KeySet, Purpose, SecretKey};
use crate::model::sealed::{Place, SealBroken, open, reseal, seal};
use crate::store::Store;
use zeroize::Zeroizing;

/// Where the database holds it.
const INDEX_SECRET: Place<'static> = Place { table: "index_secret", column: "sealed", row: b"numbers" };

/// A secret for a database that has none, sealed.
pub(super) fn made(keys: &KeySet) -> Result<Vec<u8>, SealBroken> {
    let secret = Zeroizing::new(random_bytes::<32>());
    seal(&ring(keys)?, &INDEX_SECRET, secret.as_slice())
}

/// The secret of this database.
pub(super) async fn read(store: &Store, keys: &KeySet) -> Result<SecretKey, KeyFileError> {
    let mut sealed = store.index_secret().await?.ok_or(SealBroken)?;
    if sealed.is_empty() {
        // Rows of before are found by the key itself, and no other version can be in use yet.
        let key = keys.in_use(Purpose::Index).ok_or(SealBroken)?;
        let of_before = seal(&ring(keys)?, &INDEX_SECRET, key.expose())?;
        store.replace_index_secret(&[], &of_before).await?;
        // Of several nodes one has replaced it.
        sealed = store.index_secret().await?.ok_or(SealBroken)?;
    }
    let secret = Zeroizing::new(open(&ring(keys)?, &INDEX_SECRET, &sealed)?);
    let bytes = secret.as_slice().try_into().map_err(|_| SealBroken)?;
    Ok(SecretKey::new(1, bytes))
}

/// The secret under the version in use, where it is under one before. Never the other way round: a node that has not heard
/// of a switch would seal it under a version that the others take for unused.
///
/// # Errors
/// [`SealBroken`] where it does not open.
pub fn sealed_anew(keys: &KeyRing, sealed: &[u8]) -> Result<Option<Vec<u8>>, SealBroken> {
    drop(Zeroizing::new(open(keys, &INDEX_SECRET, sealed)?));
    if sealed.first() > Some(&keys.in_use().version()) {
        return Ok(None);
    }
    reseal(keys, &INDEX_SECRET, sealed)
}

fn ring(keys: &KeySet) -> Result<KeyRing, SealBroken> {
    keys.ring(Purpose::Index).ok_or(SealBroken)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn key(version: u8) -> SecretKey {
        SecretKey::new(version, [version; 32])
    }

    #[test]
    fn a_node_that_has_not_heard_of_a_switch_does_not_undo_it() {
        let (before, after) = (KeyRing::new(key(1), [key(2)]), KeyRing::new(key(2), [key(1)]));
        let first = seal(&before, &INDEX_SECRET, &[7; 32]).unwrap();
        assert_eq!(sealed_anew(&before, &first), Ok(None));
        let second = sealed_anew(&after, &first).unwrap().unwrap();
        assert_eq!(open(&key(2).into(), &INDEX_SECRET, &second).unwrap(), [7; 32]);
        assert_eq!(sealed_anew(&before, &second), Ok(None));
        assert_eq!(sealed_anew(&after, &second), Ok(None));
        for broken in [&[][..], &[9; 73], &first[1..]] {
            assert_eq!(sealed_anew(&after, broken), Err(SealBroken));
        }
    }
}
