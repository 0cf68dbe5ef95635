//! `/admin/api/v1/team`: admins with their roles.

use super::{Fresh, Permit, enrol_link, rights};
use crate::http::extract::{Json, Name};
use crate::http::meta::ProblemDocument;
use crate::http::{Problem, Services};
use crate::model::admin::{AdminName, INVITATION_LIFETIME, Role, Roles};
use crate::model::id::AdminId;
use crate::model::secret::PlainSecret;
use crate::store::{Admin, ResetBy};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Every admin, by name.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TeamView {
    admins: Vec<AdminView>,
}

/// An admin, as the team sees them.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AdminView {
    id: AdminId,
    name: String,
    roles: Vec<Role>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When they set their password and second factor.
    #[schema(value_type = Option<String>, format = DateTime)]
    enrolled_at: Option<Timestamp>,
    /// Since when they may do nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    disabled_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    signed_in_at: Option<Timestamp>,
    /// Until when they may take up an invitation.
    #[schema(value_type = Option<String>, format = DateTime)]
    invited_until: Option<Timestamp>,
}

/// Who is to be invited.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct InviteBody {
    /// 1 to 64 of `a-z 0-9 . _ - @`.
    #[schema(example = "anna@example.org")]
    name: String,
    roles: Vec<Role>,
}

/// What to change of an admin: one of both.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct AdminChange {
    /// What they are there for from now on.
    roles: Option<Vec<Role>>,
    /// Whether they may do nothing.
    disabled: Option<bool>,
}

/// An invitation: for the invited alone, works once.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct InvitationView {
    /// Nobody is shown it again.
    link: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<Admin> for AdminView {
    fn from(admin: Admin) -> Self {
        Self {
            id: admin.id,
            name: admin.name.to_string(),
            roles: admin.roles.iter().collect(),
            created_at: admin.created_at,
            enrolled_at: admin.enrolled_at,
            disabled_at: admin.disabled_at,
            signed_in_at: admin.signed_in_at,
            invited_until: admin.invited_until,
        }
    }
}

/// `GET /admin/api/v1/team`: every admin, by name. Wants `see_team`.
#[utoipa::path(get, path = "/admin/api/v1/team", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The team", body = TeamView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn list(
    State(services): State<Arc<Services>>,
    _: Permit<rights::SeeTeam>,
) -> Result<Answer<TeamView>, Problem> {
    let admins = services.admins.team().await?.into_iter().map(AdminView::from).collect();
    Ok(Answer(TeamView { admins }))
}

/// `POST /admin/api/v1/team`: invites somebody. Wants `manage_team` and a fresh second factor.
#[utoipa::path(post, path = "/admin/api/v1/team", tag = "admin", security(("admin_session" = [])),
    request_body = InviteBody, responses(
    (status = 201, description = "Invited", body = InvitationView),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `second_factor_due`, `request_forged`", body = ProblemDocument),
    (status = 409, description = "`name_taken`", body = ProblemDocument),
))]
pub(in crate::http) async fn invite(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    headers: HeaderMap,
    Json(body): Json<InviteBody>,
) -> Result<(StatusCode, Answer<InvitationView>), Problem> {
    let name = AdminName::parse(&body.name).ok_or_else(Problem::admin_name)?;
    let invited = services.admins.invite(&permit.caller, name, Roles::of(&body.roles), permit.now).await;
    let secret = invited.map_err(|refused| Problem::team(&refused))?;
    Ok((StatusCode::CREATED, Answer(invitation(&services, &headers, &secret, permit.now))))
}

/// `PATCH /admin/api/v1/team/{id}`: changes an admin's roles, disables or enables them, at once. Wants `manage_team` and
/// a fresh second factor.
#[utoipa::path(patch, path = "/admin/api/v1/team/{id}", tag = "admin", security(("admin_session" = [])),
    request_body = AdminChange, responses(
    (status = 204, description = "Changed"),
    (status = 400, description = "`body_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `second_factor_due`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`, or nothing to change", body = ProblemDocument),
    (status = 409, description = "`last_admin`", body = ProblemDocument),
))]
pub(in crate::http) async fn change(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Name(id): Name,
    Json(body): Json<AdminChange>,
) -> Result<StatusCode, Problem> {
    let id = AdminId::parse(&id).ok_or_else(Problem::not_found)?;
    let changed = match (body.roles, body.disabled) {
        (Some(roles), None) => {
            services.admins.set_roles(&permit.caller, id, &Roles::of(&roles), permit.now).await
        }
        (None, Some(true)) => services.admins.disable(id, permit.now).await,
        (None, Some(false)) => services.admins.enable(id, permit.now).await,
        _ => return Err(Problem::body("Send `roles` or `disabled`, one of them.")),
    };
    changed.map_err(|refused| Problem::team(&refused))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /admin/api/v1/team/{id}/sessions`: ends every session of an admin. Wants `manage_team` and a fresh second
/// factor.
#[utoipa::path(delete, path = "/admin/api/v1/team/{id}/sessions", tag = "admin",
    security(("admin_session" = [])), responses(
    (status = 204, description = "Ended"),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `second_factor_due`, `request_forged`", body = ProblemDocument),
))]
pub(in crate::http) async fn end_sessions(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Name(id): Name,
) -> Result<StatusCode, Problem> {
    let id = AdminId::parse(&id).ok_or_else(Problem::not_found)?;
    services.admins.end_sessions(id, permit.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /admin/api/v1/team/{id}/reset`: voids an admin's password, second factor and sessions and invites them anew.
/// Wants `manage_team` and a fresh second factor.
#[utoipa::path(post, path = "/admin/api/v1/team/{id}/reset", tag = "admin",
    security(("admin_session" = [])), responses(
    (status = 201, description = "Invited anew", body = InvitationView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `second_factor_due`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
    (status = 409, description = "`last_admin`", body = ProblemDocument),
))]
pub(in crate::http) async fn reset(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Name(id): Name,
    headers: HeaderMap,
) -> Result<(StatusCode, Answer<InvitationView>), Problem> {
    let id = AdminId::parse(&id).ok_or_else(Problem::not_found)?;
    let reset = services.admins.reset(id, ResetBy::Admin, permit.now).await;
    let secret = reset.map_err(|refused| Problem::team(&refused))?;
    Ok((StatusCode::CREATED, Answer(invitation(&services, &headers, &secret, permit.now))))
}

fn invitation(
    services: &Services,
    headers: &HeaderMap,
    secret: &PlainSecret,
    now: Timestamp,
) -> InvitationView {
    InvitationView { link: enrol_link(services, headers, secret), expires_at: now + INVITATION_LIFETIME }
}
