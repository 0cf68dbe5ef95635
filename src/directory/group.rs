//! Looks at many handles at once, so that their cache lines are on their way together.
//!
//! A lookup waits for memory, not for the processor: one after the other, each pays the whole latency. Here
//! handles go through three stages, some dozens of handles apart: ask for the line; compare tags, without a
//! branch, and ask for the entries of the few that match; compare those. Each stage finds in the cache what
//! the one before asked for.
//!
//! On x86-64 lines are asked for into the second cache of the processor: the first has room for some dozen requests
//! only, and two thirds of the time of a lookup went by with waiting for the lines themselves. From there the last step
//! takes some ns, hidden by the handles beside it. `benches/structures.rs` shows what it gains.

use super::rows::{Home, SLOTS, View};
use std::collections::VecDeque;
use std::ops::Range;

/// Handles that a stage is behind the one before, at least.
const BEHIND: usize = 64;
/// Handles of a run, at most.
pub(super) const RUN: usize = 128;
/// Room for all handles that are under way: two stages behind, each by less than this and a run.
const RING: usize = 4 * RUN;

/// What was found of a batch of handles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    bitmap: Vec<u8>,
    accounts: Vec<[u8; 16]>,
}

impl Hits {
    /// Nothing found yet, of so many handles.
    #[must_use]
    pub fn new(bits: usize) -> Self {
        Self { bitmap: vec![0; bits.div_ceil(8)], accounts: Vec::with_capacity(bits * 3 / 8) }
    }

    /// One bit a handle, the least significant of each byte first: set where it was found.
    #[must_use]
    pub fn bitmap(&self) -> &[u8] {
        &self.bitmap
    }

    /// The accounts, in the order in which they were found: that of the set bits.
    #[must_use]
    pub fn accounts(&self) -> &[[u8; 16]] {
        &self.accounts
    }

    /// The positions that were found, in ascending order, each with its account.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[u8; 16])> {
        let bits = self.bitmap.iter().enumerate().flat_map(|(at, byte)| {
            (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| at * 8 + bit)
        });
        bits.zip(&self.accounts)
    }

    /// Adds hits in any order, none of which is there already.
    pub fn insert_all(&mut self, mut found: Vec<(usize, [u8; 16])>) {
        if found.is_empty() {
            return;
        }
        found.sort_unstable_by_key(|(bit, _)| *bit);
        let before = std::mem::replace(self, Self::new(self.bitmap.len() * 8));
        let mut there = before.iter().peekable();
        for (bit, account) in found {
            while let Some((earlier, account)) = there.next_if(|(there, _)| *there < bit) {
                self.push(earlier, *account);
            }
            self.push(bit, account);
        }
        there.for_each(|(bit, account)| self.push(bit, *account));
    }

    /// Adds a hit. A bit beyond the last is no handle's: nothing is added.
    pub fn push(&mut self, bit: usize, account: [u8; 16]) {
        if let Some(byte) = self.bitmap.get_mut(bit / 8) {
            *byte |= 1 << (bit % 8);
            self.accounts.push(account);
        }
    }
}

/// What lends the buckets of a run, for as long as the run is under way.
pub(super) trait Buckets {
    fn view(&self) -> View<'_>;
}

/// A batch on its way through the stages.
#[derive(Debug)]
pub(super) struct Pipeline<'h, B> {
    handles: &'h [[u8; 16]],
    /// Where the handles under way belong; each at its position in the batch, modulo the room.
    aims: [Aim; RING],
    /// Positions of the handles whose tag matched something, in order, modulo the room.
    candidates: [u32; RING],
    /// Handles that a run has taken.
    aimed: usize,
    /// Handles whose tags are compared.
    done: usize,
    /// Candidates so far.
    found: usize,
    runs: VecDeque<Run<B>>,
    /// Runs, from the first under way, whose tags are compared.
    compared: usize,
}

#[derive(Debug)]
struct Run<B> {
    buckets: B,
    end: usize,
    candidates: Range<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Aim {
    home: Home,
    matches: u32,
}

/// Asks for the beginning of an element.
#[inline]
pub(super) fn prefetch<T>(data: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = data.get(index) {
        safe_arch::prefetch_t1(element);
    }
    #[cfg(not(target_arch = "x86_64"))]
    prefetch_index::prefetch_index(data, index);
}

/// A place of the ring.
fn at<T>(ring: &mut [T; RING], position: usize) -> Option<&mut T> {
    ring.get_mut(position % RING)
}

impl<'h, B: Buckets> Pipeline<'h, B> {
    pub(super) fn new(handles: &'h [[u8; 16]]) -> Self {
        Self {
            handles,
            aims: [Aim::default(); RING],
            candidates: [0; RING],
            aimed: 0,
            done: 0,
            found: 0,
            runs: VecDeque::with_capacity(RING / 16),
            compared: 0,
        }
    }

    /// Handles that no run has taken yet.
    pub(super) fn rest(&self) -> &'h [[u8; 16]] {
        self.handles.get(self.aimed..).unwrap_or_default()
    }

    /// Starts the next so many handles, [`RUN`] at most, which lie in these buckets, and brings those before them
    /// forward.
    #[inline]
    pub(super) fn push(&mut self, buckets: B, count: usize, hits: &mut impl FnMut(usize, [u8; 16])) {
        let view = buckets.view();
        for handle in self.rest().iter().take(count) {
            let home = view.home(handle);
            prefetch(view.lines, home.bucket);
            if let Some(aim) = at(&mut self.aims, self.aimed) {
                *aim = Aim { home, matches: 0 };
            }
            self.aimed += 1;
        }
        self.runs.push_back(Run { buckets, end: self.aimed, candidates: 0..0 });
        self.advance(BEHIND, hits);
    }

    /// Brings all that is under way to its end.
    pub(super) fn finish(&mut self, hits: &mut impl FnMut(usize, [u8; 16])) {
        self.advance(0, hits);
    }

    /// Moves every run on that has enough others behind it.
    #[inline]
    fn advance(&mut self, behind: usize, hits: &mut impl FnMut(usize, [u8; 16])) {
        while self.runs.get(self.compared).is_some_and(|run| run.end + behind <= self.aimed) {
            self.compare();
        }
        while self.compared > 0 && self.runs.front().is_some_and(|run| run.end + behind <= self.done) {
            self.verify(hits);
        }
    }

    /// Compares the tags of the next run, and asks for the entries of those that match.
    #[inline]
    fn compare(&mut self) {
        let Some(run) = self.runs.get_mut(self.compared) else { return };
        let view = run.buckets.view();
        let first = self.found;
        for position in self.done..run.end {
            let Some(aim) = at(&mut self.aims, position) else { continue };
            aim.matches = view.matches(aim.home);
            let matched = usize::from(aim.matches != 0);
            if let Some(candidate) = at(&mut self.candidates, self.found) {
                *candidate = u32::try_from(position).unwrap_or(u32::MAX);
            }
            self.found += matched;
        }
        run.candidates = first..self.found;
        for place in run.candidates.clone() {
            let position = at(&mut self.candidates, place).map_or(0, |position| *position as usize);
            if let Some(Aim { home, matches }) = at(&mut self.aims, position) {
                prefetch(view.entries, home.bucket * SLOTS + matches.trailing_zeros() as usize);
            }
        }
        self.done = run.end;
        self.compared += 1;
    }

    /// Reads the entries of the first run's candidates, and lets its buckets go.
    #[inline]
    fn verify(&mut self, hits: &mut impl FnMut(usize, [u8; 16])) {
        let Some(run) = self.runs.pop_front() else { return };
        let view = run.buckets.view();
        for place in run.candidates {
            let position = at(&mut self.candidates, place).map_or(0, |position| *position as usize);
            let (Some(aim), Some(handle)) = (at(&mut self.aims, position), self.handles.get(position)) else {
                continue;
            };
            let found = view.locate_from(handle, aim.home, aim.matches);
            if let Some(account) = found.and_then(|found| view.value(found)) {
                hits(position, account);
            }
        }
        self.compared -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::Hits;
    use crate::model::entropy::random_bytes;

    #[test]
    fn hits_of_two_sources_come_in_the_order_of_their_bits() {
        let account = |bit: usize| [u8::try_from(bit % 251).unwrap_or_default(); 16];
        for bits in [0, 1, 8, 61, 1_000] {
            for _ in 0..20 {
                let (mut hits, mut found, mut expected) = (Hits::new(bits), Vec::new(), Vec::new());
                for bit in 0..bits {
                    match random_bytes::<1>()[0] % 3 {
                        0 => hits.push(bit, account(bit)),
                        1 => found.push((bit, account(bit))),
                        _ => continue,
                    }
                    expected.push((bit, account(bit)));
                }
                found.reverse();
                hits.insert_all(found);
                assert_eq!(hits.iter().map(|(bit, account)| (bit, *account)).collect::<Vec<_>>(), expected);
            }
        }
    }
}
