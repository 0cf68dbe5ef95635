//! The Bloom filter of an epoch, over handles as they are stored.
//!
//! `fastbloom`, because it takes a hash that is there already: the stored form of a handle is one AES-256 block
//! under a key that nobody outside knows, so its first half is a hash that nobody outside can choose, and no handle is
//! hashed a second time. It is also filled while others read it, so what is registered goes into the filter itself and
//! no set stands beside it. `benches/structures.rs` has it beside `bloomfilter`.

use crate::model::keys::StoredHandle;
use fastbloom::AtomicBloomFilter;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Room that even the filter of an empty directory has.
const SMALLEST: u64 = 10_000;
/// The most that a user may take.
const MOST_BITS: f64 = 16.0;

/// What may be in the directory.
pub(super) struct Filter {
    bits: AtomicBloomFilter,
    capacity: u64,
    held: AtomicU64,
}

impl Filter {
    /// An empty filter for a directory of this size, with room to grow by a third, that lets strangers through at
    /// about this rate where 2 bytes a user suffice for it.
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded, positive size")]
    pub(super) fn for_users(users: u64, rate: f64) -> Self {
        let capacity = (users + users / 3).max(SMALLEST);
        // -ln(rate) / ln(2)^2 is Bloom's optimum; a filter in blocks takes about a tenth more.
        let bits_each = (-rate.ln() / std::f64::consts::LN_2.powi(2) * 1.1).clamp(2.0, MOST_BITS * 0.75);
        let bits = (capacity as f64 * bits_each) as usize;
        let expected = usize::try_from(capacity).unwrap_or(usize::MAX);
        let bits = AtomicBloomFilter::with_num_bits(bits).seed(&0).expected_items(expected);
        Self { bits, capacity, held: AtomicU64::new(0) }
    }

    /// `false` only for what is certainly absent.
    pub(super) fn may_hold(&self, handle: &StoredHandle) -> bool {
        self.bits.contains_hash(hash(handle))
    }

    /// From now on it may be there.
    pub(super) fn insert(&self, handle: &StoredHandle) {
        if !self.bits.insert_hash(hash(handle)) {
            self.held.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many it was made for.
    pub(super) const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Whether more was told than it was made for.
    pub(super) fn outgrown(&self) -> bool {
        self.held() > self.capacity
    }

    /// How many it was told, removed ones included.
    pub(super) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// What it takes in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.bits.num_bits() as u64 / 8
    }

    /// How often a stranger passes, as it is filled now.
    pub(super) fn false_positive_rate(&self) -> f64 {
        self.bits.expected_false_pos(usize::try_from(self.held()).unwrap_or(usize::MAX))
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({} of {})", self.held(), self.capacity)
    }
}

fn hash(handle: &StoredHandle) -> u64 {
    let [first, _] = handle.halves();
    first
}
