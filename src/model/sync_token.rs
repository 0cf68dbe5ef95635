//! Sync tokens: a client's receipt for an address book it has already paid for.

use super::id::AccountId;
use super::keys::SecretKey;
use std::fmt;
use subtle::ConstantTimeEq as _;

const LENGTH: usize = 33;

/// A commitment to one account's set of handles in one epoch; the server keeps none of them.
///
/// Bytes: `key version u8 | keyed BLAKE3 of the handles, in ascending order, 32 B`, under the key that is the keyed
/// BLAKE3 of `"tuttu sync v1", account 16 B, epoch u32, count u32` (integers little-endian). What says whose set it
/// is goes into the key, so that the handles are hashed in whole chunks where they lie.
#[derive(Clone, Copy)]
pub struct SyncToken([u8; LENGTH]);

impl SyncToken {
    /// The token of a set of handles, which must come in ascending order without duplicates.
    #[must_use]
    pub fn commit(key: &SecretKey, account: AccountId, epoch: u32, handles: &[[u8; 16]]) -> Self {
        let count = u32::try_from(handles.len()).unwrap_or(u32::MAX);
        let own =
            key.mac(&[b"tuttu sync v1", account.as_bytes(), &epoch.to_le_bytes(), &count.to_le_bytes()]);
        let digest = blake3::keyed_hash(&own, handles.as_flattened());
        let mut token = [key.version(); LENGTH];
        token.iter_mut().skip(1).zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
        Self(token)
    }

    /// Whether `bytes` are this token, in constant time.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.0.as_slice().ct_eq(bytes).into()
    }

    /// The bytes that the client keeps.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Debug for SyncToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyncToken(..)")
    }
}
