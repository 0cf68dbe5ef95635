//! Buckets of 31 slots, which the table and the cache are made of.
//!
//! One map of anonymous memory holds a line of 64 bytes a bucket, then the entries. A line is 32 lanes of 16
//! bits: 31 tags (0 where the slot is empty), then the set of overflows. Entries lie apart, so that a look at
//! a handle which is not there reads one cache line and nothing else.
//!
//! A handle is uniformly random, so it is its own hash: its first 8 bytes, as a fraction of the whole range,
//! times the number of buckets. The whole part is its bucket, the next 16 bits are its tag. Any number of
//! buckets will do, and buckets are in the order of handles.
//!
//! An entry whose bucket is full lies in the next one that is not; each bucket it passed has the bit of its
//! tag (`tag % 16`) in the set of overflows. A removed entry leaves nothing behind but those bits.

use bytemuck::{try_cast_slice, try_cast_slice_mut};
use memmap2::MmapMut;
use std::io;
use wide::u16x32;

/// A handle and what is kept at it.
pub(super) type Entry = [[u8; 16]; 2];

/// Slots of a bucket.
pub(super) const SLOTS: usize = 31;
/// The bit of a mask that says: an entry of this tag may lie in the next bucket.
pub(super) const OVERFLOW: u32 = 1 << SLOTS;
/// What a bucket takes in memory.
pub(super) const BUCKET_BYTES: usize = LINE_BYTES + SLOTS * ENTRY_BYTES;

const LINE_BYTES: usize = size_of::<u16x32>();
const ENTRY_BYTES: usize = size_of::<Entry>();
#[cfg(target_os = "linux")]
const HUGE_PAGE: usize = 2 << 20;

/// Where a handle belongs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Home {
    pub(super) bucket: usize,
    tag: u16,
}

/// Where an entry lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    bucket: usize,
    slot: usize,
}

/// The memory of some buckets.
#[derive(Debug)]
pub(super) struct Rows {
    map: MmapMut,
    buckets: usize,
    skipped: u32,
}

/// The buckets, to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) lines: &'a [u16x32],
    pub(super) entries: &'a [Entry],
    skipped: u32,
}

impl Rows {
    /// Empty buckets, for handles that all have the same first `skipped` bits.
    pub(super) fn new(buckets: usize, skipped: u32) -> io::Result<Self> {
        let buckets = buckets.max(1);
        let map = MmapMut::map_anon(buckets.saturating_mul(BUCKET_BYTES))?;
        #[cfg(target_os = "linux")]
        if map.len() >= HUGE_PAGE {
            // Small pages answer as well, only slower.
            let _advised = map.advise(memmap2::Advice::HugePage);
        }
        Ok(Self { map, buckets, skipped })
    }

    pub(super) const fn buckets(&self) -> usize {
        self.buckets
    }

    pub(super) fn bytes(&self) -> usize {
        self.map.len()
    }

    #[inline]
    pub(super) fn view(&self) -> View<'_> {
        let (lines, entries) = self.map.split_at_checked(self.buckets * LINE_BYTES).unwrap_or_default();
        View {
            lines: try_cast_slice(lines).unwrap_or_default(),
            entries: try_cast_slice(entries).unwrap_or_default(),
            skipped: self.skipped,
        }
    }

    /// Puts an entry into the first free slot from its home on; the number of overflow bits that this set, or
    /// `None` where every bucket is full.
    pub(super) fn place(&mut self, entry: &Entry) -> Option<usize> {
        let home = self.view().home(&entry[0]);
        let (mut bucket, mut spilled) = (home.bucket, 0);
        for _ in 0..self.buckets {
            if let Some(slot) = self.view().free_slot(bucket) {
                self.write(Slot { bucket, slot }, home.tag, entry);
                return Some(spilled);
            }
            spilled += self.overflow(bucket, home.tag);
            bucket = self.view().after(bucket);
        }
        None
    }

    /// Puts an entry into its own bucket; where that is full, in the place of the entry of a slot. Whether it
    /// was not full.
    pub(super) fn replace(&mut self, entry: &Entry, slot: usize) -> bool {
        let Home { bucket, tag } = self.view().home(&entry[0]);
        let free = self.view().free_slot(bucket);
        self.write(Slot { bucket, slot: free.unwrap_or(slot % SLOTS) }, tag, entry);
        free.is_some()
    }

    /// What is kept at the handle of an entry, to be overwritten.
    pub(super) fn value_mut(&mut self, at: Slot) -> Option<&mut [u8; 16]> {
        self.parts_mut().1.get_mut(at.index()).map(|[_, value]| value)
    }

    /// Leaves no trace of an entry.
    pub(super) fn clear(&mut self, at: Slot) {
        self.write(at, 0, &Entry::default());
    }

    fn write(&mut self, at: Slot, tag: u16, entry: &Entry) {
        let (lines, entries) = self.parts_mut();
        let lane = lines.get_mut(at.bucket).and_then(|line| line.as_mut_array().get_mut(at.slot));
        if let (Some(lane), Some(place)) = (lane, entries.get_mut(at.index())) {
            *lane = tag;
            *place = *entry;
        }
    }

    fn overflow(&mut self, bucket: usize, tag: u16) -> usize {
        let Some(line) = self.parts_mut().0.get_mut(bucket) else { return 0 };
        let set = &mut line.as_mut_array()[SLOTS];
        let before = *set;
        *set |= 1 << (tag % 16);
        usize::from(*set != before)
    }

    fn parts_mut(&mut self) -> (&mut [u16x32], &mut [Entry]) {
        let lines = self.buckets * LINE_BYTES;
        let (lines, entries) = self.map.split_at_mut_checked(lines).unwrap_or_default();
        (try_cast_slice_mut(lines).unwrap_or_default(), try_cast_slice_mut(entries).unwrap_or_default())
    }
}

impl Slot {
    const fn index(self) -> usize {
        self.bucket * SLOTS + self.slot
    }
}

impl<'a> View<'a> {
    #[inline]
    pub(super) fn home(self, handle: &[u8; 16]) -> Home {
        let first = handle.first_chunk::<8>().copied().unwrap_or_default();
        let fraction = u64::from_be_bytes(first) << self.skipped;
        let place = u128::from(fraction) * self.lines.len() as u128;
        #[expect(clippy::cast_possible_truncation, reason = "the whole part, and the 16 bits after it")]
        let (bucket, tag) = ((place >> 64) as usize, (place >> 48) as u16);
        Home { bucket, tag: tag.max(1) }
    }

    /// The slots of a bucket that carry the tag, and [`OVERFLOW`] where the next bucket is to be looked at.
    #[inline]
    pub(super) fn matches(self, home: Home) -> u32 {
        let Some(line) = self.lines.get(home.bucket) else { return 0 };
        let slots = line.simd_eq(u16x32::splat(home.tag)).to_bitmask() & !OVERFLOW;
        let overflows = u32::from(line.as_array()[SLOTS]);
        slots | (overflows >> (home.tag % 16) & 1) << SLOTS
    }

    /// The entry at one of the slots that match, if it is the handle's.
    #[inline]
    pub(super) fn hit(self, handle: &[u8; 16], bucket: usize, matches: u32) -> Option<usize> {
        let mut slots = matches & !OVERFLOW;
        while slots != 0 {
            let slot = slots.trailing_zeros() as usize;
            if self.entries.get(bucket * SLOTS + slot).is_some_and(|[key, _]| key == handle) {
                return Some(slot);
            }
            slots &= slots - 1;
        }
        None
    }

    /// Where the handle's entry lies, given what matches at its home.
    #[inline]
    pub(super) fn locate_from(self, handle: &[u8; 16], mut home: Home, mut matches: u32) -> Option<Slot> {
        for _ in 0..self.lines.len() {
            if let Some(slot) = self.hit(handle, home.bucket, matches) {
                return Some(Slot { bucket: home.bucket, slot });
            }
            if matches & OVERFLOW == 0 {
                return None;
            }
            home.bucket = self.after(home.bucket);
            matches = self.matches(home);
        }
        None
    }

    /// Where the handle's entry lies.
    pub(super) fn locate(self, handle: &[u8; 16]) -> Option<Slot> {
        let home = self.home(handle);
        self.locate_from(handle, home, self.matches(home))
    }

    #[inline]
    pub(super) fn value(self, at: Slot) -> Option<[u8; 16]> {
        self.entries.get(at.index()).map(|[_, value]| *value)
    }

    /// Every entry, in the order of buckets.
    pub(super) fn all(self) -> impl Iterator<Item = &'a Entry> {
        self.lines.iter().zip(self.entries.chunks_exact(SLOTS)).flat_map(|(line, entries)| {
            let tags = line.as_array().iter();
            tags.zip(entries).filter_map(|(tag, entry)| (*tag != 0).then_some(entry))
        })
    }

    fn free_slot(self, bucket: usize) -> Option<usize> {
        let empty = self.lines.get(bucket)?.simd_eq(u16x32::splat(0)).to_bitmask() & !OVERFLOW;
        (empty != 0).then(|| empty.trailing_zeros() as usize)
    }

    const fn after(self, bucket: usize) -> usize {
        if bucket + 1 < self.lines.len() { bucket + 1 } else { 0 }
    }
}
