//! `/admin/api/v1/session`: who calls.

use super::{Cookies, SignedIn, begin, end};
use crate::admins::{AdminCaller, Shown};
use crate::http::extract::Json;
use crate::http::meta::ProblemDocument;
use crate::http::{Problem, Services};
use crate::model::admin::{Permission, Role, SECOND_FACTOR_FRESH};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
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

/// A second factor.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ConfirmBody {
    /// A code of the second factor, or a recovery code.
    code: String,
}

impl SessionView {
    fn new(caller: &AdminCaller) -> Self {
        let (by, second_factor_until) = match caller.shown {
            Shown::Session { second_factor_at, .. } => {
                ("session", Some(second_factor_at + SECOND_FACTOR_FRESH))
            }
            Shown::Token { .. } => ("token", None),
        };
        let permissions = Permission::ALL.iter().copied().filter(|permission| caller.may(*permission));
        Self {
            name: caller.name.clone(),
            by,
            roles: caller.roles.iter().collect(),
            permissions: permissions.collect(),
            second_factor_until,
        }
    }
}

/// `GET /admin/api/v1/session`: who calls, and what they may do.
#[utoipa::path(get, path = "/admin/api/v1/session", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "Who calls", body = SessionView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
))]
pub(in crate::http) async fn state(signed_in: SignedIn) -> Answer<SessionView> {
    Answer(SessionView::new(&signed_in.caller))
}

/// `DELETE /admin/api/v1/session`: signs the session out. An API token stays.
#[utoipa::path(delete, path = "/admin/api/v1/session", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 204, description = "Signed out"),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`request_forged`", body = ProblemDocument),
))]
pub(in crate::http) async fn sign_out(
    State(services): State<Arc<Services>>,
    signed_in: SignedIn,
    cookies: Cookies,
) -> Result<Response, Problem> {
    if let (Shown::Session { .. }, Some(session)) = (&signed_in.caller.shown, cookies.session) {
        services.admins.sign_out(&session, signed_in.now).await?;
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([end()])).into_response())
}

/// `POST /admin/api/v1/session/confirm`: the second factor, again. What needs a fresh one works for five minutes then;
/// the cookie changes.
#[utoipa::path(post, path = "/admin/api/v1/session/confirm", tag = "admin",
    security(("admin_session" = [])), request_body = ConfirmBody, responses(
    (status = 204, description = "Given"),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`request_forged`", body = ProblemDocument),
    (status = 422, description = "`code_incorrect`", body = ProblemDocument),
    (status = 429, description = "`sign_in_too_early`", body = ProblemDocument),
))]
pub(in crate::http) async fn confirm(
    State(services): State<Arc<Services>>,
    signed_in: SignedIn,
    cookies: Cookies,
    Json(body): Json<ConfirmBody>,
) -> Result<Response, Problem> {
    let session = cookies.session.ok_or_else(Problem::not_signed_in)?;
    let renewed = services.admins.step_up(&signed_in.caller, &session, &body.code, signed_in.now).await;
    let renewed = renewed.map_err(|refused| Problem::confirm(&refused, signed_in.now))?;
    Ok((StatusCode::NO_CONTENT, AppendHeaders([begin(&renewed)])).into_response())
}
