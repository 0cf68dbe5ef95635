//! Scripts, styles and pictures of the console, built into the program.

use crate::http::Problem;
use crate::http::extract::Name;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;

/// A file is asked for by its digest: what it holds never changes.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// How many bytes of a digest tell two versions of a file apart.
const SHORT: usize = 6;

#[derive(RustEmbed)]
#[folder = "src/http/console/assets/"]
struct Assets;

/// The path of a file, with what tells its versions apart.
pub(super) fn path(file: &str) -> String {
    match Assets::get(file) {
        Some(asset) => format!("/admin/assets/{file}?v={}", short(&asset.metadata.sha256_hash())),
        None => format!("/admin/assets/{file}"),
    }
}

/// `GET /admin/assets/{file}`: for everybody, since nothing in it is secret.
pub(in crate::http) async fn asset(headers: HeaderMap, Name(file): Name) -> Response {
    let Some(asset) = Assets::get(&file) else { return Problem::not_found().into_response() };
    let tag = format!("\"{}\"", short(&asset.metadata.sha256_hash()));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
    let cached = [(header::ETAG, tag), (header::CACHE_CONTROL, FOREVER)];
    if known {
        return (StatusCode::NOT_MODIFIED, cached).into_response();
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(content_type(&file)))];
    (cached, kind, asset.data).into_response()
}

fn short(digest: &[u8; 32]) -> String {
    hex::encode(digest.first_chunk::<SHORT>().map_or(&[][..], |start| start.as_slice()))
}

fn content_type(file: &str) -> &'static str {
    match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}
