//! Reading requests. What does not fit is a problem that never repeats what was sent.

use super::{Problem, Services};
use crate::model::source::Source;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse as _;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::error::Error as _;
use std::io;
use std::sync::Arc;

/// The largest body, but for a lookup.
const BODY_LIMIT: usize = 16 * 1024;

/// The time of the request.
pub(super) struct Now(pub(super) Timestamp);

impl FromRequestParts<Arc<Services>> for Now {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, services: &Arc<Services>) -> Result<Self, Problem> {
        Ok(Self(services.clock.now()))
    }
}

/// Where the request comes from, as far as limits by address look at it.
pub(super) struct From(pub(super) Source);

impl FromRequestParts<Arc<Services>> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Services>) -> Result<Self, Problem> {
        Ok(Self(parts.extensions.get::<Source>().copied().unwrap_or_default()))
    }
}

/// The languages that whoever asks prefers (RFC 9110), if it says so.
pub(super) struct AcceptLanguage(pub(super) Option<String>);

impl FromRequestParts<Arc<Services>> for AcceptLanguage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Services>) -> Result<Self, Problem> {
        let lines = parts.headers.get_all(header::ACCEPT_LANGUAGE).iter();
        let languages = lines.filter_map(|line| line.to_str().ok()).collect::<Vec<_>>().join(",");
        Ok(Self((!languages.is_empty()).then_some(languages)))
    }
}

/// The one variable part of the path; what is not UTF-8 names nothing.
pub(super) struct Name(pub(super) String);

impl FromRequestParts<Arc<Services>> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, Problem> {
        let name = Path::from_request_parts(parts, services).await;
        name.map(|Path(name)| Self(name)).map_err(|_| Problem::not_found())
    }
}

/// The two variable parts of the path, in their order.
pub(super) struct Names(pub(super) String, pub(super) String);

impl FromRequestParts<Arc<Services>> for Names {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, Problem> {
        let names = Path::from_request_parts(parts, services).await;
        names.map(|Path((first, second))| Self(first, second)).map_err(|_| Problem::not_found())
    }
}

/// A JSON body of content type `application/json`.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Services>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Services>) -> Result<Self, Problem> {
        expect_content_type(request.headers(), &["application/json"])?;
        let bytes = body(request).await?;
        json(&bytes).map(Self)
    }
}

/// Reads a JSON object that fits, at once; `None` for any other, which [`json`] says more of.
pub(super) fn json_that_fits<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    // serde takes an array, too, for the fields in their order.
    let object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    serde_json::from_slice(bytes).ok().filter(|_| object)
}

/// Reads a JSON object, naming the field that does not fit.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if let Some(fits) = json_that_fits(bytes) {
        return Ok(fits);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| not_json("it is not UTF-8"))?;
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| not_json(&format!("see line {}, column {}", error.line(), error.column())))?;
    if !text.trim_start().starts_with('{') {
        return Err(no_object());
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| unfit(&error.path().to_string(), error.inner()))
}

fn not_json(why: &str) -> Problem {
    Problem::new(400, "json_invalid", "The body is not JSON", format!("The body is not JSON: {why}."))
}

fn no_object() -> Problem {
    Problem::body("The body must be a JSON object with the documented fields.")
}

fn unfit(path: &str, error: &serde_json::Error) -> Problem {
    // serde's own words may repeat what was sent; of them only the name of a documented field is safe.
    let words = error.to_string();
    let of_field = [("missing field `", "is missing"), ("duplicate field `", "is given twice")];
    let named = of_field.iter().find_map(|(before, problem)| {
        let (field, _) = words.strip_prefix(before)?.split_once('`')?;
        Some((field, problem))
    });
    match named {
        // The path of one that is there twice has its name already.
        Some((field, problem)) if path == "." || path == field => Problem::field(field, problem),
        Some((field, problem)) if path.ends_with(&format!(".{field}")) => Problem::field(path, problem),
        Some((field, problem)) => Problem::field(&format!("{path}.{field}"), problem),
        None if path == "." => no_object(),
        None => Problem::field(path, "is not of its documented form"),
    }
}

/// The body, or a problem where it is too large or broken off.
pub(super) async fn body(request: Request) -> Result<Bytes, Problem> {
    body_within(request, BODY_LIMIT).await
}

/// The body of so many bytes at most.
pub(super) async fn body_within(mut request: Request, limit: usize) -> Result<Bytes, Problem> {
    DefaultBodyLimit::max(limit).apply(&mut request);
    Bytes::from_request(request, &()).await.map_err(|rejection: BytesRejection| {
        if is_overdue(&rejection) {
            Problem::new(408, "body_too_slow", "The body came too slowly", "Send the whole body at once.")
        } else if rejection.into_response().status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(413, "body_too_large", "The body is too large", "Send less in one request.")
        } else {
            Problem::body("The body broke off before its end.")
        }
    })
}

/// Whether a body was not there in time, however deep the cause lies.
fn is_overdue(rejection: &BytesRejection) -> bool {
    let mut cause = rejection.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Which of the expected content types the body has.
pub(super) fn expect_content_type(
    headers: &HeaderMap,
    expected: &[&'static str],
) -> Result<&'static str, Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    expected.iter().find(|known| essence.eq_ignore_ascii_case(known)).copied().ok_or_else(|| {
        let detail = format!("Send the body as {}.", expected.join(" or "));
        Problem::new(415, "content_type_unsupported", "This content type is not supported", detail)
    })
}

/// The bearer credentials, if there are any (RFC 6750).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credentials.trim())
}
