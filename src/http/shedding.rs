//! Shedding: past what a node can do at once, the less important is refused at once instead of all of it late.

use super::idempotency;
use super::{BODY_LIMIT, Problem, Services, extract};
use axum::body::HttpBody as _;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The route whose handler reads the body itself, once it knows the caller.
pub(super) const LOOKUP: &str = "/v1/discovery/lookup";

/// How much a request matters when not all can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Ends what somebody has begun: checks, registrations, an account's own settings, reports of gateways.
    Check,
    /// Costs a message.
    Send,
    /// Can be asked again later: lookups, epochs, devices.
    Lookup,
}

impl Class {
    /// The class of a route; `None` for what is never refused: health, the document, the page, what is not there.
    fn of(route: &str, method: &Method) -> Option<Self> {
        match route {
            "/v1/verifications" | "/v1/verifications/{id}/codes" | "/v1/verifications/{id}/challenges" => {
                Some(Self::Send)
            }
            // What somebody revokes must stop at once.
            "/v1/devices/{id}" if method == Method::DELETE => Some(Self::Check),
            _ if route.starts_with("/v1/discovery/") || route.starts_with("/v1/devices") => {
                Some(Self::Lookup)
            }
            // Who runs the service must reach it when it has most to do.
            _ if route == "/admin/assets/{*file}" => None,
            _ if route.starts_with("/admin") => Some(Self::Check),
            _ if route.starts_with("/v1/") || route.starts_with("/callbacks/") => Some(Self::Check),
            _ => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Send => "send",
            Self::Lookup => "lookup",
        }
    }
}

/// The requests that a node works on at once, of which a class may take its share only.
#[derive(Debug, Clone)]
pub struct Shedding {
    limit: usize,
    under_way: Arc<AtomicUsize>,
}

/// A request that is worked on; dropping it makes room for another.
pub(super) struct Admitted(Arc<AtomicUsize>);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shedding {
    /// So many requests at once, of which sends may take three quarters and lookups half.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, under_way: Arc::default() }
    }

    const fn share(&self, class: Class) -> usize {
        match class {
            Class::Check => self.limit,
            Class::Send => self.limit - self.limit / 4,
            Class::Lookup => self.limit - self.limit / 2,
        }
    }

    /// Room for a request of a class, or none: nobody waits here.
    pub(super) fn admit(&self, class: Class) -> Result<Admitted, Problem> {
        let share = self.share(class);
        let one_more = |under_way: usize| (under_way < share).then_some(under_way + 1);
        match self.under_way.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Admitted(self.under_way.clone())),
            Err(_) => Err(shed(class)),
        }
    }

    /// Refuses a request before its body is read, where there is no room anyway.
    fn look(&self, class: Class) -> Result<(), Problem> {
        if self.under_way.load(Ordering::Relaxed) < self.share(class) { Ok(()) } else { Err(shed(class)) }
    }
}

fn shed(class: Class) -> Problem {
    metrics::counter!("tuttu_shed_total", "class" => class.as_str()).increment(1);
    Problem::busy()
}

/// Answers a request if there is room for its class. Room is taken once the body is there: a client that sends it
/// slowly takes none from others.
pub(super) async fn pass(services: Arc<Services>, route: &str, request: Request, next: Next) -> Response {
    let Some(class) = Class::of(route, request.method()) else {
        return idempotency::once(services, request, next).await;
    };
    if let Err(problem) = services.shedding.look(class) {
        return problem.into_response();
    }
    if route == LOOKUP {
        return idempotency::once(services, request, next).await;
    }
    let admitted = match with_body(request).await {
        Ok(request) => services.shedding.admit(class).map(|admitted| (admitted, request)),
        Err(problem) => Err(problem),
    };
    match admitted {
        Ok((_admitted, request)) => idempotency::once(services, request, next).await,
        Err(problem) => problem.into_response(),
    }
}

/// Reads the whole body before anything is decided: a slow one must not keep an old time or a revoked caller.
async fn with_body(mut request: Request) -> Result<Request, Problem> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    DefaultBodyLimit::max(BODY_LIMIT).apply(&mut request);
    let (parts, body) = request.into_parts();
    let bytes = extract::body(Request::from_parts(parts.clone(), body)).await?;
    Ok(Request::from_parts(parts, bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::{Class, Shedding};

    /// How many of a class are admitted, and kept.
    fn fill(shedding: &Shedding, class: Class) -> Vec<super::Admitted> {
        std::iter::from_fn(|| shedding.admit(class).ok()).collect()
    }

    #[test]
    fn lookups_leave_room_for_sends_and_these_for_checks() {
        let shedding = Shedding::new(8);
        let lookups = fill(&shedding, Class::Lookup);
        let sends = fill(&shedding, Class::Send);
        let checks = fill(&shedding, Class::Check);
        assert_eq!((lookups.len(), sends.len(), checks.len()), (4, 2, 2));
        drop(lookups);
        assert_eq!(fill(&shedding, Class::Check).len(), 4, "what ends makes room");
    }

    #[test]
    fn the_smallest_limit_lets_one_request_of_any_class_through() {
        for class in [Class::Check, Class::Send, Class::Lookup] {
            assert_eq!(fill(&Shedding::new(1), class).len(), 1);
        }
    }

    #[test]
    fn health_and_pages_are_in_no_class() {
        for route in ["/livez", "/readyz", "/openapi.json", "/try", "(none)"] {
            assert_eq!(Class::of(route, &axum::http::Method::GET), None, "{route}");
        }
    }
}
