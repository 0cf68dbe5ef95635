//! The public API: every route on one screen.

mod accounts;
mod admin;
mod audit;
mod callbacks;
mod callers;
mod console;
mod devices;
mod discovery;
mod extract;
mod idempotency;
mod inbox;
mod layers;
mod lookup_binary;
mod lookup_json;
mod meta;
pub mod ops;
mod problem;
mod shedding;
mod stream;
mod try_page;
mod verifications;

pub use layers::AddressLimit;
pub use problem::Problem;
pub use shedding::Shedding;

use crate::admins::Admins;
use crate::audit::AuditLog;
use crate::clock::Clock;
use crate::devices::Devices;
use crate::discovery::Discovery;
use crate::idempotency::Idempotency;
use crate::model::secret::PlainSecret;
use crate::oversight::Oversight;
use crate::registration::Accounts;
use crate::sender::Inbox;
use crate::store::Store;
use crate::verification::{Reports, Verifications};
use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, Response};
use axum::routing::get;
use ipnet::IpNet;
use meta::Security;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio_util::task::TaskTracker;
use url::Url;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What handlers work with.
#[derive(Debug)]
pub struct Services {
    /// Verifications.
    pub verifications: Verifications,
    /// What gateways report.
    pub reports: Reports,
    /// Accounts.
    pub accounts: Accounts,
    /// Admins.
    pub admins: Admins,
    /// Devices.
    pub devices: Devices,
    /// Discovery.
    pub discovery: Discovery,
    /// What admins see and do.
    pub oversight: Oversight,
    /// The audit log.
    pub audit: AuditLog,
    /// Answers to be repeated.
    pub idempotency: Idempotency,
    /// The time of a request.
    pub clock: Clock,
    /// The database, for health.
    pub store: Store,
    /// Whether the server is draining.
    pub draining: Arc<AtomicBool>,
    /// The inbox, where it may be read.
    pub development: Option<Arc<Development>>,
    /// Requests of one address.
    pub address_limit: AddressLimit,
    /// How many requests are worked on at once.
    pub shedding: Shedding,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[IpNet]>,
    /// How the world reaches the API.
    pub public_url: Option<Url>,
    /// Effects that must not stop halfway when their client goes away.
    pub effects: TaskTracker,
}

impl Services {
    /// The host, with its port if that is a special one, by which the world reaches the API.
    fn public_host(&self) -> Option<&str> {
        let url = self.public_url.as_ref()?;
        Some(&url[url::Position::BeforeHost..url::Position::AfterPort])
    }
}

/// What development adds: codes that can be read back, with the key that `serve` prints.
#[derive(Debug)]
pub struct Development {
    /// The messages.
    pub inbox: Inbox,
    /// The key.
    pub key: PlainSecret,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tuttu",
        description = "Proves that a person holds a phone number, gives each of their devices a token, and tells \
            which of a person's contacts are already users. Errors are RFC 9457 problem details with a stable `code`. \
            Besides what a route names, any request may be answered 400 `json_invalid`, `body_invalid` or \
            `field_invalid` (names the `field`), 404 `not_found`, 405 `method_not_allowed`, 408 `body_too_slow`, \
            413 `body_too_large`, 415 `content_type_unsupported`, and, with `Retry-After`, 429 `rate_limited` or 503 `unavailable`. \
            Forms of the console may be answered 409 `unchanged`."
    ),
    modifiers(&Security),
)]
struct Document;

/// The public API with its document.
fn api() -> (Router<Arc<Services>>, utoipa::openapi::OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(verifications::start))
        .routes(routes!(verifications::state))
        .routes(routes!(verifications::send_again))
        .routes(routes!(verifications::solve))
        .routes(routes!(verifications::check))
        .routes(routes!(accounts::register))
        .routes(routes!(accounts::state, accounts::change, accounts::erase))
        .routes(routes!(devices::list))
        .routes(routes!(devices::revoke))
        .routes(routes!(discovery::epochs))
        .routes(routes!(discovery::lookup))
        .routes(routes!(inbox::messages))
        .routes(routes!(callbacks::report))
        .routes(routes!(callbacks::voice))
        .merge(admin::api())
        .split_for_parts();
    idempotency::describe(&mut document);
    meta::name_problems(&mut document);
    (router, document)
}

/// The API's OpenAPI 3.1 document, as JSON.
#[must_use]
pub fn openapi() -> String {
    let mut json = api().1.to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}

/// The answer to what the public listener refuses by method and raw path, before it is routed: what there is no room for.
pub fn gate(
    services: Arc<Services>,
) -> impl Fn(&Method, &str) -> Option<Response<Bytes>> + Send + Sync + 'static {
    shedding::gate(services)
}

/// Everything that the public listener serves.
pub fn router(services: Arc<Services>) -> Router {
    let (api, document) = api();
    let document: Arc<str> = document.to_json().unwrap_or_default().into();
    let router = api
        .route("/openapi.json", get(move || std::future::ready(meta::document(&document))))
        .route("/audit/checkpoint", get(audit::checkpoint))
        .route("/audit/tile/{*path}", get(audit::tile))
        .route("/livez", get(ops::livez))
        .route("/readyz", get(ops::readyz))
        .route("/try", get(try_page::page))
        .route("/try/{*file}", get(try_page::file))
        .merge(admin::console(&services))
        .fallback(meta::not_found)
        .method_not_allowed_fallback(meta::method_not_allowed);
    layers::wrap(router, &services).with_state(services)
}
