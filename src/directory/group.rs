//! Looks at many handles at once, so that their cache lines are on their way together.
//!
//! A lookup waits for memory, not for the processor: one after the other, each pays the whole latency. Here a
//! group of handles first asks for all its lines, then compares tags without a branch, then asks for the
//! entries of the few that match, and only then compares those.

use super::rows::{Home, View};
use prefetch_index::prefetch_index;

/// Handles of a group.
pub(super) const GROUP: usize = 64;

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
        Self { bitmap: vec![0; bits.div_ceil(8)], accounts: Vec::with_capacity(bits.min(GROUP)) }
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
        found.extend(self.iter().map(|(bit, account)| (bit, *account)));
        found.sort_unstable_by_key(|(bit, _)| *bit);
        self.accounts.clear();
        for (bit, account) in found {
            self.push(bit, account);
        }
    }

    /// Adds a hit. A bit beyond the last is no handle's: nothing is added.
    pub fn push(&mut self, bit: usize, account: [u8; 16]) {
        if let Some(byte) = self.bitmap.get_mut(bit / 8) {
            *byte |= 1 << (bit % 8);
            self.accounts.push(account);
        }
    }
}

/// The handles of a group under way.
#[derive(Debug)]
pub(super) struct Group {
    aims: [Aim; GROUP],
    /// Positions of the handles whose tag matched something, in ascending order.
    candidates: [u8; GROUP],
}

#[derive(Debug, Clone, Copy, Default)]
struct Aim {
    home: Home,
    matches: u32,
}

/// Handles of a group that lie in the same buckets.
#[derive(Debug)]
pub(super) struct Run<'h> {
    pub(super) handles: &'h [[u8; 16]],
    /// Position of the first in its group.
    pub(super) first: usize,
}

impl Group {
    pub(super) fn new() -> Self {
        Self { aims: [Aim::default(); GROUP], candidates: [0; GROUP] }
    }

    /// Asks for the lines of a run.
    #[inline]
    pub(super) fn aim(&mut self, view: View<'_>, run: &Run<'_>) {
        for (aim, handle) in self.aims.iter_mut().skip(run.first).zip(run.handles) {
            aim.home = view.home(handle);
            prefetch_index(view.lines, aim.home.bucket);
        }
    }

    /// Compares the tags of a run and asks for the entries of those that match; how many may be there.
    #[inline]
    pub(super) fn compare(&mut self, view: View<'_>, run: &Run<'_>) -> usize {
        let mut count = 0;
        let aims = self.aims.iter_mut().skip(run.first);
        let candidates = self.candidates.get_mut(run.first..).unwrap_or_default();
        for (position, aim) in (0..).zip(aims.take(run.handles.len())) {
            aim.matches = view.matches(aim.home);
            if let Some(candidate) = candidates.get_mut(count) {
                *candidate = position;
            }
            count += usize::from(aim.matches != 0);
        }
        for (aim, _) in self.candidates(run, count) {
            prefetch_index(
                view.entries,
                aim.home.bucket * super::rows::SLOTS + aim.matches.trailing_zeros() as usize,
            );
        }
        count
    }

    /// Reads the entries of a run's candidates: the account and the position of each that is there.
    #[inline]
    pub(super) fn verify(
        &self,
        view: View<'_>,
        run: &Run<'_>,
        count: usize,
        mut found: impl FnMut(usize, [u8; 16]),
    ) {
        for (aim, position) in self.candidates(run, count) {
            let Some(handle) = run.handles.get(position) else { continue };
            let at = view.locate_from(handle, aim.home, aim.matches);
            if let Some(account) = at.and_then(|at| view.value(at)) {
                found(run.first + position, account);
            }
        }
    }

    fn candidates(&self, run: &Run<'_>, count: usize) -> impl Iterator<Item = (&Aim, usize)> {
        let positions = self.candidates.iter().skip(run.first).take(count);
        let aims = self.aims.get(run.first..).unwrap_or_default();
        positions.filter_map(move |&position| {
            let position = usize::from(position);
            aims.get(position).map(|aim| (aim, position))
        })
    }
}
