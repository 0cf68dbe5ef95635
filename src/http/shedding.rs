//! Shedding: past what a node can do at once, the less important is refused at once instead of all of it late.
//!
//! Who has no room is refused twice: by method and path before a request costs anything ([`gate`]), and by class once
//! its body is there ([`pass`]), since others came meanwhile.

mod class;
mod refusal;

pub(super) use class::Class;

use super::idempotency;
use super::{Problem, Services, extract};
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::{Method, Response};
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use refusal::Refusal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The route whose handler reads the body itself, once it knows the caller.
pub(super) const LOOKUP: &str = "/v1/discovery/lookup";
/// How many times the limit there may be of checks: each ends what somebody waits for.
const CHECKS: usize = 4;

/// The requests that a node works on at once: of each class its share.
#[derive(Debug, Clone)]
pub struct Shedding {
    limit: usize,
    under_way: Arc<UnderWay>,
}

/// Requests of each class that are worked on.
#[derive(Debug, Default)]
struct UnderWay {
    checks: AtomicUsize,
    sends: AtomicUsize,
    lookups: AtomicUsize,
}

impl UnderWay {
    const fn of(&self, class: Class) -> &AtomicUsize {
        match class {
            Class::Check => &self.checks,
            Class::Send => &self.sends,
            Class::Lookup => &self.lookups,
        }
    }
}

/// A request that is worked on; dropping it makes room for another.
pub(super) struct Admitted(Arc<UnderWay>, Class);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.of(self.1).fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shedding {
    /// Sends a quarter of this limit at once, lookups a half, checks far beyond it. No class takes the room of another: each
    /// is refused for its own number alone.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, under_way: Arc::default() }
    }

    /// How many requests of a class there may be.
    fn share(&self, class: Class) -> usize {
        match class {
            Class::Check => self.limit.saturating_mul(CHECKS),
            // More would only wait for the database.
            Class::Send => (self.limit / 4).max(1),
            Class::Lookup => (self.limit / 2).max(1),
        }
    }

    /// Room for a request of a class, or none: nobody waits here.
    pub(super) fn admit(&self, class: Class) -> Result<Admitted, Problem> {
        if take(self.under_way.of(class), self.share(class)) {
            return Ok(Admitted(self.under_way.clone(), class));
        }
        refusal::count(class);
        Err(Problem::busy())
    }

    fn has_room(&self, class: Class) -> bool {
        self.under_way.of(class).load(Ordering::Relaxed) < self.share(class)
    }
}

/// Counts one more, unless there are so many.
fn take(count: &AtomicUsize, limit: usize) -> bool {
    let one_more = |under_way: usize| (under_way < limit).then_some(under_way + 1);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
}

/// Whether a request lets others pass where they wait for PostgreSQL: sends and lookups do.
pub(super) fn yields(route: &str, method: &Method) -> bool {
    matches!(Class::of(route, method), Some(Class::Send | Class::Lookup))
}

/// Answers what there is no room for anyway, before it is routed, named, logged or read.
pub(super) fn gate(services: Arc<Services>) -> impl Fn(&Method, &str) -> Option<Response<Bytes>> {
    let refusal = Refusal::new();
    move |method, path| {
        let class = Class::of(path, method)?;
        let has_room = services.shedding.has_room(class);
        (!has_room).then(|| refusal.answer(class, services.draining.load(Ordering::Relaxed)))
    }
}

/// Answers a request if there is room for its class. Room is taken once the body is there: a client that sends it
/// slowly takes none from others.
pub(super) async fn pass(
    services: Arc<Services>,
    route: &str,
    request: Request,
    next: Next,
) -> Response<Body> {
    let Some(class) = Class::of(route, request.method()) else {
        return idempotency::once(services, request, next).await;
    };
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
async fn with_body(request: Request) -> Result<Request, Problem> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let bytes = extract::body(Request::from_parts(parts.clone(), body)).await?;
    Ok(Request::from_parts(parts, bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::{CHECKS, Class, Shedding};

    /// How many of a class are admitted, and kept.
    fn fill(shedding: &Shedding, class: Class) -> Vec<super::Admitted> {
        std::iter::from_fn(|| shedding.admit(class).ok()).collect()
    }

    #[test]
    fn every_class_has_room_of_its_own() {
        let shedding = Shedding::new(16);
        let full = Class::ALL.map(|class| fill(&shedding, class));
        assert_eq!(full.each_ref().map(Vec::len), [16 * CHECKS, 4, 8]);
        assert!(Class::ALL.iter().all(|class| !shedding.has_room(*class)));
        drop(full);
        assert_eq!(fill(&shedding, Class::Send).len(), 4, "what ends makes room");
    }

    #[test]
    fn the_smallest_limit_lets_one_request_of_any_class_through() {
        assert_eq!(Class::ALL.map(|class| fill(&Shedding::new(1), class).len()), [CHECKS, 1, 1]);
    }
}
