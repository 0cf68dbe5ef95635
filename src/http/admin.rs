//! The admin API and the console: every route on one screen.

pub(super) mod accounts;
pub(super) mod audit;
mod cookies;
mod fields;
mod forged;
mod permit;
pub(super) mod policies;
mod refused;
mod session;
pub(super) mod sums;
mod team;
mod tokens;
pub(super) mod verifications;

pub(super) use cookies::{Cookies, begin, end, know};
pub(super) use fields::{Fields, time};
pub(super) use forged::comes_from_here;
pub(super) use permit::{Fresh, FreshlySignedIn, Permit, SignedIn, rights};
pub(super) use refused::is_local;

use super::{Services, console};
use crate::model::secret::PlainSecret;
use axum::Router;
use axum::http::{HeaderMap, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use console::{
    accounts as account_pages, audit as audit_page, countries, enrol, now, sign_in, team as team_page,
    verifications as attempt_pages, you,
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
        .routes(routes!(sums::now))
        .routes(routes!(sums::switch))
        .routes(routes!(sums::gateways))
        .routes(routes!(sums::countries))
        .routes(routes!(policies::list))
        .routes(routes!(policies::one, policies::set, policies::remove))
        .routes(routes!(verifications::list))
        .routes(routes!(verifications::search))
        .routes(routes!(verifications::one))
        .routes(routes!(verifications::reveal))
        .routes(routes!(verifications::unblock))
        .routes(routes!(accounts::search))
        .routes(routes!(accounts::one, accounts::erase))
        .routes(routes!(accounts::reveal))
        .routes(routes!(accounts::lock))
        .routes(routes!(accounts::unlock))
        .routes(routes!(accounts::export))
        .routes(routes!(accounts::revoke))
        .routes(routes!(audit::entries))
        .routes(routes!(audit::entry))
        .routes(routes!(audit::proof))
        .routes(routes!(audit::log))
        .routes(routes!(audit::catalogue))
        .routes(routes!(audit::schema))
        .routes(routes!(audit::verify))
        .routes(routes!(audit::export))
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
        .route("/admin/verifications", get(attempt_pages::page))
        .route("/admin/verifications.csv", get(attempt_pages::table))
        .route("/admin/verifications/search", post(attempt_pages::search))
        .route("/admin/verifications/{id}", get(attempt_pages::one))
        .route("/admin/verifications/{id}/reveal", post(attempt_pages::reveal))
        .route("/admin/verifications/{id}/unblock", post(attempt_pages::unblock))
        .route("/admin/countries", get(countries::page))
        .route("/admin/countries/policy", post(countries::set_policy))
        .route("/admin/countries/remove", post(countries::remove_policy))
        .route("/admin/gateways", get(countries::gateways))
        .route("/admin/accounts", get(account_pages::page))
        .route("/admin/accounts/search", post(account_pages::search))
        .route("/admin/accounts/{id}", get(account_pages::one))
        .route("/admin/accounts/{id}/revoke", post(account_pages::revoke))
        .route("/admin/accounts/{id}/lock", post(account_pages::lock))
        .route("/admin/accounts/{id}/unlock", post(account_pages::unlock))
        .route("/admin/accounts/{id}/reveal", post(account_pages::reveal))
        .route("/admin/accounts/{id}/export", post(account_pages::export))
        .route("/admin/accounts/{id}/erase", post(account_pages::erase))
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
    pages().layer(from_fn(forged::lift)).layer(from_fn_with_state(services.clone(), console::headers))
}

/// The link by which an invitation is taken up: by the public name, else by the one that the request came to.
pub(super) fn enrol_link(services: &Services, headers: &HeaderMap, secret: &PlainSecret) -> String {
    let public = services.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let base = public.unwrap_or_else(|| format!("http://{host}"));
    format!("{base}{ENROL}{}", secret.expose())
}
