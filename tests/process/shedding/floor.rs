//! What refusing costs a plain loop: every request is read and answered 503, whatever it says.

use super::course::OVERLOAD;
use super::load::{Load, Mix, Tally};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// As long as the server's own.
const ANSWER: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
    x-request-id: 00000000-0000-4000-8000-000000000000\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
    content-length: 185\r\ndate: Sat, 28 Nov 2026 00:00:00 GMT\r\n\r\n{\"type\":\"urn:tuttu:problem:unavailable\",\"title\":\"Try again\",\"status\":503,\"detail\":\"The \
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
                    open.spawn(refuse(stream));
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
        let tally = load.run(Mix::Requests, OVERLOAD, Some(rate), lasting).await;
        let took = self.ran().saturating_sub(before).as_secs_f64() / tally.came as f64;
        (tally, took)
    }

    fn ran(&self) -> Duration {
        let text = std::fs::read_to_string(&self.ran).unwrap();
        Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
    }
}

/// Refuses whatever comes: the load asks nothing before it is answered, and what it asks is read at once.
async fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = vec![0; 16_384];
    while stream.read(&mut request).await? > 0 {
        stream.write_all(ANSWER.as_bytes()).await?;
    }
    Ok(())
}
