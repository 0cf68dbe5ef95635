//! Which attempts are asked for, by the API and by the page alike.

use crate::http::Problem;
use crate::http::admin::time;
use crate::model::admin::Permission;
use crate::model::id::{AccountId, VerificationId};
use crate::oversight::Oversight;
use crate::store::{Attempt, AttemptCursor, AttemptFilter};
use jiff::Timestamp;
use serde::Deserialize;
use std::time::Duration;
use utoipa::IntoParams;

/// Attempts of a page.
pub(in crate::http) const PAGE: i64 = 50;
const LONGEST_PAGE: u32 = 200;
/// How far back is looked if it is not said.
const WINDOW: Duration = Duration::from_hours(24 * 30);

/// Every status as it is shown.
pub(in crate::http) const STATUSES: [&str; 5] = ["pending", "approved", "expired", "exhausted", "refused"];

/// Filters of attempts; what is empty or not given does not matter.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct AttemptQuery {
    /// The country of the number (ISO 3166).
    #[param(example = "FI")]
    pub(in crate::http) country: String,
    /// The gateway of the last message.
    pub(in crate::http) gateway: String,
    /// `pending`, `approved`, `expired`, `exhausted` or `refused`.
    pub(in crate::http) status: String,
    /// The number without its last four or its last six digits: blocks of the guard, and no deeper.
    #[param(example = "+35840123")]
    pub(in crate::http) prefix: String,
    /// An address that asked: its whole range is meant, an IPv4 /24 or an IPv6 /56.
    #[param(example = "203.0.113.7")]
    pub(in crate::http) address: String,
    /// The account that came of it.
    pub(in crate::http) account: String,
    /// Started not before this time (RFC 3339, or a day in UTC); 30 days ago if not given.
    pub(in crate::http) from: String,
    /// Started before this time.
    pub(in crate::http) until: String,
    /// Behind this attempt: `next` of the page before.
    pub(in crate::http) before: String,
    /// Attempts of the page, 1 to 200; 50 if not given.
    pub(in crate::http) limit: Option<u32>,
}

impl AttemptQuery {
    /// What the attempts are asked for.
    pub(in crate::http) fn filter(
        &self,
        oversight: &Oversight,
        now: Timestamp,
        may_prefix: bool,
    ) -> Result<AttemptFilter, Problem> {
        let mut filter = AttemptFilter {
            country: given(&self.country.to_uppercase()),
            gateway: given(&self.gateway),
            account: given(&self.account).map(|text| account(&text)).transpose()?,
            from: given(&self.from).map_or(Ok(now - WINDOW), |text| time("from", &text))?.as_millisecond(),
            ..AttemptFilter::default()
        };
        if let Some(text) = given(&self.until) {
            filter.before.started_at = time("until", &text)?.as_millisecond();
        }
        if let Some(text) = given(&self.before) {
            filter.before = cursor(&text)?;
        }
        if let Some(status) = given(&self.status) {
            if !STATUSES.contains(&status.as_str()) {
                return Err(Problem::field("status", &format!("must be one of {}", STATUSES.join(", "))));
            }
            oversight.narrow_to_status(&mut filter, &status, now);
        }
        let prefix: String = self.prefix.chars().filter(|c| !c.is_whitespace()).collect();
        if !prefix.is_empty() {
            if !may_prefix {
                return Err(Problem::not_permitted(Permission::FilterByPrefix));
            }
            oversight.narrow(&mut filter, &prefix);
        }
        if let Some(text) = given(&self.address) {
            if !may_prefix {
                return Err(Problem::not_permitted(Permission::FilterByPrefix));
            }
            let address = text.parse().map_err(|_| Problem::field("address", "is no address"))?;
            oversight.narrow_to_range(&mut filter, address);
        }
        Ok(filter)
    }

    /// How many attempts.
    pub(in crate::http) fn page(&self) -> Result<i64, Problem> {
        match self.limit {
            None => Ok(PAGE),
            Some(limit) if (1..=LONGEST_PAGE).contains(&limit) => Ok(i64::from(limit)),
            Some(_) => Err(Problem::field("limit", "must be 1 to 200")),
        }
    }

    /// `before` of the page that goes on behind an attempt.
    pub(in crate::http) fn behind(attempt: &Attempt) -> String {
        format!("{}.{}", attempt.started_at.as_millisecond(), VerificationId::from_bytes(attempt.id))
    }

    /// The filters that are set, by their names.
    pub(in crate::http) fn named(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("country", &self.country),
            ("gateway", &self.gateway),
            ("status", &self.status),
            ("prefix", &self.prefix),
            ("address", &self.address),
            ("account", &self.account),
            ("from", &self.from),
            ("until", &self.until),
        ];
        all.into_iter()
            .map(|(name, value)| (name, value.as_str()))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// The filters as the address of a page says them.
    pub(in crate::http) fn query_string(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.named()).finish()
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn account(text: &str) -> Result<Vec<u8>, Problem> {
    let account = AccountId::parse(text).ok_or_else(|| Problem::field("account", "is no account's id"))?;
    Ok(account.as_bytes().to_vec())
}

fn cursor(text: &str) -> Result<AttemptCursor, Problem> {
    let (at, id) = text.split_once('.').unwrap_or_default();
    let id = VerificationId::parse(id).map(|id| *id.as_bytes());
    match (at.parse(), id) {
        (Ok(started_at), Some(id)) => Ok(AttemptCursor { started_at, id }),
        _ => Err(Problem::field("before", "is no place in the list")),
    }
}
