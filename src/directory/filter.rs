//! The Bloom filter of an epoch, over handles as they are stored.
//!
//! It is made of blocks of 256 bits, half a cache line, and a handle has eight bits in one of them, one in each part of 32
//! (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007; the form is that of Parquet's). So a
//! look reads one line, which is asked for dozens of handles ahead, as [`group`](super::group) does it: a library's
//! filter waits for every one. The stored form of a handle is one AES-256 block under a key that nobody outside knows:
//! it is its own hash, which nobody outside can choose, and no handle is hashed a second time. The filter is filled
//! while others read it, so what is registered goes into the filter itself and no set stands beside it.
//! `benches/structures.rs` has it beside `bloomfilter` and `fastbloom`.

use super::group::prefetch;
use crate::model::keys::StoredHandle;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Room that even the filter of an empty directory has.
const SMALLEST: u64 = 10_000;
/// Bits that a handle may take, in quarters: with room to grow by a third, a user takes 2 bytes at most.
const QUARTER_BITS: std::ops::RangeInclusive<u32> = 8..=48;
const BLOCK_BITS: f64 = 256.0;
/// Handles for which a line is asked ahead.
const AHEAD: usize = 64;

/// Eight parts of 32 bits.
#[derive(Default)]
#[repr(align(32))]
struct Block([AtomicU64; 4]);

/// What may be in the directory.
pub struct Filter {
    blocks: Vec<Block>,
    capacity: u64,
    held: AtomicU64,
}

impl Filter {
    /// An empty filter for a directory of this size, with room to grow by a third, that lets strangers through at
    /// about this rate where 2 bytes a user suffice for it.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded, positive size")]
    pub fn for_users(users: u64, rate: f64) -> Self {
        let capacity = (users + users / 3).max(SMALLEST);
        let mut sizes = QUARTER_BITS.map(|quarters| f64::from(quarters) / 4.0);
        let largest = f64::from(*QUARTER_BITS.end()) / 4.0;
        let bits_each = sizes.find(|bits| passing(BLOCK_BITS / bits) <= rate).unwrap_or(largest);
        let blocks = (capacity as f64 * bits_each / BLOCK_BITS) as usize;
        Self {
            blocks: (0..blocks.max(1)).map(|_| Block::default()).collect(),
            capacity,
            held: AtomicU64::new(0),
        }
    }

    /// Of each handle `false` only if it is certainly absent.
    pub fn may_hold<'a>(&'a self, handles: &'a [StoredHandle]) -> impl Iterator<Item = bool> + 'a {
        handles.iter().take(AHEAD).for_each(|handle| self.ask(handle));
        handles.iter().enumerate().map(|(at, handle)| {
            if let Some(ahead) = handles.get(at + AHEAD) {
                self.ask(ahead);
            }
            self.may_hold_one(handle)
        })
    }

    fn may_hold_one(&self, handle: &StoredHandle) -> bool {
        let (index, masks) = self.place(handle);
        let Some(Block(words)) = self.blocks.get(index) else { return true };
        // Without a branch for each word: where a stranger fails is not to be foreseen.
        let lacking = words.iter().zip(masks).map(|(word, mask)| mask & !word.load(Ordering::Relaxed));
        lacking.fold(0, |all, lacking| all | lacking) == 0
    }

    /// From now on it may be there.
    pub fn insert(&self, handle: &StoredHandle) {
        let (index, masks) = self.place(handle);
        let Some(Block(words)) = self.blocks.get(index) else { return };
        let set = words.iter().zip(masks).map(|(word, mask)| mask & !word.fetch_or(mask, Ordering::Relaxed));
        if set.fold(0, |all, set| all | set) != 0 {
            self.held.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn ask(&self, handle: &StoredHandle) {
        prefetch(&self.blocks, self.place(handle).0);
    }

    /// The block of a handle, and its bits there.
    fn place(&self, handle: &StoredHandle) -> (usize, [u64; 4]) {
        let [first, second] = handle.halves();
        #[expect(clippy::cast_possible_truncation, reason = "less than the number of blocks")]
        let index = ((u128::from(first) * self.blocks.len() as u128) >> 64) as usize;
        let mask = |word: u32| {
            let bits: u64 = second >> (10 * word);
            1_u64 << (bits & 31) | 1 << (32 + (bits >> 5 & 31))
        };
        (index, [0, 1, 2, 3].map(mask))
    }

    /// How many it was made for.
    pub(super) const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Whether more was told than it was made for.
    pub(super) fn outgrown(&self) -> bool {
        self.held() > self.capacity
    }

    /// How many it was told, removed ones included, but for those that it took for told already.
    pub(super) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// What it takes in memory.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        (self.blocks.len() * size_of::<Block>()) as u64
    }

    /// How often a stranger passes, as it is filled now.
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    pub(super) fn false_positive_rate(&self) -> f64 {
        passing(self.held() as f64 / self.blocks.len() as f64)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({} of {})", self.held(), self.capacity)
    }
}

/// How often a stranger passes where blocks hold so many handles on average: how many one holds is Poisson's, and each
/// of them sets one of 32 bits in each of eight parts.
fn passing(mean: f64) -> f64 {
    if mean > BLOCK_BITS {
        return 1.0;
    }
    let (mut chance, mut clear, mut rate) = ((-mean).exp(), 1.0, 0.0);
    for held in 1..1_024 {
        chance *= mean / f64::from(held);
        clear *= 31.0 / 32.0;
        rate += chance * (1.0_f64 - clear).powi(8);
    }
    rate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::entropy::random_bytes;

    fn handles(count: usize) -> Vec<StoredHandle> {
        (0..count).map(|_| StoredHandle::from_bytes(random_bytes())).collect()
    }

    #[test]
    fn strangers_pass_as_rarely_as_it_says_and_nobody_else_is_stopped() {
        for (users, wanted) in [(60_000, 0.01), (60_000, 0.1), (20_000, 0.000_001)] {
            let filter = Filter::for_users(users, wanted);
            assert!(filter.bytes() <= 2 * users, "{} bytes for {users}", filter.bytes());
            let told = handles(usize::try_from(filter.capacity()).unwrap_or_default());
            for handle in &told {
                filter.insert(handle);
            }
            assert!(filter.may_hold(&told).all(|held| held));
            let said = filter.false_positive_rate();
            assert!(said <= wanted.max(0.006), "{said} where {wanted} was wanted");
            let strangers = handles(200_000);
            let passed = filter.may_hold(&strangers).filter(|held| *held).count();
            let expected = said * 200_000.0;
            let passed = f64::from(u32::try_from(passed).unwrap_or(u32::MAX));
            // A few were taken for told before they were, and are not counted.
            let close = 6.0 * expected.sqrt() + expected / 10.0;
            assert!((passed - expected).abs() < close, "{passed} of {expected}");
        }
    }

    #[test]
    fn it_counts_what_it_was_told_once() {
        let filter = Filter::for_users(0, 0.01);
        assert_eq!(filter.capacity(), SMALLEST);
        let told = handles(100);
        for handle in told.iter().chain(&told) {
            filter.insert(handle);
        }
        assert_eq!((filter.held(), filter.outgrown()), (100, false));
        assert!(filter.false_positive_rate() < 1e-9);
    }

    #[test]
    fn far_beyond_its_capacity_everything_passes() {
        assert!((passing(10_000.0) - 1.0).abs() < f64::EPSILON && passing(250.0) > 0.99);
        assert!(passing(0.0).abs() < f64::EPSILON);
    }
}
