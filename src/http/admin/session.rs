//! `/admin/api/v1/session`: who calls.

use super::SignedIn;
use crate::admins::Shown;
use crate::http::meta::ProblemDocument;
use crate::model::admin::{Permission, Role, SECOND_FACTOR_FRESH};
use axum::Json as Answer;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Who calls, and what they may do.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SessionView {
    /// The admin's name, or the API token's.
    name: String,
    /// `session` or `token`.
    by: &'static str,
    roles: Vec<Role>,
    permissions: Vec<Permission>,
    /// Until when the second factor counts as fresh; a token has none.
    #[schema(value_type = Option<String>, format = DateTime)]
    second_factor_until: Option<Timestamp>,
}

/// `GET /admin/api/v1/session`: who calls, and what they may do.
#[utoipa::path(get, path = "/admin/api/v1/session", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "Who calls", body = SessionView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
))]
pub(in crate::http) async fn state(signed_in: SignedIn) -> Answer<SessionView> {
    let SignedIn { caller, .. } = signed_in;
    let (by, second_factor_until) = match caller.shown {
        Shown::Session { second_factor_at, .. } => ("session", Some(second_factor_at + SECOND_FACTOR_FRESH)),
        Shown::Token { .. } => ("token", None),
    };
    let permissions = Permission::ALL.iter().copied().filter(|permission| caller.may(*permission)).collect();
    let view = SessionView {
        name: caller.name.clone(),
        by,
        roles: caller.roles.iter().collect(),
        permissions,
        second_factor_until,
    };
    Answer(view)
}
