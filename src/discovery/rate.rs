//! How many lookups and handles an account may ask for in a fixed hour, paid or not.

use crate::model::id::AccountId;
use jiff::Timestamp;
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const HOUR_MS: i64 = 3_600_000;

/// Counts what each account asks for, on this node.
#[derive(Debug, Clone)]
pub(super) struct LookupRate {
    requests: u32,
    handles: u32,
    spent: Cache<(AccountId, i64), Arc<Spent>>,
}

#[derive(Debug, Default)]
struct Spent {
    requests: AtomicU32,
    handles: AtomicU32,
}

impl LookupRate {
    /// So many requests and handles an hour.
    pub(super) fn new(requests: u32, handles: u32) -> Self {
        let spent = Cache::builder().max_capacity(1_000_000).time_to_live(Duration::from_hours(1)).build();
        Self { requests, handles, spent }
    }

    /// Counts a lookup of so many handles, or says when the next hour begins. What is refused is not counted.
    pub(super) fn spend(&self, account: AccountId, handles: u32, now: Timestamp) -> Result<(), Timestamp> {
        let hour = hour_of(now);
        let spent = self.spent.get_with((account, hour), Arc::default);
        let add = |counter: &AtomicU32, by: u32, limit: u32| {
            counter
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| {
                    n.checked_add(by).filter(|n| *n <= limit)
                })
                .is_ok()
        };
        let next = Timestamp::from_millisecond((hour + 1) * HOUR_MS).unwrap_or(Timestamp::MAX);
        if !add(&spent.requests, 1, self.requests) {
            return Err(next);
        }
        if !add(&spent.handles, handles, self.handles) {
            spent.requests.fetch_sub(1, Ordering::SeqCst);
            return Err(next);
        }
        Ok(())
    }

    /// Takes back a lookup that was counted at `now` and then not answered.
    pub(super) fn give_back(&self, account: AccountId, handles: u32, now: Timestamp) {
        let Some(spent) = self.spent.get(&(account, hour_of(now))) else { return };
        for (counter, by) in [(&spent.requests, 1), (&spent.handles, handles)] {
            let less = |n: u32| Some(n.saturating_sub(by));
            let _before = counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        }
    }
}

fn hour_of(now: Timestamp) -> i64 {
    now.as_millisecond().div_euclid(HOUR_MS)
}
