//! The console: pages made on the server, for people who run the service.

pub(super) mod accounts;
mod assets;
pub(super) mod audit;
pub(super) mod countries;
pub(super) mod enrol;
mod frame;
pub(super) mod now;
mod series;
pub(super) mod sign_in;
mod sums;
pub(super) mod team;
pub(super) mod verifications;
pub(super) mod you;

pub(super) use assets::asset;
pub(super) use frame::{Frame, Outside, Section};

use super::admin::SignedIn;
use super::{Problem, Services};
use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use std::sync::Arc;

/// Nothing but the console's own files runs, is applied or is asked; nothing frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A year, for browsers that have reached the console over TLS.
const TLS_ONLY: &str = "max-age=31536000";

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
pub(super) struct PageRefused(Problem);

impl<P: Into<Problem>> From<P> for PageRefused {
    fn from(cause: P) -> Self {
        Self(cause.into())
    }
}

impl IntoResponse for PageRefused {
    fn into_response(self) -> Response {
        problem(&self.0)
    }
}

/// A page with the status of a problem, for a form that is to be sent again.
pub(super) fn again<T: Template>(page: T, problem: &Problem) -> Response {
    let mut response = (status(problem), Page(page)).into_response();
    let retry = problem.retry_after().map(HeaderValue::from);
    response.headers_mut().extend(retry.map(|seconds| (header::RETRY_AFTER, seconds)));
    response
}

fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
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
        frame: Outside { title: problem.title(), theme: "" },
        title: problem.title(),
        detail: problem.detail().to_owned(),
    };
    again(page, problem)
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

/// What every page says about how it may be used.
pub(super) async fn headers(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if services.public_url.as_ref().is_some_and(|url| url.scheme() == "https") {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TLS_ONLY));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
