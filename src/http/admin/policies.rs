//! `/admin/api/v1/policies`: what admins have decided of countries and prefixes.

use super::{Permit, rights};
use crate::http::extract::{Json, Name};
use crate::http::meta::ProblemDocument;
use crate::http::{Problem, Services};
use crate::model::admin::Permission;
use crate::model::policy::{Policy, PolicySubject, Verdict};
use crate::oversight::{GuardState, with_reason};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

const HOUR: Duration = Duration::from_hours(1);
/// Past this a policy is as good as one that is taken back by hand.
const LONGEST_HOURS: u32 = 100_000;

/// What holds in place of the configuration, on every node within a second.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PoliciesView {
    policies: Vec<PolicyView>,
}

#[derive(Serialize, ToSchema)]
struct PolicyView {
    /// A country (ISO 3166), or a prefix with its plus sign.
    subject: String,
    /// `block`, `allow` or `monitor`.
    verdict: String,
    reason: String,
    /// The admin who decided.
    set_by: String,
    #[schema(value_type = String, format = DateTime)]
    set_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// What to decide of a country or prefix.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct PolicyBody {
    /// `block`, `allow` or `monitor`.
    #[schema(example = "block")]
    pub(in crate::http) verdict: String,
    /// Why, in at least 10 characters.
    pub(in crate::http) reason: String,
    /// For how long; not given: until it is taken back.
    pub(in crate::http) hours: Option<u32>,
}

impl From<Policy> for PolicyView {
    fn from(policy: Policy) -> Self {
        Self {
            subject: policy.subject.as_str().to_owned(),
            verdict: policy.verdict.as_str().to_owned(),
            reason: policy.reason,
            set_by: policy.set_by,
            set_at: policy.set_at,
            expires_at: policy.expires_at,
        }
    }
}

impl PolicyBody {
    /// What is decided of `subject`, and by whom.
    pub(in crate::http) fn decision(
        &self,
        subject: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Policy, Problem> {
        let unread = || {
            Problem::field(
                "subject",
                "must be a country like FI, or a prefix like +35840 of at most 11 digits",
            )
        };
        let unknown = || Problem::field("verdict", "must be block, allow or monitor");
        let reason = with_reason(&self.reason).map_err(|cause| Problem::look(&cause, now))?;
        if self.hours.is_some_and(|hours| !(1..=LONGEST_HOURS).contains(&hours)) {
            return Err(Problem::field("hours", "must be 1 to 100000, or not given"));
        }
        Ok(Policy {
            subject: PolicySubject::parse(subject).ok_or_else(unread)?,
            verdict: Verdict::parse(&self.verdict).ok_or_else(unknown)?,
            reason: reason.to_owned(),
            set_by: by.to_owned(),
            set_at: now,
            expires_at: self.hours.map(|hours| now + HOUR * hours),
        })
    }
}

/// How the guard stands at a country or prefix.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct GuardView {
    guards: Vec<GuardStateView>,
    /// What was decided of it.
    policy: Option<PolicyView>,
}

#[derive(Serialize, ToSchema)]
struct GuardStateView {
    /// `guard_country`, `guard_number_block` (less four digits) or `guard_number_range` (less six).
    level: String,
    /// What is left to everybody.
    left_percent: u32,
    /// What is left to whoever solves a challenge.
    second_lane_percent: u32,
    /// Until when nobody is let through without a captcha.
    #[schema(value_type = Option<String>, format = DateTime)]
    paused_until: Option<Timestamp>,
    /// Messages to the range today and yesterday (UTC).
    sends: Option<i64>,
    /// How many of their codes were approved.
    approvals: Option<i64>,
}

impl From<GuardState> for GuardStateView {
    fn from(state: GuardState) -> Self {
        let (sends, approvals) = state.conversion.unzip();
        Self {
            level: state.level.as_str().to_owned(),
            left_percent: state.left_percent,
            second_lane_percent: state.second_percent,
            paused_until: state.paused_until,
            sends,
            approvals,
        }
    }
}

/// `GET /admin/api/v1/policies/{subject}`: how the guard stands there, and what was decided. Wants `see_guard`, and of a
/// prefix `filter_by_prefix`.
#[utoipa::path(get, path = "/admin/api/v1/policies/{subject}", tag = "admin",
    params(("subject" = String, Path, description = "A country (ISO 3166), or a number without its last four or six digits")),
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "How it stands", body = GuardView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
    (status = 404, description = "`not_found`: neither a country nor a prefix", body = ProblemDocument),
))]
pub(in crate::http) async fn one(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeGuard>,
    Name(subject): Name,
) -> Result<Answer<GuardView>, Problem> {
    let subject = PolicySubject::parse(&subject).ok_or_else(Problem::not_found)?;
    if subject.kind() == "prefix" && !permit.caller.may(Permission::FilterByPrefix) {
        return Err(Problem::not_permitted(Permission::FilterByPrefix));
    }
    let guards = services.oversight.guard_states(&subject, permit.now).await?;
    let policies = services.oversight.policies(permit.now).await?;
    let policy = policies.into_iter().find(|policy| policy.subject == subject);
    Ok(Answer(GuardView {
        guards: guards.into_iter().map(GuardStateView::from).collect(),
        policy: policy.map(PolicyView::from),
    }))
}

/// `GET /admin/api/v1/policies`: what was decided. Wants `see_guard`.
#[utoipa::path(get, path = "/admin/api/v1/policies", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "What was decided", body = PoliciesView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn list(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeGuard>,
) -> Result<Answer<PoliciesView>, Problem> {
    let policies = services.oversight.policies(permit.now).await?;
    Ok(Answer(PoliciesView { policies: policies.into_iter().map(PolicyView::from).collect() }))
}

/// `PUT /admin/api/v1/policies/{subject}`: decides of a country or prefix. Wants `change_guard`.
#[utoipa::path(put, path = "/admin/api/v1/policies/{subject}", tag = "admin",
    params(("subject" = String, Path, description = "A country (ISO 3166), or a prefix with its plus sign")),
    security(("admin_session" = []), ("api_token" = [])), request_body = PolicyBody, responses(
    (status = 204, description = "Decided"),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
))]
pub(in crate::http) async fn set(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::ChangeGuard>,
    Name(subject): Name,
    Json(body): Json<PolicyBody>,
) -> Result<StatusCode, Problem> {
    let policy = body.decision(&subject, &permit.caller.signature(), permit.now)?;
    services.oversight.set_policy(&policy).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /admin/api/v1/policies/{subject}`: takes it back. Wants `change_guard`.
#[utoipa::path(delete, path = "/admin/api/v1/policies/{subject}", tag = "admin",
    params(("subject" = String, Path, description = "A country (ISO 3166), or a prefix with its plus sign")),
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 204, description = "Taken back"),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`: nothing was decided of it", body = ProblemDocument),
))]
pub(in crate::http) async fn remove(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::ChangeGuard>,
    Name(subject): Name,
) -> Result<StatusCode, Problem> {
    let subject = PolicySubject::parse(&subject).ok_or_else(Problem::not_found)?;
    let removed = services.oversight.remove_policy(&subject, "taken back", permit.now).await?;
    removed.then_some(StatusCode::NO_CONTENT).ok_or_else(Problem::not_found)
}
