//! How many lookups and handles an account may ask for in a fixed hour, paid or not.
//!
//! Counts of all accounts begin anew at the same time, so nothing here has an age: a part forgets its hour as a whole.
//! A general cache would keep the age and the use of every account for each lookup.

use crate::model::id::AccountId;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const HOUR_MS: i64 = 3_600_000;
/// Parts, each under a lock of its own.
const PARTS: usize = 64;
/// Accounts of a part that are counted at once: a million in all.
const ACCOUNTS: usize = 1_000_000 / PARTS;

/// What an account has had enough of in this hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hourly {
    /// Lookups.
    Requests,
    /// Handles.
    Handles,
}

/// Counts what each account asks for, on this node.
#[derive(Debug, Clone)]
pub(super) struct LookupRate {
    requests: u32,
    handles: u32,
    parts: Arc<[Mutex<Part>]>,
}

/// What some accounts asked for in an hour.
#[derive(Debug, Default)]
struct Part {
    hour: i64,
    spent: HashMap<AccountId, Spent>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    requests: u32,
    handles: u32,
}

impl LookupRate {
    /// So many requests and handles an hour.
    pub(super) fn new(requests: u32, handles: u32) -> Self {
        Self { requests, handles, parts: (0..PARTS).map(|_| Mutex::default()).collect() }
    }

    /// Counts a lookup of so many handles, or says when the next hour begins. What is refused is not counted.
    pub(super) fn spend(
        &self,
        account: AccountId,
        handles: u32,
        now: Timestamp,
    ) -> Result<(), (Hourly, Timestamp)> {
        let Some(mut part) = self.part_of(account) else { return Ok(()) };
        // Whoever read the clock just before the hour is counted in the one that others have begun.
        let hour = hour_of(now).max(part.hour);
        let next = Timestamp::from_millisecond((hour + 1) * HOUR_MS).unwrap_or(Timestamp::MAX);
        let spent = part.in_hour(hour).of(account);
        let fits = |spent: u32, more: u32, limit: u32| spent.checked_add(more).filter(|sum| *sum <= limit);
        let requests = fits(spent.requests, 1, self.requests).ok_or((Hourly::Requests, next))?;
        let handles = fits(spent.handles, handles, self.handles).ok_or((Hourly::Handles, next))?;
        *spent = Spent { requests, handles };
        Ok(())
    }

    /// Takes back a lookup that was counted at `now` and then not answered.
    pub(super) fn give_back(&self, account: AccountId, handles: u32, now: Timestamp) {
        let Some(mut part) = self.part_of(account).filter(|part| part.hour == hour_of(now)) else { return };
        let spent = part.of(account);
        spent.requests = spent.requests.saturating_sub(1);
        spent.handles = spent.handles.saturating_sub(handles);
    }

    /// The most handles that any request may hold.
    pub(super) const fn handles(&self) -> u32 {
        self.handles
    }

    fn part_of(&self, account: AccountId) -> Option<MutexGuard<'_, Part>> {
        // Accounts are random: their first byte is as good as any hash of them.
        let part = self.parts.get(usize::from(*account.as_bytes().first()?) % PARTS)?;
        Some(part.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Part {
    fn in_hour(&mut self, hour: i64) -> &mut Self {
        if self.hour != hour {
            (self.hour, self.spent) = (hour, HashMap::new());
        }
        self
    }

    fn of(&mut self, account: AccountId) -> &mut Spent {
        if self.spent.len() >= ACCOUNTS
            && !self.spent.contains_key(&account)
            && let Some(any) = self.spent.keys().next().copied()
        {
            self.spent.remove(&any);
        }
        self.spent.entry(account).or_default()
    }
}

fn hour_of(now: Timestamp) -> i64 {
    now.as_millisecond().div_euclid(HOUR_MS)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn every_account_has_its_limit_in_every_hour() {
        let (rate, anna, bo) = (LookupRate::new(2, 10), AccountId::random(), AccountId::random());
        assert_eq!([3, 8, 7].map(|handles| rate.spend(anna, handles, at(5)).is_ok()), [true, false, true]);
        assert_eq!(rate.spend(anna, 0, at(6)), Err((Hourly::Requests, at(HOUR_MS))));
        assert_eq!(rate.spend(bo, 10, at(6)), Ok(()));
        assert_eq!(rate.spend(anna, 10, at(HOUR_MS)), Ok(()));
    }

    #[test]
    fn what_is_given_back_can_be_spent_again_in_its_hour_only() {
        let (rate, anna) = (LookupRate::new(1, 10), AccountId::random());
        assert_eq!(rate.spend(anna, 10, at(5)), Ok(()));
        rate.give_back(anna, 10, at(5));
        assert_eq!(rate.spend(anna, 10, at(6)), Ok(()));
        assert_eq!(rate.spend(anna, 10, at(HOUR_MS)), Ok(()));
        rate.give_back(anna, 10, at(6));
        assert_eq!(rate.spend(anna, 1, at(HOUR_MS + 1)), Err((Hourly::Requests, at(2 * HOUR_MS))));
    }

    #[test]
    fn who_read_the_clock_before_the_hour_does_not_bring_the_old_one_back() {
        let (rate, anna) = (LookupRate::new(1, 10), AccountId::random());
        assert_eq!(rate.spend(anna, 1, at(HOUR_MS)), Ok(()));
        assert_eq!(rate.spend(anna, 1, at(HOUR_MS - 1)), Err((Hourly::Requests, at(2 * HOUR_MS))));
        assert_eq!(rate.spend(anna, 1, at(HOUR_MS)), Err((Hourly::Requests, at(2 * HOUR_MS))));
    }

    #[test]
    fn a_full_part_forgets_one_for_another() {
        let mut part = Part::default();
        for _ in 0..ACCOUNTS + 10 {
            part.of(AccountId::random()).requests += 1;
        }
        assert_eq!(part.spent.len(), ACCOUNTS);
    }
}
