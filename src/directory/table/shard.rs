//! One part of the table: the handles that begin with the same bits.

use crate::directory::rows::{BUCKET_BYTES, Entry, Rows, View};
use std::io;

/// Users a bucket is built for.
const BUILT_FOR: usize = 22;
/// Users a bucket, on average, from which on a shard grows. Above 25, lookups take half as long again.
const MOST: usize = 23;

#[derive(Debug)]
pub(super) struct Shard {
    rows: Rows,
    skipped: u32,
    len: usize,
    /// Overflow bits set since the shard was built, and how many it may have before it is built anew.
    spilled: usize,
    most_spilled: usize,
}

impl Shard {
    pub(super) fn with_capacity(users: usize, skipped: u32) -> io::Result<Self> {
        // Handles are random: few shards get more than four deviations above the mean.
        let users = users.saturating_add(4 * users.isqrt());
        Self::with_buckets(users.div_ceil(BUILT_FOR), skipped)
    }

    fn with_buckets(buckets: usize, skipped: u32) -> io::Result<Self> {
        let rows = Rows::new(buckets, skipped)?;
        let most_spilled = rows.buckets();
        Ok(Self { rows, skipped, len: 0, spilled: 0, most_spilled })
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.rows.bytes()
    }

    #[inline]
    pub(super) fn view(&self) -> View<'_> {
        self.rows.view()
    }

    /// Whether a grown copy is to take its place before anything is added.
    pub(super) const fn is_full(&self) -> bool {
        self.len >= MOST * self.rows.buckets() || self.spilled > self.most_spilled
    }

    /// A copy with room for more.
    pub(super) fn grown(&self) -> io::Result<Self> {
        let buckets = self.rows.buckets();
        let crowded = self.len.saturating_mul(8) >= buckets.saturating_mul(7 * MOST);
        let mut grown =
            Self::with_buckets(if crowded { buckets + buckets / 4 + 1 } else { buckets }, self.skipped)?;
        for entry in self.view().all() {
            grown.place(entry);
        }
        // Where handles cluster, a copy spills as much as what it was copied from: let it double.
        grown.most_spilled = grown.most_spilled.max(2 * grown.spilled);
        Ok(grown)
    }

    /// Puts an account at a handle, in place of what was there.
    pub(super) fn insert(&mut self, entry: &Entry) {
        let there = self.view().locate(&entry[0]);
        match there.and_then(|at| self.rows.value_mut(at)) {
            Some(value) => *value = entry[1],
            None => self.place(entry),
        }
    }

    pub(super) fn remove(&mut self, handle: &[u8; 16]) {
        if let Some(at) = self.view().locate(handle) {
            self.rows.clear(at);
            self.len -= 1;
        }
    }

    fn place(&mut self, entry: &Entry) {
        if let Some(spilled) = self.rows.place(entry) {
            self.spilled += spilled;
            self.len += 1;
        }
    }
}

const _: () = assert!(BUCKET_BYTES / (MOST * 4 / 5) <= 60, "a user takes at most 60 bytes");
