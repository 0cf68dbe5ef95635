//! The admin API and the console: every route on one screen.

mod cookies;
mod forged;
mod permit;
mod refused;
mod session;

pub(super) use permit::{Permit, SignedIn, rights};
pub(super) use refused::AdminRefused;

use super::{BODY_LIMIT, Services, console};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, map_response};
use axum::routing::get;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where the admin API begins.
const API: &str = "/admin/api/";

/// The JSON API under `/admin/api/v1`, which is part of the document.
pub(super) fn api() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(session::state))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(map_response(console::headers))
}

/// The pages under `/admin`.
pub(super) fn pages() -> Router<Arc<Services>> {
    Router::new()
        .route("/admin", get(console::home))
        .route("/admin/sign-in", get(console::sign_in::page))
        .route("/admin/now", get(console::empty::now))
        .route("/admin/verifications", get(console::empty::verifications))
        .route("/admin/countries", get(console::empty::countries))
        .route("/admin/gateways", get(console::empty::gateways))
        .route("/admin/accounts", get(console::empty::accounts))
        .route("/admin/audit", get(console::empty::audit))
        .route("/admin/team", get(console::empty::team))
        .route("/admin/assets/{*file}", get(console::asset))
        .layer(from_fn(forged::lift))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(map_response(console::headers))
}
