//! The least that refusing costs: hyper alone, which reads every request and answers 503.

use super::load::{Load, Tally};
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const ANSWER: &str = "{\"type\":\"urn:tuttu:problem:unavailable\",\"title\":\"Try again\",\"status\":503,\"detail\":\"The \
    server has more to do than it can. Nothing was done: try again in a moment.\",\"code\":\"unavailable\"}";

/// A server on one thread, which stays on the core that it was begun on.
pub(super) struct Bare {
    address: SocketAddr,
    /// Where the system tells how long its thread has run.
    ran: PathBuf,
}

impl Bare {
    pub(super) fn begin() -> Self {
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let ran =
                format!("/proc/self/task/{}/schedstat", rustix::thread::gettid().as_raw_nonzero().get());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send((listener.local_addr().unwrap(), ran.into())).unwrap();
                let mut open = JoinSet::new();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    open.spawn(
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(refuse)),
                    );
                }
            });
        });
        let (address, ran) = told.recv().unwrap();
        Self { address, ran }
    }

    /// Is asked what the server was asked: how that went, and the seconds of its core that each answer took.
    pub(super) async fn under(&self, load: &Load, rate: f64, lasting: Duration) -> (Tally, f64) {
        let load = load.elsewhere(self.address);
        let before = self.ran();
        let tally = load.run(1_000, Some(rate), lasting).await;
        let took = self.ran().saturating_sub(before).as_secs_f64() / tally.all() as f64;
        (tally, took)
    }

    fn ran(&self) -> Duration {
        let text = std::fs::read_to_string(&self.ran).unwrap();
        Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
    }
}

async fn refuse(_request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let answer = Response::builder()
        .status(503)
        .header("content-type", "application/problem+json")
        .header("retry-after", "1")
        .header("x-request-id", "00000000-0000-4000-8000-000000000000")
        .header("cache-control", "no-store")
        .header("x-content-type-options", "nosniff");
    Ok(answer.body(Body::from(ANSWER)).unwrap())
}
