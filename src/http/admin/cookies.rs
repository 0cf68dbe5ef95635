//! The cookies of the console. `__Host-`: only this host sets them, over TLS or to this machine, and for every path.

use crate::http::Services;
use crate::model::admin::{BROWSER_LIFETIME, SESSION_LIFETIME};
use crate::model::secret::PlainSecret;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Holds a session's secret.
const SESSION: &str = "__Host-tuttu-admin";
/// Holds what a browser is known by that has signed in before.
const BROWSER: &str = "__Host-tuttu-browser";
/// Which of light and dark somebody prefers; no secret.
const THEME: &str = "tuttu-theme";

/// What a browser brings.
pub(in crate::http) struct Cookies {
    /// The secret of its session.
    pub(in crate::http) session: Option<PlainSecret>,
    /// What it is known by.
    pub(in crate::http) browser: Option<PlainSecret>,
    /// The look that was chosen; empty where the browser's own counts.
    pub(in crate::http) theme: &'static str,
}

impl FromRequestParts<Arc<Services>> for Cookies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Services>) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

impl Cookies {
    /// Those of a request.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let theme = match cookie(headers, THEME) {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "",
        };
        let secret = |name| cookie(headers, name).and_then(PlainSecret::parse);
        Self { session: secret(SESSION), browser: secret(BROWSER), theme }
    }
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// A `Set-Cookie` header.
pub(in crate::http) type SetCookie = (HeaderName, HeaderValue);

/// Gives the browser a session.
pub(in crate::http) fn begin(session: &PlainSecret) -> SetCookie {
    set(SESSION, &session.expose(), SESSION_LIFETIME)
}

/// Gives the browser what it is known by.
pub(in crate::http) fn know(browser: &PlainSecret) -> SetCookie {
    set(BROWSER, &browser.expose(), BROWSER_LIFETIME)
}

/// Takes the session from the browser.
pub(in crate::http) fn end() -> SetCookie {
    set(SESSION, "", Duration::ZERO)
}

fn set(name: &str, value: &str, life: Duration) -> SetCookie {
    let seconds = life.as_secs();
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    (header::SET_COOKIE, HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")))
}
