//! People, the transactions that are about them, and what was acknowledged of these.

use super::gate::{Gate, Passing};
use super::schedule::{Change, NODES};
use crate::store::fixtures::{approved, at, registration};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tuttu::model::account::Account;
use tuttu::model::handle::Handle;
use tuttu::model::id::AccountId;
use tuttu::model::keys::{Keys, StoredHandle};
use tuttu::store::{AccountChange, DirectoryRow, Listing, Plan, RegisterOutcome, Registration, Store};

/// Numbers are never used twice: what was sent to them outlives a world.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Somebody.
pub(super) struct Person {
    pub(super) handle: [u8; 16],
    pub(super) stored: StoredHandle,
    registration: Registration,
    /// Whether a registration was begun.
    registers: bool,
    /// Whether it is listed, as far as was acknowledged.
    pub(super) listed: bool,
    /// When that was acknowledged, and at which step.
    pub(super) since: (Instant, usize),
}

impl Person {
    /// The nth of a world, who has proven a number at this step. Somebody else may have had the handle until then.
    pub(super) async fn proven((nth, step): (usize, usize), store: &Store, keys: &Keys) -> Self {
        let place = NEXT.fetch_add(1, Ordering::Relaxed);
        let handle = *blake3::hash(&nth.to_le_bytes()).as_bytes().first_chunk().unwrap();
        let verification = approved(store, &format!("+35840{place:07}"), at(0)).await;
        let (account, key) = (AccountId::random(), keys.directory(1));
        let stored = key.store_handle(Handle::from_bytes(handle));
        let tag = key.tag(1, stored, account).to_vec();
        let mut registration = registration(&verification, Plan::Create, account, 0, at(0));
        registration.listing = Listing::Listed(vec![DirectoryRow { epoch: 1, handle: stored, account, tag }]);
        let since = (Instant::now(), step);
        Self { handle, stored, registration, registers: false, listed: false, since }
    }

    /// The transaction of a change.
    fn begin(&mut self, change: Change, store: Store) -> impl Future<Output = Ended> + Send + 'static {
        let (registration, first) = (self.registration.clone(), !self.registers);
        self.registers |= change == Change::List;
        let stored = self.stored;
        async move {
            let hidden = Listing::Hidden(vec![(1, stored)]);
            let account: &Account = &registration.account;
            match change {
                Change::List if first => match store.register(&registration).await {
                    Ok(RegisterOutcome::Registered(_)) => Ended::Done(true),
                    Ok(_) => Ended::Refused,
                    Err(_) => Ended::Unknown,
                },
                Change::List => {
                    let listed =
                        store.set_visibility(account.id, Some(at(1)), &registration.listing, at(1)).await;
                    ended(&listed, true)
                }
                Change::Hide => ended(&store.set_visibility(account.id, None, &hidden, at(1)).await, false),
                Change::Erase => ended(&store.erase_account(account, &hidden, at(1)).await, false),
            }
        }
    }
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was acknowledged that the person is listed from now on, or is not.
    Done(bool),
    /// Nothing was changed.
    Refused,
    /// The connection broke.
    Unknown,
}

fn ended<T, E>(change: &Result<AccountChange<T>, E>, listed: bool) -> Ended {
    match change {
        Ok(AccountChange::Done(_)) => Ended::Done(listed),
        Ok(_) => Ended::Refused,
        Err(_) => Ended::Unknown,
    }
}

/// A writer with a connection of its own.
pub(super) struct Writer {
    pub(super) gate: Gate,
    pub(super) store: Store,
    pub(super) work: Option<Work>,
}

/// A transaction under way.
pub(super) struct Work {
    pub(super) person: usize,
    pub(super) wakes: [bool; NODES],
    pub(super) task: JoinHandle<Ended>,
    /// A request of it that waits for the lock of another writer.
    pub(super) blocked: Option<Passing>,
}

impl Writer {
    pub(super) fn begin(&mut self, who: (usize, &mut Person), change: Change, wakes: [bool; NODES]) {
        let (person, somebody) = who;
        let task = TaskTracker::new().spawn(somebody.begin(change, self.store.clone()));
        self.work = Some(Work { person, wakes, task, blocked: None });
    }

    /// Whether nothing can happen before a request of it is let through.
    pub(super) fn rests(&self) -> bool {
        let Some(work) = &self.work else { return true };
        work.task.is_finished() || work.blocked.is_some() || self.gate.waiting() > 0
    }

    pub(super) async fn end(self) {
        if let Some(work) = self.work {
            work.task.abort();
        }
        self.gate.set_open(true);
        while self.gate.decide(0, super::gate::Fate::Unasked).is_some() {}
        self.store.close().await;
    }
}
