//! What stands around every handler: the request's name, its log line, the limit of its address.

use super::{Problem, Services, shedding};
use crate::config;
use crate::model::source::Source;
use crate::store::{Origin, Patience};
use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use ipnet::IpNet;
use jiff::Timestamp;
use metrics::{Counter, Histogram, Label, SharedString};
use moka::sync::Cache;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tracing::Instrument as _;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: &str = "x-forwarded-for";
const MINUTE_MS: i64 = 60_000;

/// Puts around a router what every request goes through: one layer, since each of axum's costs some allocations.
pub(super) fn wrap(router: Router<Arc<Services>>, services: &Arc<Services>) -> Router<Arc<Services>> {
    router.layer(from_fn_with_state((services.clone(), Measured::default()), name_and_log))
}

/// The answer, or that of a server which has failed where making it panicked. All that it shares with others is in
/// the database, whose transaction is undone, or behind locks that outlive whoever held them.
fn unpanicked(answering: impl Future<Output = Response>) -> impl Future<Output = Response> {
    let failed = |_| Problem::overloaded().into_response();
    AssertUnwindSafe(answering).catch_unwind().map(move |answer| answer.unwrap_or_else(failed))
}

/// Runs an effect to its end even if the client goes away: a commit must reach the node's own view.
pub(super) async fn unbroken<T: Send + 'static>(
    services: &Services,
    effect: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    let effect = Origin::bound_if(Origin::current(), effect.in_current_span());
    let effect = Patience::bound_if(Patience::current(), effect);
    services.effects.spawn(effect).await.map_err(|ended| Problem::unavailable(&ended))
}

/// Requests that one address may make in a minute, counted in memory.
#[derive(Debug, Clone)]
pub struct AddressLimit {
    limit: u32,
    exempt: Arc<[IpNet]>,
    counts: Cache<(IpNet, i64), Arc<AtomicU32>>,
}

impl AddressLimit {
    /// The configured limit. Loopback is exempt while the inbox is the only gateway.
    #[must_use]
    pub fn new(config: &config::Config) -> Self {
        let counts = Cache::builder().max_capacity(1_000_000).time_to_live(Duration::from_mins(1)).build();
        Self { limit: config.limits.requests_per_minute, exempt: config.exempt_addresses().into(), counts }
    }

    /// Where a request comes from, as far as limits by address look at it.
    fn source(&self, address: IpAddr) -> Source {
        if self.exempt.iter().any(|range| range.contains(&address)) {
            Source::exempt()
        } else {
            Source::of(address)
        }
    }

    fn spend(&self, source: &Source, now: Timestamp) -> Result<(), Problem> {
        let Some(network) = source.network() else { return Ok(()) };
        let minute = now.as_millisecond().div_euclid(MINUTE_MS);
        let count = self.counts.get_with((network, minute), Arc::default);
        if count.fetch_add(1, Ordering::Relaxed) < self.limit {
            return Ok(());
        }
        let next = Timestamp::from_millisecond((minute + 1) * MINUTE_MS).unwrap_or(now);
        Err(Problem::rate_limited(self.limit, next, now))
    }
}

/// Answers a request, unless its address asks too often.
async fn limited(
    services: Arc<Services>,
    (route, name): (&str, &str),
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let address = peer.map(|peer| client_address(peer, request.headers(), &services.trusted_proxies));
    let origin = Origin::request(name, address);
    let Some(address) = address.filter(|_| !is_unlimited(route)) else {
        return origin.bound(shedding::pass(services, route, request, next)).await;
    };
    let source = services.address_limit.source(address);
    request.extensions_mut().insert(source);
    match services.address_limit.spend(&source, services.clock.now()) {
        Ok(()) => origin.bound(shedding::pass(services, route, request, next)).await,
        Err(problem) => problem.into_response(),
    }
}

/// Health, and callbacks: all reports of a gateway come from few addresses.
fn is_unlimited(route: &str) -> bool {
    route == "/livez" || route.starts_with("/callbacks/")
}

/// The rightmost address of `X-Forwarded-For` that is no trusted proxy, if the peer is one; else the peer.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|range| range.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    // What a client put before the proxy's own entry may be no text: the entry counts all the same.
    let values = headers.get_all(FORWARDED_FOR).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let hops: Vec<String> = values
        .flat_map(|value| value.split(',').map(|hop| hop.trim().to_owned()).collect::<Vec<_>>())
        .collect();
    for hop in hops.iter().rev() {
        let with_port = || hop.parse::<SocketAddr>().map(|hop| hop.ip());
        let Ok(address) = hop.parse::<IpAddr>().or_else(|_| with_port()) else { break };
        let address = address.to_canonical();
        if !is_trusted(&address) {
            return address;
        }
    }
    peer
}

/// One line per request: its route as a template, never its path, query, headers or body.
async fn name_and_log(
    State((services, measured)): State<(Arc<Services>, Measured)>,
    request: Request,
    next: Next,
) -> Response {
    let name = Uuid::new_v4().to_string();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("(none)", MatchedPath::as_str);
    let method = word(request.method());
    let begun = Instant::now();
    let span = tracing::info_span!("request", id = %name, method, route);
    let draining = services.draining.clone();
    let yields = shedding::yields(route, request.method());
    let patience = services.store.patience();
    let patience = patience.map(|patience| if yields { patience.yielding() } else { patience });
    // In one expression: what has a name here lies twice in the state of every request.
    let mut response = unpanicked(Patience::bound_if(
        patience,
        limited(services, (route, &name), request, next).instrument(span.clone()),
    ))
    .await;
    let (status, took) = (response.status(), begun.elapsed());
    span.in_scope(|| tracing::info!(status = status.as_u16(), ms = took.as_millis(), "answered"));
    measured.count(route, status, took);
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(&name).map(|name| (REQUEST_ID, name)));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A body that was given up leaves the connection in its middle, and a server that stops wants no more requests.
    if status == StatusCode::REQUEST_TIMEOUT || draining.load(Ordering::Relaxed) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A method's name; one that somebody made up is not written down.
const fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "(other)",
    }
}

/// Counts and times requests. The handles of what is asked most are looked for once: to find them by their labels costs
/// more than to count.
#[derive(Clone, Default)]
struct Measured(Arc<OnceLock<(Counter, Histogram)>>);

impl Measured {
    fn count(&self, route: &str, status: StatusCode, took: Duration) {
        if route == shedding::LOOKUP && status == StatusCode::OK {
            let (requests, seconds) = self.0.get_or_init(|| handles(route, status));
            requests.increment(1);
            seconds.record(took.as_secs_f64());
        } else {
            let (requests, seconds) = handles(route, status);
            requests.increment(1);
            seconds.record(took.as_secs_f64());
        }
    }
}

fn handles(route: &str, status: StatusCode) -> (Counter, Histogram) {
    let route = SharedString::from(Arc::<str>::from(route));
    let labels = [Label::new("route", route.clone()), Label::new("status", status.as_str().to_owned())];
    let requests = metrics::counter!("tuttu_requests_total", labels.iter());
    (requests, metrics::histogram!("tuttu_request_seconds", "route" => route))
}

#[cfg(test)]
#[allow(clippy::panic, reason = "that is what is tested")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_asks_is_answered_even_by_a_bug() {
        let answer = unpanicked(async { panic!("a bug") }).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(unpanicked(async { StatusCode::OK.into_response() }).await.status(), StatusCode::OK);
    }
}
