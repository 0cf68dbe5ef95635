//! What is refused at the gate, between requests that are not.

use axum::Router;
use axum::body::Bytes;
use axum::http::{Response, Uri};
use axum::routing;
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;
use tuttu::config::Config;
use tuttu::edge::{Edge, EdgeLimits, Gate};

/// A server whose answers hold the path they were asked for: at the gate those that begin with `/no`, a 503; late those
/// that begin with `/slow`.
async fn begin(stop: CancellationToken) -> (JoinSet<()>, TcpStream) {
    let answer = async |uri: Uri, body: Bytes| {
        for _ in 0..if uri.path().starts_with("/slow") { 50 } else { 0 } {
            yield_now().await;
        }
        format!("{}:{}", uri.path(), body.len())
    };
    let gate = Gate::new(|_, path| {
        let refused = Response::builder().status(503).body(Bytes::from(format!("{path}:-")));
        refused.ok().filter(|_| path.starts_with("/no"))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Arc::new(EdgeLimits::api(&Config::default()));
    let edge = Edge::new(limits, Router::new().fallback(routing::any(answer)), gate);
    let mut serving = JoinSet::new();
    serving.spawn(edge.serve(listener, stop));
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    (serving, stream)
}

fn request(path: &str, body: usize) -> Vec<u8> {
    let body = "x".repeat(body);
    format!("POST {path}?a=b HTTP/1.1\r\nhost: here\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// So many answers, or all until the connection is closed: status and body of each.
async fn answers(stream: &mut (impl AsyncRead + Unpin), count: usize) -> Vec<(u16, String)> {
    let (mut read, mut found) = (Vec::new(), Vec::new());
    while found.len() < count {
        let text = String::from_utf8(read.clone()).unwrap();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let length: usize = length.unwrap();
            assert!(head.contains("\r\ndate: "), "{head}");
            if rest.len() >= length {
                found.push((head[9..12].parse().unwrap(), rest[..length].to_owned()));
                read.drain(..head.len() + 4 + length);
                continue;
            }
        }
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            break;
        }
    }
    assert!(read.is_empty(), "nothing follows");
    found
}

#[tokio::test]
async fn refusals_keep_the_connection_and_the_order_of_its_answers() {
    let (_serving, mut stream) = begin(CancellationToken::new()).await;
    for _ in 0..3 {
        for path in ["/no", "/yes"] {
            stream.write_all(&request(path, 9)).await.unwrap();
            let expected = if path == "/no" { (503, "/no:-") } else { (200, "/yes:9") };
            assert_eq!(answers(&mut stream, 1).await, [(expected.0, expected.1.to_owned())]);
        }
    }
    // Asked before the answer to what came first is known.
    for path in ["/slow", "/no", "/no"] {
        stream.write_all(&request(path, 2)).await.unwrap();
        yield_now().await;
    }
    let found = answers(&mut stream, 3).await;
    assert_eq!(found.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [200, 503, 503]);
}

#[tokio::test]
async fn who_connects_just_before_the_stop_may_still_ask() {
    for path in ["/yes", "/no"] {
        let stop = CancellationToken::new();
        let (mut serving, mut stream) = begin(stop.clone()).await;
        stop.cancel();
        for _ in 0..100 {
            yield_now().await;
        }
        stream.write_all(&request(path, 2)).await.unwrap();
        assert_eq!(answers(&mut stream, 1).await.len(), 1, "{path}");
        serving.join_next().await.unwrap().unwrap();
    }
}

/// A request of a kind with a body, cut somewhere or not, and how long its client rests after each part.
#[derive(Debug, Clone)]
struct Asked {
    kind: &'static str,
    body: usize,
    cut: Option<Index>,
    rest: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    let kind = prop::sample::select(vec!["/yes", "/no", "/slow"]);
    (kind, 0..20_000_usize, prop::option::weighted(0.3, any::<Index>()), 0..60_usize)
        .prop_map(|(kind, body, cut, rest)| Asked { kind, body, cut, rest })
}

/// Asks; who is refused before their body has come may find the connection closed behind the refusal.
async fn each_gets_its_own(all: &[Asked]) {
    let (_serving, stream) = begin(CancellationToken::new()).await;
    let (mut reading, mut writing) = stream.into_split();
    let write = async {
        for (n, asked) in all.iter().enumerate() {
            let sent = request(&format!("{}/{n}", asked.kind), asked.body);
            let (head, tail) = sent.split_at(asked.cut.map_or(0, |cut| cut.index(sent.len())));
            for part in [head, tail] {
                let _closed = writing.write_all(part).await;
                for _ in 0..asked.rest {
                    yield_now().await;
                }
            }
        }
    };
    let expected = all.iter().enumerate().map(|(n, asked)| match asked.kind {
        "/no" => (503, format!("/no/{n}:-")),
        kind => (200, format!("{kind}/{n}:{}", asked.body)),
    });
    let expected: Vec<_> = expected.collect();
    let found = tokio::join!(write, answers(&mut reading, all.len())).1;
    assert_eq!(found, expected[..found.len()]);
    if let Some(last) = all.get(found.len()).map(|_| &all[found.len() - 1]) {
        assert!(last.kind == "/no" && last.body > 0, "closed after {last:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_requests_are_cut_each_gets_its_own_answer(all in prop::collection::vec(asked(), 1..12)) {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(each_gets_its_own(&all));
    }
}
