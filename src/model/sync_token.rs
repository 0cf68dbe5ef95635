//! Sync tokens: a client's receipt for an address book it has already paid for.

use super::handle::Handle;
use super::id::AccountId;
use super::keys::SecretKey;
use std::fmt;
use subtle::ConstantTimeEq as _;

const LENGTH: usize = 33;

/// A commitment to one account's set of handles in one epoch; the server keeps none of them.
///
/// Bytes: `key version u8 | keyed BLAKE3("tuttu sync v1", account 16 B, epoch u32, count u32, handles) 32 B`,
/// integers little-endian, handles in ascending order.
#[derive(Clone, Copy)]
pub struct SyncToken([u8; LENGTH]);

impl SyncToken {
    /// The token of a set of handles, which must come in ascending order without duplicates.
    pub fn commit<'a>(
        key: &SecretKey,
        account: AccountId,
        epoch: u32,
        handles: impl ExactSizeIterator<Item = &'a Handle>,
    ) -> Self {
        let count = u32::try_from(handles.len()).unwrap_or(u32::MAX);
        let mut hasher = blake3::Hasher::new_keyed(key.expose());
        hasher.update(b"tuttu sync v1");
        hasher.update(account.as_bytes());
        hasher.update(&epoch.to_le_bytes());
        hasher.update(&count.to_le_bytes());
        for handle in handles {
            hasher.update(handle.as_bytes());
        }
        let mut token = [key.version(); LENGTH];
        token.iter_mut().skip(1).zip(hasher.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
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
