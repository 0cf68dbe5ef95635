//! Sync tokens: a client's receipt for an address book it has already paid for.

use super::id::AccountId;
use super::keys::SecretKey;
use std::fmt;
use subtle::ConstantTimeEq as _;

const LENGTH: usize = 33;
/// Bytes that BLAKE3 hashes at once.
const BLOCK: usize = 16 * blake3::CHUNK_LEN;

/// A commitment to one account's set of handles in one epoch; the server keeps none of them.
///
/// Bytes: `key version u8 | keyed BLAKE3 of the handles, in ascending order, and of zeros up to a multiple of 1 024 B,
/// 32 B`, under the key that is the keyed BLAKE3 of `"tuttu sync v1", account 16 B, epoch u32, count u32` (integers
/// little-endian). What says whose set it is goes into the key, so that the handles are hashed where they lie; with
/// whole chunks, 16 of which BLAKE3 hashes at once, 1 000 handles take a third less.
#[derive(Clone, Copy)]
pub struct SyncToken([u8; LENGTH]);

impl SyncToken {
    /// The token of a set of handles, which must come in ascending order without duplicates.
    #[must_use]
    pub fn commit(key: &SecretKey, account: AccountId, epoch: u32, handles: &[[u8; 16]]) -> Self {
        let count = u32::try_from(handles.len()).unwrap_or(u32::MAX);
        let own =
            key.mac(&[b"tuttu sync v1", account.as_bytes(), &epoch.to_le_bytes(), &count.to_le_bytes()]);
        let (blocks, rest) = handles.as_flattened().as_chunks::<BLOCK>();
        let mut padded = [0; BLOCK];
        padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        let mut hasher = blake3::Hasher::new_keyed(&own);
        hasher.update(blocks.as_flattened());
        hasher.update(padded.get(..rest.len().next_multiple_of(blake3::CHUNK_LEN)).unwrap_or_default());
        let digest = hasher.finalize();
        let mut token = [key.version(); LENGTH];
        token.iter_mut().skip(1).zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
        Self(token)
    }

    /// The version of the key that a token was made with, as its bytes say.
    #[must_use]
    pub fn key_version(bytes: &[u8]) -> Option<u8> {
        bytes.first().copied()
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
