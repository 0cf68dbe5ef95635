//! The exact map from handle to account, for a node that holds the whole directory in memory.
//!
//! It is cut into shards by the first bits of the handle, each under a lock of its own. The handles of a
//! request are in ascending order, so a batch walks the shards in order too, and holds a read guard only for
//! the handles that are on their way, some hundreds: a few µs. One writer at a time changes the table; a shard
//! that is full is copied into a larger one while readers go on, and only the swap shuts them out.

mod shard;

use super::group::{Buckets, Hits, Pipeline, RUN};
use super::rows::{Entry, View};
use crate::model::handle::Handle;
use crate::model::id::AccountId;
use shard::Shard;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Users of a shard, about: so few that to copy it takes the writer some dozen milliseconds (measured: 24 to 57 for
/// 650 000). Each shard that a request goes through costs as much as ten handles do.
const SHARD_USERS: usize = 1_000_000;
/// A request of 1 000 handles should find several in each shard, or it pays for locks alone.
const MOST_SHARDS: usize = 256;
const FEWEST_SHARDS: usize = 16;
/// Changes that a writer makes before it lets readers in again.
const CHANGES: usize = 64;

/// What becomes of a handle: the account that is there from now on, or none.
pub type Change = (Handle, Option<AccountId>);

/// Every handle of one epoch, and its account.
#[derive(Debug)]
pub struct Table {
    shards: Box<[RwLock<Shard>]>,
    /// First bits of a handle that name its shard.
    bits: u32,
    writer: Mutex<()>,
}

impl Buckets for RwLockReadGuard<'_, Shard> {
    #[inline]
    fn view(&self) -> View<'_> {
        Shard::view(self)
    }
}

impl Table {
    /// An empty table, with room for so many users before any shard grows.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn with_capacity(users: usize) -> Result<Self, io::Error> {
        let shards = (users / SHARD_USERS).clamp(FEWEST_SHARDS, MOST_SHARDS).next_power_of_two();
        let bits = shards.trailing_zeros();
        let shard = || Shard::with_capacity(users / shards, bits).map(RwLock::new);
        let shards = (0..shards).map(|_| shard()).collect::<Result<_, _>>()?;
        Ok(Self { shards, bits, writer: Mutex::new(()) })
    }

    /// Users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).len()).sum()
    }

    /// Whether there are no users.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory reserved.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).bytes()).sum()
    }

    /// Looks a batch up; the bit of its first handle is `first_bit`. Handles in ascending order are found
    /// fastest; any other order is only slower.
    pub fn find(&self, handles: &[[u8; 16]], first_bit: usize, hits: &mut Hits) {
        if handles.is_empty() {
            return;
        }
        let mut pipeline = Pipeline::new(handles);
        let mut hit = |position, account| hits.push(first_bit + position, account);
        let mut fewest = 0;
        while let Some(first) = pipeline.rest().first() {
            let index = self.index(first);
            if index < fewest {
                // A reader that took a lock twice could wait for a writer that waits for it.
                pipeline.finish(&mut hit);
            }
            let Some(shard) = self.shards.get(index) else { break };
            let same = pipeline.rest().iter().take(RUN).take_while(|handle| self.index(handle) == index);
            pipeline.push(read(shard), same.count(), &mut hit);
            fewest = index + 1;
        }
        pipeline.finish(&mut hit);
    }

    /// Puts an account at a handle, in place of what was there.
    ///
    /// # Errors
    /// When there is no memory to grow.
    pub fn insert(&self, handle: Handle, account: AccountId) -> Result<(), io::Error> {
        self.apply(&[(handle, Some(account))])
    }

    /// Removes what is at a handle.
    ///
    /// # Errors
    /// When there is no memory to grow.
    pub fn remove(&self, handle: Handle) -> Result<(), io::Error> {
        self.apply(&[(handle, None)])
    }

    /// Makes changes in the order given; changes that lie next to each other in one shard are made together.
    ///
    /// # Errors
    /// When there is no memory to grow: some of the changes are then made.
    pub fn apply(&self, changes: &[Change]) -> Result<(), io::Error> {
        let _alone = self.alone();
        let same = |(a, _): &Change, (b, _): &Change| self.index(a.as_bytes()) == self.index(b.as_bytes());
        for run in changes.chunk_by(same).flat_map(|run| run.chunks(CHANGES)) {
            let first = run.first().map_or(0, |(handle, _)| self.index(handle.as_bytes()));
            if let Some(shard) = self.shards.get(first) {
                change(shard, run)?;
            }
        }
        Ok(())
    }

    /// Shows the entries of one shard after the other, in ascending order of shards and of buckets. The order
    /// within a bucket is none. Readers go on meanwhile, writers wait for the end of a shard.
    ///
    /// # Errors
    /// What `visit` answers; no further shard is shown then.
    pub fn for_each_shard<E>(
        &self,
        mut visit: impl FnMut(&mut dyn Iterator<Item = (Handle, AccountId)>) -> Result<(), E>,
    ) -> Result<(), E> {
        for shard in &self.shards {
            // A writer that waited for this shard would make its readers wait too.
            let _alone = self.alone();
            let shard = read(shard);
            let entry =
                |[handle, account]: &Entry| (Handle::from_bytes(*handle), AccountId::from_bytes(*account));
            visit(&mut shard.view().all().map(entry))?;
        }
        Ok(())
    }

    #[inline]
    fn index(&self, handle: &[u8; 16]) -> usize {
        let first = u32::from_be_bytes([handle[0], handle[1], handle[2], handle[3]]);
        (first >> (u32::BITS - self.bits)) as usize
    }

    fn alone(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Only ever called by the one writer, so what is copied does not change before it is swapped.
fn change(shard: &RwLock<Shard>, mut run: &[Change]) -> Result<(), io::Error> {
    while !run.is_empty() {
        let grown =
            Some(read(shard)).filter(|shard| shard.is_full()).map(|shard| shard.grown()).transpose()?;
        let mut shard = write(shard);
        let replaced = grown.map(|grown| std::mem::replace(&mut *shard, grown));
        while let Some(((handle, account), rest)) = run.split_first() {
            match account {
                Some(_) if shard.is_full() => break,
                Some(account) => shard.insert(&[*handle.as_bytes(), *account.as_bytes()]),
                None => shard.remove(handle.as_bytes()),
            }
            run = rest;
        }
        drop(shard);
        // Memory is given back when readers are in again.
        drop(replaced);
    }
    Ok(())
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}
