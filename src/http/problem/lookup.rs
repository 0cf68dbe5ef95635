//! Why a lookup was not answered.

use super::Problem;
use crate::discovery::{Hourly, LookupRefused};
use jiff::Timestamp;

impl Problem {
    /// A lookup was not answered. `epoch_unknown` is for the caller to complete with the live epochs.
    #[must_use]
    pub fn lookup(refused: &LookupRefused, now: Timestamp) -> Self {
        match refused {
            LookupRefused::TooManyHandles { most } => too_many_handles(*most),
            LookupRefused::AboveBudget { capacity } => {
                let detail = format!(
                    "One lookup asks for at most {capacity} new handles. Ask for them in several lookups, as the budget \
                     allows."
                );
                Self::new(400, "too_many_handles", "Too many new handles", detail).with("limit", *capacity)
            }
            LookupRefused::InTwoLists => Self::body("A handle may be in one list only."),
            LookupRefused::EpochUnknown => {
                let detail = "Hash the numbers again with one of `epochs`, and ask again.";
                Self::new(409, "epoch_unknown", "No such epoch", detail)
            }
            LookupRefused::SyncTokenInvalid => {
                let detail = "The token is missing, malformed, of another account or of another set of handles. Start \
                    over: send all handles as new, without a token.";
                Self::new(409, "sync_token_invalid", "The sync token does not fit", detail)
            }
            LookupRefused::Rate { limit, until } => {
                let (detail, limit) = match limit {
                    Hourly::Requests => {
                        ("This account has made its lookups of this hour.", "lookups_per_hour")
                    }
                    Hourly::Handles => (
                        "This account has asked for almost as many handles as it may in an hour: a smaller set may fit.",
                        "lookup_handles_per_hour",
                    ),
                };
                Self::new(429, "lookup_rate", "Too many lookups", detail)
                    .with("limit", limit)
                    .until(*until, now)
            }
            LookupRefused::Shape { sign, until } => {
                let detail = "So many new contacts are not looked up from here today. An unchanged re-sync still works.";
                Self::new(429, "lookup_rate", "Too many lookups", detail)
                    .with("limit", sign.as_str())
                    .until(*until, now)
            }
            LookupRefused::BudgetSpent { until } => {
                let detail = "This number has asked for as many new contacts as it may for now. An unchanged re-sync still works.";
                Self::new(429, "lookup_budget_spent", "The lookup budget is spent", detail)
                    .with("limit", "lookup_budget")
                    .until(*until, now)
            }
            LookupRefused::Failed(cause) => Self::unavailable(cause),
        }
    }
}

/// More handles than a request may hold.
pub(in crate::http) fn too_many_handles(most: usize) -> Problem {
    let detail =
        format!("One lookup holds at most {most} handles. Split the address book into several sets.");
    Problem::new(400, "too_many_handles", "Too many handles", detail).with("limit", most)
}
