//! What was found of late, in memory of a fixed size.
//!
//! The buckets are those of the table, but a full one spills nothing: a new entry takes the place of another.
//! Which one is as good as random, as slots are taken in turn over all buckets; to count uses would make every
//! reader a writer. One lock is enough, since nothing here grows: both sides hold it for 256 handles at most,
//! and handles may come in any order.

use super::group::{Buckets, Hits, Pipeline};
use super::rows::{BUCKET_BYTES, Rows, View};
use std::io;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Handles for which a reader or a writer holds the lock.
const HELD: usize = 256;
const RUN: usize = 32;

/// Some handles and their accounts.
#[derive(Debug)]
pub struct Cache {
    kept: RwLock<Kept>,
}

#[derive(Debug)]
struct Kept {
    rows: Rows,
    len: usize,
    /// The slot that gives way next.
    turn: usize,
}

impl Cache {
    /// An empty cache of so many bytes, but of one bucket at least.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn with_bytes(bytes: u64) -> Result<Self, io::Error> {
        let buckets = usize::try_from(bytes).unwrap_or(usize::MAX) / BUCKET_BYTES;
        Ok(Self { kept: RwLock::new(Kept { rows: Rows::new(buckets, 0)?, len: 0, turn: 0 }) })
    }

    /// Bytes of memory reserved.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.read().rows.bytes()
    }

    /// Entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().len
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks a batch up; the bit of its first handle is `first_bit`. The bits of those that are not here are
    /// added to `missing`, in order.
    pub fn find(&self, handles: &[[u8; 16]], first_bit: usize, hits: &mut Hits, missing: &mut Vec<u32>) {
        let mut bit = first_bit;
        for handles in handles.chunks(HELD) {
            let mut next = bit;
            let mut hit = |position, account| {
                missing.extend(bits(next..bit + position));
                hits.push(bit + position, account);
                next = bit + position + 1;
            };
            let kept = self.read();
            let mut pipeline = Pipeline::new(handles);
            for run in handles.chunks(RUN) {
                pipeline.push(&kept.rows, run.len(), &mut hit);
            }
            pipeline.finish(&mut hit);
            bit += handles.len();
            missing.extend(bits(next..bit));
        }
    }

    /// Keeps entries, each in place of what was at its handle.
    pub fn insert(&self, entries: &[([u8; 16], [u8; 16])]) {
        for entries in entries.chunks(HELD) {
            let mut kept = self.write();
            for (handle, account) in entries {
                kept.insert(*handle, *account);
            }
        }
    }

    /// Forgets what is at these handles.
    pub fn remove(&self, handles: &[[u8; 16]]) {
        for handles in handles.chunks(HELD) {
            let mut kept = self.write();
            for handle in handles {
                kept.remove(handle);
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets for &Rows {
    #[inline]
    fn view(&self) -> View<'_> {
        Rows::view(self)
    }
}

impl Kept {
    fn insert(&mut self, handle: [u8; 16], account: [u8; 16]) {
        let there = self.rows.view().locate(&handle);
        if let Some(value) = there.and_then(|at| self.rows.value_mut(at)) {
            *value = account;
            return;
        }
        self.len += usize::from(self.rows.replace(&[handle, account], self.turn));
        self.turn = self.turn.wrapping_add(1);
    }

    fn remove(&mut self, handle: &[u8; 16]) {
        if let Some(at) = self.rows.view().locate(handle) {
            self.rows.clear(at);
            self.len -= 1;
        }
    }
}

fn bits(range: std::ops::Range<usize>) -> impl Iterator<Item = u32> {
    range.filter_map(|bit| u32::try_from(bit).ok())
}
