//! Sums over attempts, by minute and by hour.

use super::{Before, Seen};
use crate::store::{Store, StoreError, read};
use jiff::Timestamp;

/// How long one sum goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A minute; kept for two days.
    Minute,
    /// An hour; kept as long as attempts.
    Hour,
}

impl Span {
    /// Its length in milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        match self {
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
        }
    }

    /// When the span began that a time lies in.
    #[must_use]
    pub const fn start(self, at: i64) -> i64 {
        at - at.rem_euclid(self.ms())
    }
}

/// Which sums are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountFilter {
    /// By minutes or by hours.
    pub span: Span,
    /// Not before.
    pub from: Timestamp,
    /// Before.
    pub until: Timestamp,
}

impl CountFilter {
    /// Where the minutes begin, the whole hours behind them, the minutes behind those, and where these end.
    fn parts(self) -> [i64; 4] {
        let (from, until) = (self.from.as_millisecond(), self.until.as_millisecond());
        let begin = self.span.start(from);
        let (hours, rest) = match self.span {
            Span::Hour => (begin, until),
            Span::Minute => (Span::Hour.start(begin - 1) + Span::Hour.ms(), Span::Hour.start(until)),
        };
        if hours < rest { [begin, hours, rest, until] } else { [begin, until, until, until] }
    }
}

/// A sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// When its span began, milliseconds since 1970; 0 where it is over the whole period.
    pub at: i64,
    /// The country, or nothing.
    pub country: String,
    /// The gateway, or nothing.
    pub gateway: String,
    /// What is counted: `started`, `refused`, `sent`, `failed`, `unknown`, `delivered`, `undelivered`, `wrong`,
    /// `approved`, `registered`.
    pub kind: String,
    /// Why; of `delivered` how soon.
    pub reason: String,
    /// How many.
    pub number: i64,
    /// What they sum up to: of `sent` the price in millionths, of `delivered` and `approved` milliseconds.
    pub total: i64,
}

pub(super) const ADD: &str =
    "INSERT INTO attempt_counts AS c (span, at, country, gateway, kind, reason, number, total)
    VALUES ($1, $2, $3, $4, $5, $6, 1, $7) ON CONFLICT (span, at, country, gateway, kind, reason)
    DO UPDATE SET number = c.number + 1, total = c.total + excluded.total";
const SERIES: &str =
    "SELECT at, '' AS country, '' AS gateway, kind, '' AS reason, CAST(SUM(number) AS BIGINT),
    CAST(SUM(total) AS BIGINT) FROM attempt_counts
    WHERE span = $1 AND at >= $2 AND at < $3 GROUP BY at, kind ORDER BY at, kind";
/// Of whole hours by the sums of hours, of what is before and behind them by those of minutes. Binds: the two spans, then
/// where each part begins, and where the last ends.
const SUMS: &str = "SELECT CAST(0 AS BIGINT), country, gateway, kind, reason, CAST(SUM(number) AS BIGINT),
    CAST(SUM(total) AS BIGINT) FROM (
        SELECT country, gateway, kind, reason, number, total FROM attempt_counts
        WHERE span = $1 AND at >= $3 AND at < $4
        UNION ALL SELECT country, gateway, kind, reason, number, total FROM attempt_counts
        WHERE span = $2 AND at >= $4 AND at < $5
        UNION ALL SELECT country, gateway, kind, reason, number, total FROM attempt_counts
        WHERE span = $1 AND at >= $5 AND at < $6) AS parts
    GROUP BY country, gateway, kind, reason ORDER BY country, gateway, kind, reason";

type Row = (i64, String, String, String, String, i64, i64);

/// How soon a message arrived.
pub(super) const fn soon(ms: i64) -> &'static str {
    match ms {
        ..2_001 => "2s",
        2_001..5_001 => "5s",
        5_001..10_001 => "10s",
        10_001..30_001 => "30s",
        30_001..60_001 => "60s",
        _ => "more",
    }
}

/// What an event adds to the sums: kind, reason, total, gateway and country.
pub(super) fn counted(
    seen: &Seen,
    before: Option<&Before>,
) -> Option<(&'static str, String, i64, String, String)> {
    let at = seen.at.as_millisecond();
    let reason = seen.reason.clone().unwrap_or_default();
    let since = |then: Option<i64>| then.map_or(0, |then| (at - then).max(0));
    let (kind, reason, total) = match seen.action.as_str() {
        "verification.started" => ("started", String::new(), 0),
        "verification.refused" | "verification.send_refused" => ("refused", reason, 0),
        "verification.code_wrong" => ("wrong", reason, 0),
        "verification.approved" => ("approved", String::new(), since(before.map(|before| before.0))),
        "delivery.sent" => ("sent", String::new(), seen.price),
        "delivery.failed" => ("failed", reason, 0),
        "delivery.unknown" => ("unknown", reason, seen.price),
        "delivery.delivered" => {
            let took = since(before.and_then(|before| before.1));
            ("delivered", soon(took).to_owned(), took)
        }
        "delivery.undelivered" => ("undelivered", reason, 0),
        "account.registered" | "account.replaced" => ("registered", String::new(), 0),
        _ => return None,
    };
    let known = |own: &str, found: Option<&String>| {
        if own.is_empty() { found.cloned().unwrap_or_default() } else { own.to_owned() }
    };
    let gateway = known(&seen.gateway, before.map(|before| &before.2));
    Some((kind, reason, total, gateway, known(&seen.country, before.map(|before| &before.3))))
}

/// Adds an event to the sums, in the transaction `$tx`.
macro_rules! add_counts {
    ($tx:ident, $seen:expr, $before:expr) => {{
        use $crate::store::attempts::counts::{ADD as ADD_COUNT, Span, counted};
        if let Some((kind, reason, total, gateway, country)) = counted($seen, $before.as_ref()) {
            for span in [Span::Minute, Span::Hour] {
                let start = span.start($seen.at.as_millisecond());
                run!($tx, ADD_COUNT, span.ms(), start, &country, &gateway, kind, &reason, total);
            }
        }
    }};
}
pub(super) use add_counts;

fn read_row((at, country, gateway, kind, reason, number, total): Row) -> Counted {
    Counted { at, country, gateway, kind, reason, number, total }
}

impl Store {
    /// Sums of each span in a period over all countries, gateways and reasons, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempt_series(&self, filter: CountFilter) -> Result<Vec<Counted>, StoreError> {
        let (from, until) = (filter.span.start(filter.from.as_millisecond()), filter.until.as_millisecond());
        let rows: Vec<Row> = read!(self, conn => {
            let asked = sqlx::query_as(SERIES).bind(filter.span.ms()).bind(from).bind(until);
            asked.fetch_all(conn).await?
        });
        Ok(rows.into_iter().map(read_row).collect())
    }

    /// Sums over a whole period, by country, gateway, kind and reason.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempt_sums(&self, filter: CountFilter) -> Result<Vec<Counted>, StoreError> {
        let [begin, hours, rest, end] = filter.parts();
        let rows: Vec<Row> = read!(self, conn => {
            let asked = sqlx::query_as(SUMS).bind(Span::Minute.ms()).bind(Span::Hour.ms());
            asked.bind(begin).bind(hours).bind(rest).bind(end).fetch_all(conn).await?
        });
        Ok(rows.into_iter().map(read_row).collect())
    }
}
