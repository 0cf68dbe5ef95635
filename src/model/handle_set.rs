//! Sets of handles, as requests hold them: borrowed, in order, each once.

use super::handle::Handle;
use std::borrow::Cow;
use std::fmt;

/// Handles in strictly ascending order, so that none is there twice. Checking the order is the only way to get one.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct HandleSet<'a>(&'a [[u8; 16]]);

impl<'a> HandleSet<'a> {
    /// The set of these handles; `None` unless they are in strictly ascending order.
    #[must_use]
    pub fn new(handles: &'a [[u8; 16]]) -> Option<Self> {
        // Without an early end: a whole list is checked faster so, and most lists are in order. Their first halves tell
        // that by themselves, unless somebody searched for two that are alike.
        let mut ascending = true;
        for (handle, next) in handles.iter().zip(handles.iter().skip(1)) {
            ascending &= first_half(handle) < first_half(next);
        }
        (ascending || handles.is_sorted_by(|handle, next| handle < next)).then_some(Self(handles))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The handles as bytes.
    #[must_use]
    pub const fn as_slice(self) -> &'a [[u8; 16]] {
        self.0
    }

    /// The handles.
    #[must_use]
    pub fn iter(self) -> impl ExactSizeIterator<Item = Handle> + 'a {
        self.0.iter().map(|bytes| Handle::from_bytes(*bytes))
    }

    /// The handles of both, in order; `None` where one is in both. Nothing is copied where one of them is empty.
    #[must_use]
    pub fn union(self, other: Self) -> Option<Cow<'a, [[u8; 16]]>> {
        if other.is_empty() {
            return Some(Cow::Borrowed(self.0));
        }
        if self.is_empty() {
            return Some(Cow::Borrowed(other.0));
        }
        let mut all = [self.0, other.0].concat();
        all.sort_unstable();
        HandleSet::new(&all).is_some().then_some(Cow::Owned(all))
    }
}

fn first_half(handle: &[u8; 16]) -> u64 {
    handle.first_chunk().map_or(0, |half| u64::from_be_bytes(*half))
}

impl fmt::Debug for HandleSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandleSet({} handles)", self.0.len())
    }
}
