//! Verifications: found by what is known of them, followed step by step.

mod table;

pub(in crate::http) use table::table;

use super::{Frame, Page, PageRefused, Section};
use crate::http::admin::verifications::{AttemptQuery, PAGE, STATUSES};
use crate::http::admin::{Fields, Fresh, Permit, rights};
use crate::http::extract::Name;
use crate::http::{Problem, Services};
use crate::model::id::{AccountId, VerificationId};
use crate::model::number::PhoneNumber;
use crate::oversight::Oversight;
use crate::store::{Attempt, AttemptFilter, AttemptStep};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use std::sync::Arc;

/// An attempt as a row shows it.
pub(super) struct Row {
    pub(super) id: VerificationId,
    pub(super) attempt: Attempt,
    pub(super) status: String,
}

impl Row {
    pub(super) fn new(oversight: &Oversight, attempt: Attempt, now: Timestamp) -> Self {
        let status = oversight.status(&attempt, now).to_owned();
        Self { id: VerificationId::from_bytes(attempt.id), status, attempt }
    }

    /// Its status as a class.
    pub(super) fn class(&self) -> &'static str {
        match self.status.as_str() {
            "approved" => "good",
            "refused" | "exhausted" => "bad",
            "expired" => "warn",
            _ => "",
        }
    }
}

#[derive(Template)]
#[template(path = "verifications.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct ListPage {
    frame: Frame,
    rows: Vec<Row>,
    asked: AttemptQuery,
    statuses: [&'static str; 5],
    /// Whose they are, where a number was searched for.
    searched: String,
    older: Option<String>,
    address: String,
    error: String,
}

/// The rows of a filter, and where the next page begins.
async fn rows(
    services: &Services,
    filter: &AttemptFilter,
    now: Timestamp,
) -> Result<(Vec<Row>, Option<String>), Problem> {
    let found = services.oversight.attempts(filter, PAGE).await?;
    let full = i64::try_from(found.len()).is_ok_and(|found| found == PAGE);
    let rows: Vec<Row> =
        found.into_iter().map(|attempt| Row::new(&services.oversight, attempt, now)).collect();
    let older = rows.last().filter(|_| full).map(|row| AttemptQuery::behind(&row.attempt));
    Ok((rows, older))
}

/// `GET /admin/verifications`.
pub(in crate::http) async fn page(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeVerifications>,
    Query(asked): Query<AttemptQuery>,
) -> Result<Page<ListPage>, PageRefused> {
    let frame = permit.frame(Section::Verifications);
    let filter = asked.filter(&services.oversight, permit.now, frame.may("filter_by_prefix"))?;
    let (rows, older) = rows(&services, &filter, permit.now).await?;
    let (address, searched, error) = (asked.query_string(), String::new(), String::new());
    Ok(Page(ListPage { frame, rows, asked, statuses: STATUSES, searched, older, address, error }))
}

/// `POST /admin/verifications/search`: by a whole number, which no address shows.
pub(in crate::http) async fn search(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SearchByNumber>,
    fields: Fields,
) -> Result<Page<ListPage>, PageRefused> {
    let now = permit.now;
    let mut page = ListPage {
        frame: permit.frame(Section::Verifications),
        rows: Vec::new(),
        asked: AttemptQuery::default(),
        statuses: STATUSES,
        searched: String::new(),
        older: None,
        address: String::new(),
        error: String::new(),
    };
    match PhoneNumber::parse(fields.text("phone_number"), None) {
        Err(cause) => {
            page.error = format!("This is no number: {cause}. Type it with its country code, like +358…");
        }
        Ok(number) => {
            let searched = services.oversight.search(&permit.caller, &number, now).await;
            let index = searched.map_err(|cause| Problem::look(&cause, now))?;
            let number_index = Some(index.as_bytes().to_vec());
            let filter = AttemptFilter { number: number_index, ..AttemptFilter::default() };
            page.searched = number.masked();
            page.rows = rows(&services, &filter, now).await?.0;
        }
    }
    Ok(Page(page))
}

#[derive(Template)]
#[template(path = "verification.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct AttemptPage {
    frame: Frame,
    row: Row,
    steps: Vec<AttemptStep>,
    account: Option<AccountId>,
    revealed: String,
    told: &'static str,
    error: String,
}

async fn attempt(
    services: &Services,
    frame: Frame,
    id: &str,
    now: Timestamp,
) -> Result<AttemptPage, Problem> {
    let id = VerificationId::parse(id).ok_or_else(Problem::not_found)?;
    let found = services.oversight.attempt(id.as_bytes()).await?;
    let (attempt, steps) = found.ok_or_else(Problem::not_found)?;
    let account = attempt.account.map(AccountId::from_bytes);
    let row = Row::new(&services.oversight, attempt, now);
    Ok(AttemptPage { frame, row, steps, account, revealed: String::new(), told: "", error: String::new() })
}

/// `GET /admin/verifications/{id}`.
pub(in crate::http) async fn one(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeVerifications>,
    Name(id): Name,
) -> Result<Page<AttemptPage>, PageRefused> {
    Ok(Page(attempt(&services, permit.frame(Section::Verifications), &id, permit.now).await?))
}

/// `POST /admin/verifications/{id}/reveal`: the whole number, once it is written down why.
pub(in crate::http) async fn reveal(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::Reveal>,
    Name(id): Name,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let mut page = attempt(&services, permit.frame(Section::Verifications), &id, permit.now).await?;
    let bytes = page.row.attempt.id;
    let shown = services.oversight.reveal_attempt(&permit.caller, &bytes, fields.text("reason"), permit.now);
    match shown.await {
        Ok(number) => number.e164().clone_into(&mut page.revealed),
        Err(cause) => Problem::look(&cause, permit.now).detail().clone_into(&mut page.error),
    }
    Ok(Page(page).into_response())
}

/// `POST /admin/verifications/{id}/unblock`: what limits have counted of its number is cleared.
pub(in crate::http) async fn unblock(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::UnblockNumber>,
    Name(id): Name,
    fields: Fields,
) -> Result<Page<AttemptPage>, PageRefused> {
    let mut page = attempt(&services, permit.frame(Section::Verifications), &id, permit.now).await?;
    let bytes = page.row.attempt.id;
    match services.oversight.unblock_attempt(&bytes, fields.text("reason"), permit.now).await {
        Ok(()) => page.told = "The number may ask for a code again.",
        Err(cause) => Problem::look(&cause, permit.now).detail().clone_into(&mut page.error),
    }
    Ok(Page(page))
}
