//! What anybody may see of the audit log: its signed head and the hashes of its tree (C2SP `tlog-tiles`).

use super::extract::Name;
use super::{Problem, Services};
use crate::audit::TilePath;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::Arc;

/// A full tile never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// `GET /audit/checkpoint`: the newest signed checkpoint.
pub(super) async fn checkpoint(
    State(services): State<Arc<Services>>,
) -> Result<impl IntoResponse + use<>, Problem> {
    let head = services.audit.checkpoint().await?.ok_or_else(Problem::not_found)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], head.note))
}

/// `GET /audit/tile/{level}/{tile}`: 256 hashes, or with `.p/{width}` those at the edge.
pub(super) async fn tile(
    State(services): State<Arc<Services>>,
    Name(path): Name,
) -> Result<impl IntoResponse + use<>, Problem> {
    let path = TilePath::parse(&path).ok_or_else(Problem::not_found)?;
    let hashes = services.audit.tile(path).await?.ok_or_else(Problem::not_found)?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, FOR_EVER)], hashes))
}
