//! One connection: its requests one after the other, until it ends or must end.

use super::EdgeLimits;
use super::Gate;
use super::body::{SentBody, TimedBody};
use super::progress::Progress;
use super::stream::Stream;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

/// What the system keeps of answers that are not taken, which it doubles for its own needs: a quarter of the largest
/// lookup's answer, and all of most others.
const SEND_BUFFER: usize = 128 * 1024;
const MAX_HEADERS: usize = 64;
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// How long a connection that was opened just before the server stops may take to say what it wants.
const FIRST_BYTE: Duration = Duration::from_secs(1);

/// A connection that has a seat.
pub(super) struct Connection {
    stream: Stream,
    peer: SocketAddr,
    limits: Arc<EdgeLimits>,
    progress: Arc<Progress>,
    gate: Gate,
}

impl Connection {
    /// Sets a socket up.
    pub(super) fn new(tcp: TcpStream, peer: SocketAddr, limits: &Arc<EdgeLimits>, gate: Gate) -> Self {
        let _gone_already = tcp.set_nodelay(true);
        // What lies in the system's own buffer must be taken in time, too.
        let patience = u32::try_from(limits.write.as_millis()).unwrap_or(u32::MAX);
        let _gone_already = rustix::net::sockopt::set_tcp_user_timeout(&tcp, patience);
        // Whoever takes nothing makes the system keep this much at most, not megabytes of answers asked in advance.
        let _gone_already = rustix::net::sockopt::set_socket_send_buffer_size(&tcp, SEND_BUFFER);
        let progress = Arc::new(Progress::default());
        let stream = Stream::new(tcp, limits.clone(), progress.clone(), gate.clone());
        Self { stream, peer, limits: limits.clone(), progress, gate }
    }

    /// Answers requests until the other end leaves, a limit bites, its life is over or `stop`.
    pub(super) async fn serve(self, router: Router, stop: CancellationToken) {
        let Self { stream, peer, limits, progress, gate } = self;
        let (serving, patience) = (progress.clone(), limits.body);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            serving.begin();
            let refused = gate.refuses(request.method(), request.uri().path());
            let (router, serving) = (router.clone(), serving.clone());
            async move {
                let answer = match refused {
                    Some(refused) => refused.map(Body::from),
                    None => answer(router, request, peer, patience).await,
                };
                Ok::<_, Infallible>(answer.map(|body| SentBody::new(body, serving)))
            }
        });
        let mut http = http1::Builder::new();
        http.max_headers(MAX_HEADERS).max_header_size(MAX_HEAD_BYTES).header_read_timeout(None);
        let mut served = pin!(http.serve_connection(TokioIo::new(stream), service));
        // What fails here fails at the other end, which is not there to be told.
        let ended = tokio::select! {
            biased;
            _ended = served.as_mut() => return,
            () = sleep(limits.lifetime) => false,
            () = stop.cancelled() => true,
        };
        // hyper closes at once what has said nothing yet: it gets time to, first.
        if ended && !progress.was_heard() {
            let heard = poll_fn(|context| match served.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(false),
                Poll::Pending if progress.was_heard() => Poll::Ready(true),
                Poll::Pending => Poll::Pending,
            });
            if !timeout(FIRST_BYTE, heard).await.unwrap_or(false) {
                return;
            }
        }
        served.as_mut().graceful_shutdown();
        let _ended = served.await;
    }
}

async fn answer(
    mut router: Router,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    patience: Duration,
) -> Response {
    let mut request: Request = request.map(|body| Body::new(TimedBody::new(body, patience)));
    request.extensions_mut().insert(ConnectInfo(peer));
    router.call(request).await.unwrap_or_else(|never| match never {})
}
