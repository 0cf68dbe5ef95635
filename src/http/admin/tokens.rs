//! `/admin/api/v1/tokens`: API tokens, how machines use the admin API.

use super::{Fresh, Permit, rights};
use crate::admins::{MadeApiToken, TokenRequest};
use crate::http::extract::{Json, Name};
use crate::http::meta::ProblemDocument;
use crate::http::{Problem, Services};
use crate::model::admin::{Role, Roles};
use crate::model::id::{AdminId, ApiTokenId};
use crate::store::KeptApiToken;
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

const DAY: Duration = Duration::from_hours(24);

/// Every API token, with those that ended in the last 90 days, the oldest first.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TokensView {
    tokens: Vec<TokenView>,
}

#[derive(Serialize, ToSchema)]
struct TokenView {
    id: ApiTokenId,
    name: String,
    roles: Vec<Role>,
    /// The admin who made it.
    made_by: AdminId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    seen_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct TokenBody {
    /// What it is for, 1 to 100 characters.
    #[schema(example = "nightly export")]
    name: String,
    /// What it may do; no more than whoever makes it.
    roles: Vec<Role>,
    /// How long it lives: 1 to 366 days.
    days: u32,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct MadeView {
    id: ApiTokenId,
    /// Nobody is shown it again.
    token: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<KeptApiToken> for TokenView {
    fn from(token: KeptApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            roles: token.roles.iter().collect(),
            made_by: token.made_by,
            created_at: token.created_at,
            expires_at: token.expires_at,
            seen_at: token.seen_at,
            revoked_at: token.revoked_at,
        }
    }
}

/// `GET /admin/api/v1/tokens`: every API token. Wants `see_team`.
#[utoipa::path(get, path = "/admin/api/v1/tokens", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The tokens", body = TokensView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn list(
    State(services): State<Arc<Services>>,
    _: Permit<rights::SeeTeam>,
) -> Result<Answer<TokensView>, Problem> {
    let tokens = services.admins.tokens().await?.into_iter().map(TokenView::from).collect();
    Ok(Answer(TokensView { tokens }))
}

/// `POST /admin/api/v1/tokens`: makes an API token. Wants `manage_team` and a fresh second factor.
#[utoipa::path(post, path = "/admin/api/v1/tokens", tag = "admin", security(("admin_session" = [])),
    request_body = TokenBody, responses(
    (status = 201, description = "Made", body = MadeView),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `second_factor_due`, `request_forged`", body = ProblemDocument),
))]
pub(in crate::http) async fn make(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Json(body): Json<TokenBody>,
) -> Result<(StatusCode, Answer<MadeView>), Problem> {
    let request = TokenRequest {
        name: body.name.trim().to_owned(),
        roles: Roles::of(&body.roles),
        lifetime: DAY * body.days.min(10_000),
    };
    if let Some(problem) = Problem::token_request(&request) {
        return Err(problem);
    }
    let made = services.admins.make_token(&permit.caller, request, permit.now).await;
    let MadeApiToken { token, expires_at } = made.map_err(|refused| Problem::token(&refused))?;
    Ok((StatusCode::CREATED, Answer(MadeView { id: token.id(), token: token.expose(), expires_at })))
}

/// `DELETE /admin/api/v1/tokens/{id}`: ends an API token at once. Wants `manage_team` and a fresh second factor.
#[utoipa::path(delete, path = "/admin/api/v1/tokens/{id}", tag = "admin",
    security(("admin_session" = [])), responses(
    (status = 204, description = "Ended"),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `second_factor_due`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
))]
pub(in crate::http) async fn revoke(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Name(id): Name,
) -> Result<StatusCode, Problem> {
    let id = ApiTokenId::parse(&id).ok_or_else(Problem::not_found)?;
    let revoked = services.admins.revoke_token(id, permit.now).await?;
    revoked.then_some(StatusCode::NO_CONTENT).ok_or_else(Problem::not_found)
}
