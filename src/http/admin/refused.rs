//! Why an admin was not let through: a problem to programs, a page or a way to go on to people.

use super::API;
use crate::http::{Problem, console};
use crate::model::admin::Permission;
use crate::verification::Failure;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Redirect, Response};

/// Whom a page asks for the way on when it is swapped in by a script.
const SWAPPED: &str = "hx-request";
const ELSEWHERE: &str = "hx-redirect";

/// Why somebody was not let through.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    /// Neither a live session nor a good API token.
    NotSignedIn,
    /// No role is given this.
    NotPermitted(Permission),
    /// The second factor was given too long ago.
    SecondFactorDue,
    /// Not one of the session's own pages asked.
    Forged,
    /// The database failed, which is told already.
    Failed,
}

impl From<Failure> for Why {
    fn from(cause: Failure) -> Self {
        tracing::error!(%cause, "an admin could not be recognised");
        Self::Failed
    }
}

/// A refusal that knows whether a program or a person is to read it.
#[derive(Debug)]
pub(in crate::http) struct AdminRefused {
    why: Why,
    by_program: bool,
    swapped: bool,
    next: String,
}

impl AdminRefused {
    pub(super) fn new(why: Why, parts: &Parts) -> Self {
        Self {
            why,
            by_program: parts.uri.path().starts_with(API),
            swapped: parts.headers.contains_key(SWAPPED),
            next: next(parts),
        }
    }

    fn problem(&self) -> Problem {
        match self.why {
            Why::NotSignedIn => Problem::not_signed_in(),
            Why::NotPermitted(permission) => Problem::not_permitted(permission),
            Why::SecondFactorDue => Problem::second_factor_due(),
            Why::Forged => Problem::forged(),
            Why::Failed => Problem::overloaded(),
        }
    }

    fn elsewhere(&self, page: &str) -> Response {
        let query: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("next", &self.next).finish();
        let target = format!("{page}?{query}");
        if self.swapped {
            return [(ELSEWHERE, target)].into_response();
        }
        Redirect::to(&target).into_response()
    }
}

impl IntoResponse for AdminRefused {
    fn into_response(self) -> Response {
        match self.why {
            _ if self.by_program => self.problem().into_response(),
            Why::NotSignedIn => self.elsewhere("/admin/sign-in"),
            Why::SecondFactorDue => self.elsewhere("/admin/confirm"),
            _ => console::problem(&self.problem()),
        }
    }
}

/// Where to go on once what is missing is there: the page that was asked for, or the one that a form was on.
fn next(parts: &Parts) -> String {
    let asked = (parts.method == Method::GET).then(|| parts.uri.path().to_owned());
    asked.or_else(|| referer(&parts.headers)).unwrap_or_else(|| "/admin".to_owned())
}

/// The path of the page that the request came from. Its query may be personal and stays where it was.
fn referer(headers: &HeaderMap) -> Option<String> {
    let referer = url::Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    is_local(referer.path()).then(|| referer.path().to_owned())
}

/// Whether a path leads to a page of the console, and nowhere else.
pub(in crate::http) fn is_local(path: &str) -> bool {
    (path == "/admin" || path.starts_with("/admin/"))
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c))
}
