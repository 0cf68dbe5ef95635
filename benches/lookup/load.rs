//! Load: connections that each write a prepared request, read the answer, and write the next one.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A request as it is written, and what the right answer must hold.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Expected,
}

/// How a right answer is told from a wrong one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected {
    /// A binary answer of so many bytes, less its token.
    Bytes(usize),
    /// So many matches in JSON.
    Matches(usize),
}

impl Expected {
    fn holds(self, body: &[u8]) -> bool {
        match self {
            Self::Bytes(bytes) => body.len() - usize::from(u16::from_le_bytes([body[8], body[9]])) == bytes,
            Self::Matches(matches) => {
                body.windows(12).filter(|window| window == b"\"account_id\"").count() == matches
            }
        }
    }
}

/// When the load ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// After this time, the requests over and over.
    Elapsed(Duration),
    /// Once each request has been asked.
    AllAsked,
}

/// What the clients saw.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) elapsed: Duration,
    /// Every latency, ascending.
    pub(crate) latencies: Vec<Duration>,
}

impl Seen {
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.latencies[(self.latencies.len() * percent / 100).min(self.latencies.len() - 1)]
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// A connection that stays open.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: vec![0; 1 << 20] }
    }

    /// The body of the answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).unwrap();
        let body = self.receive();
        let answer = &self.received[..body.end];
        assert!(answer.starts_with(b"HTTP/1.1 200"), "refused: {}", String::from_utf8_lossy(answer));
        &self.received[body]
    }

    fn receive(&mut self) -> Range<usize> {
        let mut end = 0;
        let mut body: Option<Range<usize>> = None;
        loop {
            let read = self.stream.read(&mut self.received[end..]).unwrap();
            assert!(read > 0, "the server hung up");
            end += read;
            if body.is_none() {
                body = body_of(&self.received[..end]);
            }
            if let Some(body) = body.as_ref().filter(|body| body.end <= end) {
                return body.clone();
            }
        }
    }
}

/// Where the body of an answer lies, once its head is there.
fn body_of(received: &[u8]) -> Option<Range<usize>> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&received[..head]).unwrap();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let begin = head + 4;
    Some(begin..begin + length.expect("content-length").parse::<usize>().unwrap())
}

/// Asks every request once and looks at every answer.
pub(crate) fn check(address: SocketAddr, requests: &[Prepared]) {
    let mut connection = Connection::open(address);
    for request in requests {
        let body = connection.ask(&request.bytes);
        assert!(
            request.expected.holds(body),
            "a wrong answer of {} bytes: {:?}",
            body.len(),
            request.expected
        );
    }
}

/// Asks over so many connections, each of which asks one of the first requests on its own account; `before` runs once
/// all have, and before anything else is asked.
pub(crate) fn run(
    address: SocketAddr,
    (first, requests): (&[Prepared], &[Prepared]),
    (connections, until): (usize, Until),
    before: impl FnOnce(),
) -> Seen {
    let (open, go, next) =
        (Barrier::new(connections + 1), Barrier::new(connections + 1), AtomicUsize::new(0));
    let ask = |first: Option<&Prepared>| {
        let mut connection = Connection::open(address);
        // The server has accepted it.
        connection.ask(first.map_or(WARM_UP, |first| &first.bytes));
        open.wait();
        go.wait();
        let begun = Instant::now();
        let mut latencies = Vec::with_capacity(1 << 14);
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let over = match until {
                Until::Elapsed(window) => begun.elapsed() >= window,
                Until::AllAsked => place >= requests.len(),
            };
            if over {
                return latencies;
            }
            let asked = Instant::now();
            connection.ask(&requests[place % requests.len()].bytes);
            latencies.push(asked.elapsed());
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..connections).map(|at| scope.spawn(move || ask(first.get(at)))).collect();
        open.wait();
        before();
        let begun = Instant::now();
        go.wait();
        let mut latencies: Vec<Duration> =
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        let elapsed = begun.elapsed();
        latencies.sort_unstable();
        Seen { elapsed, latencies }
    })
}

/// Asked once on every connection before anything is measured; every server answers it.
const WARM_UP: &[u8] = b"GET /livez HTTP/1.1\r\nhost: bench\r\n\r\n";
