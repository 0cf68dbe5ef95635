//! Verifications as a table for spreadsheets: what the page shows of them, all of it.

use super::Row;
use crate::audit::{CSV, cell};
use crate::http::admin::verifications::AttemptQuery;
use crate::http::admin::{Permit, rights};
use crate::http::console::{PageRefused, Section};
use crate::http::{Problem, Services, stream};
use crate::oversight::Oversight;
use crate::store::{AttemptCursor, AttemptFilter};
use crate::verification::Failure;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use std::sync::Arc;

const HEADER: &str = "started_at,id,number,country,channel,status,reason,gateway,messages\r\n";
/// What stands where the rest could not be read.
const CUT_OFF: &str = "the table ends here before its end: ask for it again\r\n";
/// Rows that are held in memory at once.
const PIECE: i64 = 500;

fn line(row: &Row) -> String {
    let attempt = &row.attempt;
    let cells = [
        attempt.started_at.to_string(),
        row.id.to_string(),
        attempt.masked.clone(),
        attempt.country.clone(),
        attempt.channel.clone(),
        row.status.clone(),
        attempt.reason.clone().unwrap_or_default(),
        attempt.gateway.clone(),
        attempt.deliveries.to_string(),
    ];
    cells.map(|text| cell(&text)).join(",") + "\r\n"
}

/// A table under way.
struct Table {
    oversight: Oversight,
    /// Which rows are left; `None`: none.
    left: Option<AttemptFilter>,
    now: Timestamp,
}

impl Table {
    /// The next lines; `None` behind the last.
    async fn next(&mut self) -> Result<Option<String>, Failure> {
        let Some(mut filter) = self.left.take() else { return Ok(None) };
        let found = self.oversight.attempts(&filter, PIECE).await?;
        let full = i64::try_from(found.len()).is_ok_and(|found| found == PIECE);
        if let Some(last) = found.last().filter(|_| full) {
            let started_at = last.started_at.as_millisecond();
            filter.before = AttemptCursor { started_at, id: last.id };
            self.left = Some(filter);
        }
        let rows = found.into_iter().map(|attempt| Row::new(&self.oversight, attempt, self.now));
        Ok(Some(rows.map(|row| line(&row)).collect()))
    }
}

/// `GET /admin/verifications.csv`: every row of the page's filters, the newest first; written to the audit log.
pub(in crate::http) async fn table(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeVerifications>,
    Query(asked): Query<AttemptQuery>,
) -> Result<Response, PageRefused> {
    let (now, may_prefix) = (permit.now, permit.frame(Section::Verifications).may("filter_by_prefix"));
    let filter = asked.filter(&services.oversight, now, may_prefix)?;
    services.oversight.taken_out(&asked.named(), now).await.map_err(Problem::from)?;
    let mut table = Table { oversight: services.oversight.clone(), left: Some(filter), now };
    let (pieces, body) = stream::body();
    services.effects.spawn(async move {
        let mut lines = Ok(Some(HEADER.to_owned()));
        loop {
            let (piece, over) = match lines {
                Ok(Some(text)) => (text, false),
                Ok(None) => return,
                Err(cause) => {
                    tracing::error!(%cause, "a table of verifications was cut off");
                    (CUT_OFF.to_owned(), true)
                }
            };
            if pieces.send(Bytes::from(piece)).await.is_err() || over {
                return;
            }
            lines = table.next().await;
        }
    });
    let name = "attachment; filename=\"verifications.csv\"";
    Ok(([(header::CONTENT_TYPE, CSV), (header::CONTENT_DISPOSITION, name)], body).into_response())
}
