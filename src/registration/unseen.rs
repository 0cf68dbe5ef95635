//! Accounts that were registered and never seen again: what gives away the owner of a number range who enters
//! his own codes, and so converts well enough for every guard.

use crate::model::account::Account;
use crate::model::keys::Keys;
use crate::model::sealed::open;
use crate::store::Store;
use crate::verification::{Failure, opened_number};
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

const PAGE: i64 = 1_000;
/// Who has come back only within it may have registered twice.
const A_DAY: Duration = Duration::from_hours(24);

/// The accounts of numbers that begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnseenPrefix {
    /// Their country.
    pub country: String,
    /// Their numbers less the last six digits.
    pub prefix: String,
    /// How many were registered in the period.
    pub accounts: u64,
    /// Of these, how many had no device that was seen a day later or after that.
    pub unseen: u64,
}

/// The accounts that were registered in a period, by prefix, those with the most unseen ones first.
///
/// # Errors
/// When the database fails or a number cannot be opened.
pub async fn never_seen_again(
    store: &Store,
    keys: &Keys,
    period: (Timestamp, Timestamp),
) -> Result<Vec<UnseenPrefix>, Failure> {
    let mut prefixes: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.accounts_seen(period, after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.id);
        for (account, seen) in &page {
            let plain = open(keys.number(), &Account::number_place(&account.id), &account.number_sealed)?;
            let number = opened_number(&plain)?;
            let key = (number.country(), number.less_digits(6).to_owned());
            let (accounts, unseen) = prefixes.entry(key).or_default();
            *accounts += 1;
            *unseen += u64::from(seen.is_none_or(|seen| seen < account.created_at + A_DAY));
        }
    }
    let mut report: Vec<UnseenPrefix> = prefixes
        .into_iter()
        .map(|((country, prefix), (accounts, unseen))| UnseenPrefix { country, prefix, accounts, unseen })
        .collect();
    report.sort_by_key(|row| Reverse(row.unseen));
    Ok(report)
}
