//! The cookies of the console.

use crate::model::secret::PlainSecret;
use axum::http::{HeaderMap, header};

/// Holds a session's secret. `__Host-`: only this host sets it, over TLS or to this machine, and for every path.
pub(crate) const SESSION: &str = "__Host-tuttu-admin";
/// Which of light and dark somebody prefers; no secret.
const THEME: &str = "tuttu-theme";

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// The secret of the session that the request is of.
pub(crate) fn session(headers: &HeaderMap) -> Option<PlainSecret> {
    cookie(headers, SESSION).and_then(PlainSecret::parse)
}

/// The look that was chosen; empty where the browser's own counts.
pub(crate) fn theme(headers: &HeaderMap) -> &'static str {
    match cookie(headers, THEME) {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "",
    }
}
