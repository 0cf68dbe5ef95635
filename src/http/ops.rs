//! Health, and on the ops listener metrics.

use super::Services;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(1);

/// What the ops listener serves. Keep it private.
pub fn router(services: Arc<Services>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz_verbose))
        .route("/metrics", get(move || std::future::ready(render(&metrics))))
        .fallback(super::meta::not_found)
        .method_not_allowed_fallback(super::meta::method_not_allowed)
        .with_state(services)
}

/// `GET /livez`: the process runs.
pub(super) async fn livez() -> &'static str {
    "ok"
}

/// `GET /readyz`: 200 `ok`, 200 `degraded` while the database does not answer or the view of the directory is not
/// believed, 503 while that is filled for the first time and while draining.
pub(super) async fn readyz(State(services): State<Arc<Services>>) -> (StatusCode, &'static str) {
    readiness(&services, reaches_database(&services).await)
}

fn readiness(services: &Services, reached: bool) -> (StatusCode, &'static str) {
    if services.draining.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining");
    }
    if !services.discovery.is_ready() {
        return (StatusCode::SERVICE_UNAVAILABLE, "filling");
    }
    (StatusCode::OK, if reached && services.discovery.is_fresh() { "ok" } else { "degraded" })
}

async fn reaches_database(services: &Services) -> bool {
    tokio::time::timeout(PATIENCE, services.store.ping()).await.is_ok_and(|ping| ping.is_ok())
}

#[derive(Debug, Deserialize)]
struct Verbosity {
    verbose: Option<String>,
}

/// `GET /readyz?verbose`: the same, and below it what it rests on, a line each.
async fn readyz_verbose(
    State(services): State<Arc<Services>>,
    Query(verbosity): Query<Verbosity>,
) -> (StatusCode, String) {
    let reached = reaches_database(&services).await;
    let (status, word) = readiness(&services, reached);
    if verbosity.verbose.is_none() {
        return (status, word.to_owned());
    }
    let database = if reached { "ok" } else { "does not answer" };
    let view = match services.discovery.lag() {
        _ if !services.discovery.is_ready() => "filling".to_owned(),
        None => "none: every lookup asks the database".to_owned(),
        Some(lag) if services.discovery.is_fresh() => format!("ok, as of {} ms ago", lag.as_millis()),
        Some(lag) => format!("not believed, as of {} s ago: lookups ask the database", lag.as_secs()),
    };
    let draining = if services.draining.load(Ordering::Relaxed) { "yes" } else { "no" };
    let engine = services.store.engine();
    (status, format!("{word}\ndatabase ({engine}): {database}\nview: {view}\ndraining: {draining}\n"))
}

fn render(metrics: &PrometheusHandle) -> impl IntoResponse + use<> {
    metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render())
}
