//! `/try`: a page on which one can try everything, in development only. No plain contact number leaves it.

use super::Problem;
use super::extract::Name;
use super::inbox::Local;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "src/http/try/"]
struct Assets;

/// `GET /try`: the page.
pub(super) async fn page(_: Local) -> Response {
    asset("index.html")
}

/// `GET /try/{file}`: its scripts and styles.
pub(super) async fn file(_: Local, Name(file): Name) -> Response {
    asset(&file)
}

fn asset(file: &str) -> Response {
    let Some(asset) = Assets::get(file) else { return Problem::not_found().into_response() };
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type(file))),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, asset.data).into_response()
}

fn content_type(file: &str) -> &'static str {
    match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}
