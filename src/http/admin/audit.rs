//! `/admin/api/v1/audit`: the log of what was done.

mod asked;

pub(in crate::http) use asked::{AuditQuery, ExportBody, format};

use super::{Permit, rights};
use crate::audit::{CSV, ExportFormat, Verification, Verified};
use crate::http::extract::{Json, Name};
use crate::http::meta::ProblemDocument;
use crate::http::{Problem, Services, stream};
use crate::model::audit::{Action, Entry};
use crate::store::{LogFilter, LogPage, LoggedEntry};
use axum::Json as Answer;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;

/// Entries that are verified while somebody waits.
const VERIFIED_AT_ONCE: u64 = 100_000;

/// A page of the log, the newest entries first.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct EntriesView {
    entries: Vec<EntryView>,
    /// `before` of the next page, if there may be one.
    next: Option<u64>,
}

/// An entry with its place in the log.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct EntryView {
    index: u64,
    /// The entry, byte for byte as it was logged.
    #[schema(value_type = Entry)]
    entry: Box<RawValue>,
}

/// How the log fares.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct LogView {
    /// How many entries it has.
    size: u64,
    /// The newest signed checkpoint (C2SP `tlog-checkpoint`).
    checkpoint: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    signed_at: Option<Timestamp>,
    /// The public keys of the log, the one in use first.
    keys: Vec<String>,
    /// Events that have no place yet.
    pending: u64,
}

/// What a verification found.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct VerifiedView {
    /// Whether nothing is wrong.
    sound: bool,
    entries: u64,
    checkpoints: u64,
    /// What is wrong, the first hundred of it.
    damages: Vec<String>,
}

/// An action of the catalogue.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ActionView {
    action: &'static str,
    /// `info`, `notice` or `warning`.
    #[schema(value_type = String)]
    level: crate::model::audit::Level,
    meaning: &'static str,
}

impl EntryView {
    fn new(logged: LoggedEntry) -> Option<Self> {
        Some(Self { index: logged.idx, entry: RawValue::from_string(logged.entry).ok()? })
    }
}

/// `GET /admin/api/v1/audit/entries`: a page of the log, the newest first. Wants `see_audit_log`.
#[utoipa::path(get, path = "/admin/api/v1/audit/entries", tag = "admin", params(AuditQuery),
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The page", body = EntriesView),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn entries(
    State(services): State<Arc<Services>>,
    _: Permit<rights::SeeAuditLog>,
    query: Result<Query<AuditQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Answer<EntriesView>, Problem> {
    let Query(query) = query.map_err(|_| Problem::field("before, limit", "must be whole numbers"))?;
    let (filter, limit) = (query.filter()?, query.page()?);
    let found = services.audit.find(&filter, LogPage::Before(query.before), limit).await?;
    let full = i64::try_from(found.len()).is_ok_and(|found| found == limit);
    let next = found.last().map(|last| last.idx).filter(|last| full && *last > 0);
    Ok(Answer(EntriesView { entries: found.into_iter().filter_map(EntryView::new).collect(), next }))
}

/// `GET /admin/api/v1/audit/entries/{index}`: one entry. Wants `see_audit_log`.
#[utoipa::path(get, path = "/admin/api/v1/audit/entries/{index}", tag = "admin",
    params(("index" = u64, Path, description = "Its place in the log")),
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The entry", body = EntryView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
))]
pub(in crate::http) async fn entry(
    State(services): State<Arc<Services>>,
    _: Permit<rights::SeeAuditLog>,
    Name(index): Name,
) -> Result<Answer<EntryView>, Problem> {
    let found = at(&services, &index).await?;
    EntryView::new(found).map(Answer).ok_or_else(Problem::not_found)
}

/// `GET /admin/api/v1/audit/entries/{index}/proof`: that it is in the log (C2SP `tlog-proof`). Wants `see_audit_log`.
#[utoipa::path(get, path = "/admin/api/v1/audit/entries/{index}/proof", tag = "admin",
    params(("index" = u64, Path, description = "Its place in the log")),
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The proof", body = String, content_type = "text/plain"),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
))]
pub(in crate::http) async fn proof(
    State(services): State<Arc<Services>>,
    _: Permit<rights::SeeAuditLog>,
    Name(index): Name,
) -> Result<Response, Problem> {
    let index = index.parse().map_err(|_| Problem::not_found())?;
    let mut prover = services.audit.prover().await?.ok_or_else(Problem::not_found)?;
    let proof = prover.prove(index).await?.ok_or_else(Problem::not_found)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], proof.to_text()).into_response())
}

/// The entry at a place that was asked for.
pub(in crate::http) async fn at(services: &Services, index: &str) -> Result<LoggedEntry, Problem> {
    let index: u64 = index.parse().map_err(|_| Problem::not_found())?;
    services.audit.entry(index).await?.ok_or_else(Problem::not_found)
}

/// `GET /admin/api/v1/audit/log`: how the log fares, and its public keys. Wants `see_audit_log`.
#[utoipa::path(get, path = "/admin/api/v1/audit/log", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The log", body = LogView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn log(
    State(services): State<Arc<Services>>,
    _: Permit<rights::SeeAuditLog>,
) -> Result<Answer<LogView>, Problem> {
    let head = services.audit.checkpoint().await?;
    let pending = services.audit.waiting().await?;
    let keys = services.audit.public_keys().await?.iter().map(|key| format!("{key:?}")).collect();
    Ok(Answer(LogView {
        size: head.as_ref().map_or(0, |head| head.edge.size()),
        signed_at: head.as_ref().map(|head| head.signed_at),
        checkpoint: head.map(|head| head.note),
        keys,
        pending,
    }))
}

/// `GET /admin/api/v1/audit/schema`: the form of entries, as JSON Schema 2020-12. Wants `see_audit_log`.
#[utoipa::path(get, path = "/admin/api/v1/audit/schema", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The schema", body = Object, content_type = "application/schema+json"),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn schema(_: Permit<rights::SeeAuditLog>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/schema+json")], Answer(crate::audit::schema()))
}

/// `GET /admin/api/v1/audit/catalogue`: every action that is written to the log. Wants `see_audit_log`.
#[utoipa::path(get, path = "/admin/api/v1/audit/catalogue", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The actions", body = Vec<ActionView>),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn catalogue(_: Permit<rights::SeeAuditLog>) -> Answer<Vec<ActionView>> {
    let view = |action: &Action| ActionView {
        action: action.as_str(),
        level: action.level(),
        meaning: action.meaning(),
    };
    Answer(Action::ALL.iter().map(view).collect())
}

/// `POST /admin/api/v1/audit/verify`: verifies the whole log, while it is short. Wants `verify_audit_log`.
#[utoipa::path(post, path = "/admin/api/v1/audit/verify", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "What was found", body = VerifiedView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
    (status = 409, description = "`log_too_long`: more than 100 000 entries", body = ProblemDocument),
))]
pub(in crate::http) async fn verify(
    State(services): State<Arc<Services>>,
    _: Permit<rights::VerifyAuditLog>,
) -> Result<Answer<VerifiedView>, Problem> {
    let found = verified(&services).await?;
    Ok(Answer(VerifiedView {
        sound: found.is_sound(),
        entries: found.entries,
        checkpoints: found.checkpoints,
        damages: found.damages.iter().map(ToString::to_string).collect(),
    }))
}

/// Verifies the log of the database beside the request, whose patience with the database is short.
pub(in crate::http) async fn verified(services: &Services) -> Result<Verified, Problem> {
    let log = services.audit.clone();
    if log.checkpoint().await?.is_some_and(|head| head.edge.size() > VERIFIED_AT_ONCE) {
        return Err(Problem::log_too_long());
    }
    let keys = log.public_keys().await?;
    let verifying = async move { Verification::new(keys, &[]).of_database(&log).await };
    let verified = services.effects.spawn(verifying).await.map_err(|ended| Problem::unavailable(&ended))?;
    Ok(verified?)
}

/// `POST /admin/api/v1/audit/export`: entries as a file, the oldest first, written to the log. Wants `export_audit_log`.
#[utoipa::path(post, path = "/admin/api/v1/audit/export", tag = "admin", request_body = ExportBody,
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The entries, streamed", body = String, content_type = "application/x-ndjson"),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
))]
pub(in crate::http) async fn export(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::ExportAuditLog>,
    Json(body): Json<ExportBody>,
) -> Result<Response, Problem> {
    export_of(&services, body.query.filter()?, body.format()?, permit.now).await
}

/// An export as an answer that is made while it is read.
pub(in crate::http) async fn export_of(
    services: &Services,
    filter: LogFilter,
    format: ExportFormat,
    now: Timestamp,
) -> Result<Response, Problem> {
    services.audit.exported(&filter, format, now).await?;
    let mut exporter = services.audit.export(filter, format).await?;
    let (pieces, body): (_, Body) = stream::body();
    services.effects.spawn(async move {
        loop {
            let lines = match exporter.next().await {
                Ok(Some(lines)) => Bytes::from(lines),
                Ok(None) => return,
                // The export's end is missing then, which whoever verifies it sees.
                Err(cause) => return tracing::error!(%cause, "an export of the audit log was cut off"),
            };
            if pieces.send(lines).await.is_err() {
                return;
            }
        }
    });
    let (kind, name) = match format {
        ExportFormat::Csv => (CSV, "attachment; filename=\"audit.csv\""),
        ExportFormat::Jsonl => ("application/x-ndjson", "attachment; filename=\"audit.jsonl\""),
        ExportFormat::Ocsf => ("application/x-ndjson", "attachment; filename=\"audit-ocsf.jsonl\""),
    };
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], body).into_response())
}
