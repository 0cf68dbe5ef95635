//! The admin API and the console: every route on one screen.

pub(super) mod audit;
mod cookies;
mod fields;
mod forged;
mod permit;
mod refused;
mod session;
mod team;
mod tokens;

pub(super) use cookies::{Cookies, begin, end, know};
pub(super) use fields::Fields;
pub(super) use forged::comes_from_here;
pub(super) use permit::{Fresh, FreshlySignedIn, Permit, SignedIn, rights};
pub(super) use refused::is_local;

use super::{BODY_LIMIT, Services, console};
use crate::model::secret::PlainSecret;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use console::{
    accounts, audit as audit_page, countries, enrol, now, sign_in, team as team_page, verifications, you,
};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where the admin API begins.
const API: &str = "/admin/api/";
/// Where an invitation is taken up. Its secret comes after the `#`, which no server and no log is told.
const ENROL: &str = "/admin/enrol#secret=";

/// The JSON API under `/admin/api/v1`, which is part of the document.
pub(super) fn api() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(session::state, session::sign_out))
        .routes(routes!(session::confirm))
        .routes(routes!(team::list, team::invite))
        .routes(routes!(team::change))
        .routes(routes!(team::end_sessions))
        .routes(routes!(team::reset))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::revoke))
        .routes(routes!(audit::entries))
        .routes(routes!(audit::entry))
        .routes(routes!(audit::proof))
        .routes(routes!(audit::log))
        .routes(routes!(audit::catalogue))
        .routes(routes!(audit::verify))
        .routes(routes!(audit::export))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// The pages under `/admin`.
fn pages() -> Router<Arc<Services>> {
    Router::new()
        .route("/admin", get(console::home))
        .route("/admin/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/admin/sign-out", post(sign_in::sign_out))
        .route("/admin/confirm", get(sign_in::confirm_page).post(sign_in::confirm))
        .route("/admin/enrol", get(enrol::page).post(enrol::offer))
        .route("/admin/enrol/finish", post(enrol::finish))
        .route("/admin/you", get(you::page))
        .route("/admin/you/password", post(you::change_password))
        .route("/admin/you/recovery-codes", post(you::renew_codes))
        .route("/admin/you/sign-out-everywhere", post(you::sign_out_everywhere))
        .route("/admin/now", get(now::page))
        .route("/admin/now/sending", post(now::switch))
        .route("/admin/verifications", get(verifications::page))
        .route("/admin/verifications.csv", get(verifications::table))
        .route("/admin/verifications/search", post(verifications::search))
        .route("/admin/verifications/{id}", get(verifications::one))
        .route("/admin/verifications/{id}/reveal", post(verifications::reveal))
        .route("/admin/verifications/{id}/unblock", post(verifications::unblock))
        .route("/admin/countries", get(countries::page))
        .route("/admin/countries/policy", post(countries::set_policy))
        .route("/admin/countries/remove", post(countries::remove_policy))
        .route("/admin/gateways", get(countries::gateways))
        .route("/admin/accounts", get(accounts::page))
        .route("/admin/accounts/search", post(accounts::search))
        .route("/admin/accounts/{id}", get(accounts::one))
        .route("/admin/accounts/{id}/revoke", post(accounts::revoke))
        .route("/admin/accounts/{id}/lock", post(accounts::lock))
        .route("/admin/accounts/{id}/unlock", post(accounts::unlock))
        .route("/admin/accounts/{id}/reveal", post(accounts::reveal))
        .route("/admin/accounts/{id}/export", post(accounts::export))
        .route("/admin/accounts/{id}/erase", post(accounts::erase))
        .route("/admin/audit", get(audit_page::page))
        .route("/admin/audit/verify", post(audit_page::verify))
        .route("/admin/audit/export", post(audit_page::export))
        .route("/admin/audit/{index}", get(audit_page::entry))
        .route("/admin/team", get(team_page::page))
        .route("/admin/team/invite", post(team_page::invite))
        .route("/admin/team/{id}/roles", post(team_page::set_roles))
        .route("/admin/team/{id}/disable", post(team_page::disable))
        .route("/admin/team/{id}/enable", post(team_page::enable))
        .route("/admin/team/{id}/end-sessions", post(team_page::end_sessions))
        .route("/admin/team/{id}/reset", post(team_page::reset))
        .route("/admin/team/tokens", post(team_page::make_token))
        .route("/admin/team/tokens/{id}/revoke", post(team_page::revoke_token))
        .route("/admin/assets/{*file}", get(console::asset))
}

/// The pages, with what stands around each.
pub(super) fn console(services: &Arc<Services>) -> Router<Arc<Services>> {
    pages()
        .layer(from_fn(forged::lift))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(services.clone(), console::headers))
}

/// The link by which an invitation is taken up: by the public name, else by the one that the request came to.
pub(super) fn enrol_link(services: &Services, headers: &HeaderMap, secret: &PlainSecret) -> String {
    let public = services.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let base = public.unwrap_or_else(|| format!("http://{host}"));
    format!("{base}{ENROL}{}", secret.expose())
}
