//! `Idempotency-Key`: the layer around every route that sends or creates.

use super::extract::{bearer, body};
use super::layers::unbroken;
use super::{Problem, Services};
use crate::idempotency::{Admitted, Claim, ClaimRefused, Scope};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Type};

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const SHORTEST: usize = 16;
const LONGEST: usize = 128;
const DAY: Duration = Duration::from_hours(24);
/// As long as the code for which a challenge is due lives.
const CHALLENGED: Duration = Duration::from_mins(10);

/// The routes, each with how long its answers are kept: those with a device token for less.
const ROUTES: [(&str, Duration); 4] = [
    ("/v1/verifications", DAY),
    ("/v1/verifications/{id}/codes", DAY),
    ("/v1/verifications/{id}/challenges", DAY),
    ("/v1/accounts", Duration::from_mins(10)),
];

/// Evaluates a request with a key once, even if its client goes away, and repeats the answer.
pub(super) async fn once(services: Arc<Services>, request: Request, next: Next) -> Response {
    let Some((route, kept)) = route_of(&request) else { return next.run(request).await };
    if !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    // Boxed, so that requests without a key do not carry its state through every layer.
    let answered = Box::pin(evaluate(services, request, next, route, kept)).await;
    answered.unwrap_or_else(IntoResponse::into_response)
}

/// The route of a request, if it is one of those.
fn route_of(request: &Request) -> Option<(&'static str, Duration)> {
    let matched = request.extensions().get::<MatchedPath>()?.as_str();
    let post = request.method() == Method::POST;
    ROUTES.into_iter().find(|(route, _)| post && *route == matched)
}

async fn evaluate(
    services: Arc<Services>,
    request: Request,
    next: Next,
    route: &'static str,
    kept: Duration,
) -> Result<Response, Problem> {
    // The body comes first: one that is too large or breaks off claims nothing.
    let (parts, rest) = request.into_parts();
    let key = key_of(&parts)?;
    let bytes = body(Request::from_parts(parts.clone(), rest)).await?;
    let claiming = services.clone();
    // The claim, too, would otherwise be left behind by a client that goes away.
    unbroken(&services, async move {
        let bearer = bearer(&parts.headers).unwrap_or_default().as_bytes();
        let scope = Scope { route, path: parts.uri.path(), bearer, key: key.as_bytes() };
        let now = claiming.clock.now();
        match claiming.idempotency.claim(scope, &bytes, now).await.map_err(|cause| refused(cause, now))? {
            Admitted::Again(answer) => replay(&answer),
            Admitted::New(claim) => {
                let response = next.run(Request::from_parts(parts, bytes.into())).await;
                Ok(end(&claiming, claim, kept, response).await)
            }
        }
    })
    .await?
}

fn refused(cause: ClaimRefused, now: Timestamp) -> Problem {
    match cause {
        ClaimRefused::InFlight => {
            let detail = "The same request is being answered. Ask again in a moment, with the same key.";
            Problem::new(409, "idempotency_in_flight", "The request is under way", detail)
                .until(now + Duration::from_secs(1), now)
        }
        ClaimRefused::OtherPayload => {
            let detail =
                "This Idempotency-Key came before, with another body. Every request needs a key of its own.";
            Problem::new(422, "idempotency_mismatch", "The key belongs to another request", detail)
        }
        ClaimRefused::Failed(cause) => cause.into(),
    }
}

/// The one value of the header.
fn key_of(parts: &Parts) -> Result<HeaderValue, Problem> {
    let mut values = parts.headers.get_all(KEY).iter();
    let fits = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (SHORTEST..=LONGEST).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
    };
    let key = values.next().filter(fits).filter(|_| values.next().is_none());
    key.cloned()
        .ok_or_else(|| Problem::field("Idempotency-Key", "must be 16 to 128 visible ASCII characters, once"))
}

/// Keeps an answer that tells of something made; any other lets the request be tried again with the same key.
async fn end(services: &Services, claim: Claim, kept: Duration, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else { return Problem::overloaded().into_response() };
    let made = parts.status.is_success() || parts.status == StatusCode::PRECONDITION_REQUIRED;
    let kept = if parts.status == StatusCode::PRECONDITION_REQUIRED { kept.min(CHALLENGED) } else { kept };
    let ended = if made {
        let answer = framed(parts.status, parts.headers.get(header::CONTENT_TYPE), &bytes);
        services.idempotency.keep(&claim, &answer, services.clock.now() + kept).await
    } else {
        services.idempotency.release(&claim).await
    };
    if let Err(cause) = ended {
        // What happened has happened, and is told; the claim ends by itself.
        tracing::error!(%cause, "an Idempotency-Key could not be settled");
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// `status u16 | length of the content type u16 | content type | body`, little-endian.
fn framed(status: StatusCode, content_type: Option<&HeaderValue>, body: &Bytes) -> Vec<u8> {
    let content_type = content_type.map_or(&[][..], HeaderValue::as_bytes);
    let length = u16::try_from(content_type.len()).unwrap_or_default();
    let content_type = content_type.get(..usize::from(length)).unwrap_or_default();
    [&status.as_u16().to_le_bytes(), &length.to_le_bytes(), content_type, body].concat()
}

fn replay(answer: &[u8]) -> Result<Response, Problem> {
    let mut response = unframed(answer).ok_or_else(Problem::overloaded)?;
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn unframed(answer: &[u8]) -> Option<Response> {
    let (status, rest) = answer.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (content_type, body) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let mut response = Response::new(Body::from(body.to_vec()));
    *response.status_mut() = StatusCode::from_u16(u16::from_le_bytes(*status)).ok()?;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_bytes(content_type).ok()?);
    Some(response)
}

/// Says in the API's document which routes take the header.
pub(super) fn describe(document: &mut OpenApi) {
    for (route, kept) in ROUTES {
        let minutes = kept.as_secs() / 60;
        let told = format!(
            "A request that comes again with the same key and body within {minutes} minutes is not evaluated again \
             but answered alike, with `Idempotency-Replayed: true`: 16 to 128 visible ASCII characters, such as a \
             UUID. While the first is under way: 409 `idempotency_in_flight`. With another body: 422 \
             `idempotency_mismatch`. Refusals are not kept: the same key may try again."
        );
        let parameter = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .description(Some(told))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        let post = document.paths.paths.get_mut(route).and_then(|path| path.post.as_mut());
        if let Some(post) = post {
            post.parameters.get_or_insert_default().push(RefOr::T(parameter.build()));
        }
    }
}
