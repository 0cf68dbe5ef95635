//! `/admin/api/v1/verifications`: attempts to prove a number.

mod asked;

pub(in crate::http) use asked::{AttemptQuery, PAGE, STATUSES};

use super::{Fresh, Permit, rights};
use crate::http::extract::{Json, Name};
use crate::http::meta::ProblemDocument;
use crate::http::{Problem, Services};
use crate::model::admin::Permission;
use crate::model::id::{AccountId, VerificationId};
use crate::model::number::PhoneNumber;
use crate::oversight::Oversight;
use crate::store::{Attempt, AttemptFilter, AttemptStep};
use axum::Json as Answer;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A page of attempts, the newest first.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AttemptsView {
    verifications: Vec<AttemptView>,
    /// `before` of the next page, if there may be one.
    next: Option<String>,
}

/// An attempt to prove a number.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AttemptView {
    /// That of the verification; of a start that was refused one of its own.
    id: VerificationId,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// Masked: country code and last two digits.
    phone_number: String,
    country: String,
    /// `pending`, `approved`, `expired`, `exhausted` or `refused`.
    status: String,
    /// The last reason why something was refused.
    reason: Option<String>,
    /// Of the last message.
    channel: String,
    /// Of the last message.
    gateway: String,
    deliveries: i64,
    price_millionths: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    approved_at: Option<Timestamp>,
    /// The account that came of it.
    account_id: Option<AccountId>,
}

/// An attempt with what happened to it.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TimelineView {
    #[serde(flatten)]
    attempt: AttemptView,
    /// In order; the first 500.
    steps: Vec<StepView>,
}

#[derive(Serialize, ToSchema)]
struct StepView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Of the audit log's catalogue.
    action: String,
    outcome: String,
    reason: Option<String>,
    channel: Option<String>,
    gateway: Option<String>,
    price_millionths: Option<i64>,
    /// The place of the event in the audit log.
    audit_index: u64,
}

/// A whole number, which goes into no address.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct NumberBody {
    /// With its country code.
    #[schema(example = "+358401234567")]
    phone_number: String,
}

/// Why it is done.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ReasonBody {
    /// At least 10 characters: a ticket, who asked. It is written to the audit log.
    pub(in crate::http) reason: String,
}

/// A whole number, shown once that is written down.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RevealedView {
    pub(in crate::http) phone_number: String,
}

impl NumberBody {
    pub(in crate::http) fn number(&self) -> Result<PhoneNumber, Problem> {
        PhoneNumber::parse(&self.phone_number, None).map_err(Problem::number)
    }
}

impl AttemptView {
    fn new(oversight: &Oversight, attempt: Attempt, now: Timestamp) -> Self {
        Self {
            id: VerificationId::from_bytes(attempt.id),
            started_at: attempt.started_at,
            status: oversight.status(&attempt, now).to_owned(),
            phone_number: attempt.masked,
            country: attempt.country,
            reason: attempt.reason,
            channel: attempt.channel,
            gateway: attempt.gateway,
            deliveries: attempt.deliveries,
            price_millionths: attempt.price,
            approved_at: attempt.approved_at,
            account_id: attempt.account.map(AccountId::from_bytes),
        }
    }
}

impl From<AttemptStep> for StepView {
    fn from(step: AttemptStep) -> Self {
        Self {
            at: step.at,
            action: step.action,
            outcome: step.outcome,
            reason: step.reason,
            channel: step.channel,
            gateway: step.gateway,
            price_millionths: step.price,
            audit_index: step.log_idx,
        }
    }
}

/// `GET /admin/api/v1/verifications`: a page of attempts, the newest first. Wants `see_verifications`, and for `prefix`
/// `filter_by_prefix`.
#[utoipa::path(get, path = "/admin/api/v1/verifications", tag = "admin", params(AttemptQuery),
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The page", body = AttemptsView),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn list(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeVerifications>,
    query: Result<Query<AttemptQuery>, QueryRejection>,
) -> Result<Answer<AttemptsView>, Problem> {
    let Query(query) = query.map_err(|_| Problem::field("limit", "must be a whole number"))?;
    let may_prefix = permit.caller.may(Permission::FilterByPrefix);
    let filter = query.filter(&services.oversight, permit.now, may_prefix)?;
    page(&services, &filter, query.page()?, permit.now).await
}

async fn page(
    services: &Services,
    filter: &AttemptFilter,
    limit: i64,
    now: Timestamp,
) -> Result<Answer<AttemptsView>, Problem> {
    let found = services.oversight.attempts(filter, limit).await?;
    let full = i64::try_from(found.len()).is_ok_and(|found| found == limit);
    let next = found.last().filter(|_| full).map(AttemptQuery::behind);
    let view = |attempt| AttemptView::new(&services.oversight, attempt, now);
    Ok(Answer(AttemptsView { verifications: found.into_iter().map(view).collect(), next }))
}

/// `POST /admin/api/v1/verifications/search`: the newest 50 attempts of a whole number; the search is written to the audit
/// log. Wants `search_by_number`.
#[utoipa::path(post, path = "/admin/api/v1/verifications/search", tag = "admin", request_body = NumberBody,
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The attempts", body = AttemptsView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
    (status = 422, description = "`number_invalid`", body = ProblemDocument),
    (status = 429, description = "`rate_limited`: searched as often as an hour allows", body = ProblemDocument),
))]
pub(in crate::http) async fn search(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SearchByNumber>,
    Json(body): Json<NumberBody>,
) -> Result<Answer<AttemptsView>, Problem> {
    let index = services.oversight.search(&permit.caller, &body.number()?, permit.now).await;
    let index = index.map_err(|cause| Problem::look(&cause, permit.now))?;
    let filter = AttemptFilter { number: Some(index.as_bytes().to_vec()), ..AttemptFilter::default() };
    page(&services, &filter, PAGE, permit.now).await
}

/// `GET /admin/api/v1/verifications/{id}`: an attempt with what happened to it. Wants `see_verifications`.
#[utoipa::path(get, path = "/admin/api/v1/verifications/{id}", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The attempt", body = TimelineView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
))]
pub(in crate::http) async fn one(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeVerifications>,
    Name(id): Name,
) -> Result<Answer<TimelineView>, Problem> {
    let found = services.oversight.attempt(bytes(&id)?.as_bytes()).await?;
    let (attempt, steps) = found.ok_or_else(Problem::not_found)?;
    let attempt = AttemptView::new(&services.oversight, attempt, permit.now);
    Ok(Answer(TimelineView { attempt, steps: steps.into_iter().map(StepView::from).collect() }))
}

/// `POST /admin/api/v1/verifications/{id}/reveal`: its whole number. Wants `reveal` and a fresh second factor.
#[utoipa::path(post, path = "/admin/api/v1/verifications/{id}/reveal", tag = "admin",
    security(("admin_session" = [])), request_body = ReasonBody, responses(
    (status = 200, description = "The number", body = RevealedView),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `second_factor_due`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
    (status = 429, description = "`rate_limited`: shown as many as an hour allows", body = ProblemDocument),
))]
pub(in crate::http) async fn reveal(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::Reveal>,
    Name(id): Name,
    Json(body): Json<ReasonBody>,
) -> Result<Answer<RevealedView>, Problem> {
    let id = bytes(&id)?;
    let shown =
        services.oversight.reveal_attempt(&permit.caller, id.as_bytes(), &body.reason, permit.now).await;
    let number = shown.map_err(|cause| Problem::look(&cause, permit.now))?;
    Ok(Answer(RevealedView { phone_number: number.e164().to_owned() }))
}

/// `POST /admin/api/v1/verifications/{id}/unblock`: clears what limits have counted of its number. Wants
/// `unblock_number`.
#[utoipa::path(post, path = "/admin/api/v1/verifications/{id}/unblock", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), request_body = ReasonBody, responses(
    (status = 204, description = "The number may ask for a code again"),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
))]
pub(in crate::http) async fn unblock(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::UnblockNumber>,
    Name(id): Name,
    Json(body): Json<ReasonBody>,
) -> Result<StatusCode, Problem> {
    let done = services.oversight.unblock_attempt(bytes(&id)?.as_bytes(), &body.reason, permit.now).await;
    done.map_err(|cause| Problem::look(&cause, permit.now))?;
    Ok(StatusCode::NO_CONTENT)
}

fn bytes(id: &str) -> Result<VerificationId, Problem> {
    VerificationId::parse(id).ok_or_else(Problem::not_found)
}
