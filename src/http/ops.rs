//! Health, and on the ops listener metrics.

use super::Services;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(1);

/// What the ops listener serves. Keep it private.
pub fn router(services: Arc<Services>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(move || std::future::ready(render(&metrics))))
        .fallback(super::meta::not_found)
        .with_state(services)
}

/// `GET /livez`: the process runs.
pub(super) async fn livez() -> &'static str {
    "ok"
}

/// `GET /readyz`: 200 `ok`, 200 `degraded` while the database does not answer, 503 while the view of the directory is
/// filled for the first time and while draining.
pub(super) async fn readyz(State(services): State<Arc<Services>>) -> (StatusCode, &'static str) {
    if services.draining.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining");
    }
    if !services.discovery.is_ready() {
        return (StatusCode::SERVICE_UNAVAILABLE, "filling");
    }
    match tokio::time::timeout(PATIENCE, services.store.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ok"),
        _ => (StatusCode::OK, "degraded"),
    }
}

fn render(metrics: &PrometheusHandle) -> impl IntoResponse + use<> {
    metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render())
}
