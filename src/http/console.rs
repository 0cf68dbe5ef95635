//! The console: pages made on the server, for people who run the service.

#![allow(dead_code, reason = "the frame comes before the pages in it")]

mod assets;
pub(super) mod empty;
mod frame;
pub(super) mod sign_in;

pub(super) use assets::asset;
pub(super) use frame::{Frame, Outside, Section};

use super::Problem;
use super::admin::{AdminRefused, SignedIn};
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

/// Nothing but the console's own files runs, is applied or is asked; nothing frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page, or a part of one.
pub(super) struct Page<T>(pub(super) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(text) => Html(text).into_response(),
            Err(cause) => Problem::unavailable(&cause).into_response(),
        }
    }
}

/// Why there is no page: a problem, shown as one.
pub(super) enum PageRefused {
    /// Something did not go.
    Problem(Problem),
    /// The admin was not let through.
    Admin(AdminRefused),
}

impl<P: Into<Problem>> From<P> for PageRefused {
    fn from(cause: P) -> Self {
        Self::Problem(cause.into())
    }
}

impl IntoResponse for PageRefused {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(cause) => problem(&cause),
            Self::Admin(refused) => refused.into_response(),
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html", config = "src/http/console/askama.toml")]
struct ProblemPage {
    frame: Outside,
    title: &'static str,
    detail: String,
}

/// A problem as a page.
pub(super) fn problem(problem: &Problem) -> Response {
    let page = ProblemPage {
        frame: Outside::new(problem.title()),
        title: problem.title(),
        detail: problem.detail().to_owned(),
    };
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Page(page)).into_response();
    let retry = problem.retry_after().map(HeaderValue::from);
    response.headers_mut().extend(retry.map(|seconds| (header::RETRY_AFTER, seconds)));
    response
}

/// `GET /admin`: the first page that the caller may see.
pub(super) async fn home(signed_in: SignedIn) -> Response {
    let caller = &signed_in.caller;
    let first = Section::ALL.iter().find(|section| caller.may(section.permission()));
    match first {
        Some(section) => Redirect::to(section.path()).into_response(),
        None => problem(&Problem::no_role()),
    }
}

/// What every answer below `/admin` says about how it may be used.
pub(super) async fn headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
