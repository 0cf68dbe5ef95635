//! What an address book has been paid for, and what to ask next. Pure: no network, no files, no clock.
//!
//! The service keeps no address book. It gives a receipt for a set of handles; whoever shows the set
//! and its receipt again asks for nothing new, and pays nothing. A request holds 20 000 handles, so a
//! bigger book is several sets, each with its receipt.

use super::wire::{LookupAnswer, LookupRequest, MOST_HANDLES, Receipt};
use crate::model::handle::Handle;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use uuid::Uuid;

/// How many new handles the receipt of an epoch that has ended still pays for.
const MOST_CARRIED_OVER: usize = 5_000;

/// A set of handles and the receipt for exactly these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidSet {
    /// The handles paid for.
    pub handles: BTreeSet<Handle>,
    /// What proves it.
    pub receipt: Receipt,
}

/// Everything that has been paid for, in one epoch. It holds handles, never numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressBook {
    /// The epoch of all handles.
    pub epoch: u32,
    /// The sets, which have no handle in common.
    pub sets: Vec<PaidSet>,
}

impl AddressBook {
    fn is_paid(&self, handle: &Handle) -> bool {
        self.sets.iter().any(|set| set.handles.contains(handle))
    }

    /// The requests that ask for all of `wanted` at the least cost. They depend on nothing else, so that
    /// asking anew after a lost answer is the same request, which costs nothing the second time.
    fn requests(&self, epoch: u32, wanted: &BTreeSet<Handle>) -> VecDeque<LookupRequest> {
        if self.epoch != epoch {
            return self.requests_in_new_epoch(epoch, wanted);
        }
        let mut unpaid = wanted.iter().copied().filter(|handle| !self.is_paid(handle));
        let mut requests = VecDeque::new();
        for set in self.sets.iter().filter(|set| !set.handles.is_disjoint(wanted)) {
            let (known, discard) = set.handles.iter().copied().partition(|handle| wanted.contains(handle));
            let room = MOST_HANDLES.saturating_sub(set.handles.len());
            let new = unpaid.by_ref().take(room).collect();
            requests.push_back(LookupRequest { epoch, known, new, discard, receipt: set.receipt.clone() });
        }
        requests.extend(requests_for_unpaid(epoch, unpaid));
        requests
    }

    /// The receipt of the last epoch pays once for as many new handles as it covers: its set is shown as
    /// discarded, since in the new epoch its handles mean nothing.
    fn requests_in_new_epoch(&self, epoch: u32, wanted: &BTreeSet<Handle>) -> VecDeque<LookupRequest> {
        let mut unpaid = wanted.iter().copied();
        let mut requests = VecDeque::new();
        if let Some(set) = self.best_to_carry_over() {
            let room = MOST_HANDLES.saturating_sub(set.handles.len());
            requests.push_back(LookupRequest {
                epoch,
                new: unpaid.by_ref().take(room).collect(),
                discard: set.handles.clone(),
                receipt: set.receipt.clone(),
                ..LookupRequest::default()
            });
        }
        requests.extend(requests_for_unpaid(epoch, unpaid));
        requests.retain(|request| !request.new.is_empty());
        requests
    }

    fn best_to_carry_over(&self) -> Option<&PaidSet> {
        let pays_for = |set: &&PaidSet| {
            let covered = set.handles.len();
            covered.min(MOST_CARRIED_OVER).min(MOST_HANDLES.saturating_sub(covered))
        };
        self.sets.iter().max_by_key(pays_for).filter(|set| pays_for(set) > 0)
    }

    fn settle(&mut self, request: LookupRequest, receipt: Receipt) {
        let LookupRequest { epoch, known, mut new, receipt: shown, .. } = request;
        if self.epoch != epoch {
            *self = Self { epoch, sets: Vec::new() };
        }
        new.extend(known);
        let paid = PaidSet { handles: new, receipt };
        match self.sets.iter_mut().find(|set| !shown.as_bytes().is_empty() && set.receipt == shown) {
            Some(set) => *set = paid,
            None => self.sets.push(paid),
        }
    }
}

fn requests_for_unpaid(
    epoch: u32,
    unpaid: impl Iterator<Item = Handle>,
) -> impl Iterator<Item = LookupRequest> {
    let mut unpaid = unpaid.peekable();
    std::iter::from_fn(move || {
        unpaid.peek()?;
        let new = unpaid.by_ref().take(MOST_HANDLES).collect();
        Some(LookupRequest { epoch, new, ..LookupRequest::default() })
    })
}

/// One run through an address book: the requests still to send, and what the answers have brought.
#[derive(Debug)]
pub struct Sync {
    book: AddressBook,
    waiting: VecDeque<LookupRequest>,
    matches: BTreeMap<Handle, Uuid>,
    cost: u64,
    has_started_over: bool,
}

impl Sync {
    /// A run that asks for `wanted`, given what has been paid for.
    #[must_use]
    pub fn begin(mut book: AddressBook, epoch: u32, wanted: &BTreeSet<Handle>) -> Self {
        let waiting = book.requests(epoch, wanted);
        if book.epoch == epoch {
            book.sets.retain(|set| !set.handles.is_disjoint(wanted));
        }
        Self { book, waiting, matches: BTreeMap::new(), cost: 0, has_started_over: false }
    }

    /// The next request to send; none when all is answered.
    #[must_use]
    pub fn next_request(&self) -> Option<&LookupRequest> {
        self.waiting.front()
    }

    /// Takes the answer to the request that [`next_request`](Self::next_request) named.
    pub fn take_answer(&mut self, answer: LookupAnswer) {
        let Some(request) = self.waiting.pop_front() else { return };
        self.cost += u64::from(answer.cost);
        self.matches.extend(answer.matches);
        self.book.settle(request, answer.receipt);
    }

    /// Forgets the receipt that the next request shows and pays for its handles anew, after the service
    /// refused it. `false` where the request shows none, so that the fault must lie elsewhere.
    pub fn forget_receipt(&mut self) -> bool {
        let Some(request) = self.waiting.front_mut() else { return false };
        if request.known.is_empty() && request.discard.is_empty() {
            return false;
        }
        let LookupRequest { epoch, known, mut new, receipt, .. } = std::mem::take(request);
        new.extend(known);
        *request = LookupRequest { epoch, new, ..LookupRequest::default() };
        self.book.sets.retain(|set| set.receipt != receipt);
        true
    }

    /// Forgets all receipts and asks for all of `wanted` anew in another epoch, after the service refused
    /// the one that the run began in. It does so once: `false` the second time.
    pub fn start_over(&mut self, epoch: u32, wanted: &BTreeSet<Handle>) -> bool {
        if std::mem::replace(&mut self.has_started_over, true) {
            return false;
        }
        self.book = AddressBook { epoch, sets: Vec::new() };
        self.waiting = self.book.requests(epoch, wanted);
        self.matches.clear();
        true
    }

    /// What is paid for by now: to be saved after each answer, so that an interruption costs nothing.
    #[must_use]
    pub const fn book(&self) -> &AddressBook {
        &self.book
    }

    /// The account of each handle that has one, as far as answered.
    #[must_use]
    pub const fn matches(&self) -> &BTreeMap<Handle, Uuid> {
        &self.matches
    }

    /// How much of the budget the answers have cost.
    #[must_use]
    pub const fn cost(&self) -> u64 {
        self.cost
    }

    /// How many handles are still to be asked for.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.waiting.iter().map(|request| request.known.len() + request.new.len()).sum()
    }
}
