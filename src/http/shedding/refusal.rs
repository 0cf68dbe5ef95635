//! The answer to what there is no room for, made once.

use super::Class;
use crate::http::Problem;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use metrics::Counter;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// [`Problem::busy`] with all that stands around an answer: a refusal must cost next to nothing, or refusing is what
/// a node has no room for.
pub(super) struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// Names are told apart by their count; nothing that is named so stands in a log.
    first_name: u128,
    named: AtomicU64,
    counters: Counters,
}

struct Counters {
    by_class: [(Class, Counter); 3],
    problems: Counter,
    requests: Counter,
}

impl Refusal {
    /// Puts the answer together.
    pub(super) fn new() -> Self {
        let (status, mut headers, body) = Problem::busy().encode();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let counters = Counters {
            by_class: Class::ALL.map(|class| (class, shed(class))),
            problems: metrics::counter!("tuttu_problems_total", "code" => "unavailable"),
            requests: metrics::counter!("tuttu_requests_total", "route" => "(shed)", "status" => "503"),
        };
        let first_name = Uuid::new_v4().as_u128();
        Self { status, headers, body, first_name, named: AtomicU64::new(0), counters }
    }

    /// The answer to one request.
    pub(super) fn answer(&self, class: Class, is_last: bool) -> Response<Bytes> {
        let counted = self.counters.by_class.iter().find(|(counted, _)| *counted == class);
        if let Some((_, counter)) = counted {
            counter.increment(1);
        }
        self.counters.problems.increment(1);
        self.counters.requests.increment(1);
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = self.status;
        let mut headers = self.headers.clone();
        headers.extend(self.name().map(|name| (REQUEST_ID, name)));
        if is_last {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        *response.headers_mut() = headers;
        response
    }

    /// A name that no other request has.
    fn name(&self) -> Option<HeaderValue> {
        let count = self.named.fetch_add(1, Ordering::Relaxed);
        let bits = self.first_name.wrapping_add(u128::from(count));
        let name = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
        let mut text = Uuid::encode_buffer();
        HeaderValue::from_str(name.hyphenated().encode_lower(&mut text)).ok()
    }
}

/// Counts a request that was refused further inside.
pub(super) fn count(class: Class) {
    shed(class).increment(1);
}

fn shed(class: Class) -> Counter {
    metrics::counter!("tuttu_shed_total", "class" => class.as_str())
}
