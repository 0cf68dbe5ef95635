//! A socket that fails once its other end takes too long, and answers what gets no further than the gate.

use super::EdgeLimits;
use super::framing::Framing;
use super::gate::{Gate, encode};
use super::progress::Progress;
use crate::clock::Clock;
use axum::http::header;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The rest of a head; of a new connection, all of it.
    Head,
    /// Another request.
    Request,
}

/// The socket.
pub(super) struct Stream {
    tcp: TcpStream,
    limits: Arc<EdgeLimits>,
    progress: Arc<Progress>,
    waiting: Waiting,
    until: Instant,
    /// Rings at `until` or before it: most requests come whole and need no alarm.
    alarm: Pin<Box<Sleep>>,
    write_alarm: Option<Pin<Box<Sleep>>>,
    gate: Gate,
    framing: Framing,
    /// Requests that were passed on.
    passed: usize,
    /// The answers that have left the buffers before this socket.
    flushed: usize,
}

impl Stream {
    /// A connection that has just been opened.
    pub(super) fn new(tcp: TcpStream, limits: Arc<EdgeLimits>, progress: Arc<Progress>, gate: Gate) -> Self {
        let until = Instant::now() + limits.head;
        let alarm = Box::pin(sleep_until(until));
        Self {
            tcp,
            limits,
            progress,
            waiting: Waiting::Head,
            until,
            alarm,
            write_alarm: None,
            gate,
            framing: Framing::Boundary,
            passed: 0,
            flushed: 0,
        }
    }

    /// Looks at what was read: a request that is whole, alone and refused is answered here and gone, which costs a
    /// fraction of taking it apart first. `None` if it is to be passed on; else whether more may follow.
    fn answer(&mut self, read: &[u8], context: &mut Context<'_>) -> io::Result<Option<bool>> {
        let begins = self.framing == Framing::Boundary;
        let whole = self.framing.take(read).filter(|_| self.is_quiet());
        if let Some(whole) = whole
            && self.tcp.poll_write_ready(context)?.is_ready()
            && let Some(refusal) = self.gate.refuses(&whole.method, whole.path)
            && self.send(&encode(&refusal, Clock::System.now().into()))?
        {
            self.progress.hear();
            self.rest();
            return Ok(Some(!refusal.headers().contains_key(header::CONNECTION)));
        }
        self.passed += usize::from(begins);
        Ok(None)
    }

    /// Whether all that was passed on is answered, and the answers are gone: another must not overtake them.
    fn is_quiet(&self) -> bool {
        self.passed == self.progress.sent() && self.passed == self.flushed
    }

    /// Sends an answer whole, or none of it: then `false`.
    fn send(&self, answer: &[u8]) -> io::Result<bool> {
        match self.tcp.try_write(answer) {
            Ok(written) if written == answer.len() => Ok(true),
            Ok(_) => Err(io::ErrorKind::WriteZero.into()),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(cause) => Err(cause),
        }
    }

    /// Begins to wait for another request.
    fn rest(&mut self) {
        self.waiting = Waiting::Request;
        self.until = Instant::now() + self.limits.idle;
    }

    /// Notes that something came: if no request is under way, a head has begun.
    fn hear(&mut self) {
        self.progress.hear();
        if self.waiting == Waiting::Request && !self.is_under_way() {
            self.waiting = Waiting::Head;
            self.until = Instant::now() + self.limits.head;
        }
    }

    /// Nothing came: an error once that has been so for too long. While a request is under way its body has a limit
    /// of its own, and so has the sending of its answer: all there is to do is to look again later.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let now = Instant::now();
            let next = if self.is_under_way() { now + self.limits.idle } else { self.until };
            if now >= next {
                let what = if self.waiting == Waiting::Head { "head" } else { "idle" };
                return Poll::Ready(Err(self.timed_out(what)));
            }
            if self.alarm.is_elapsed() || self.alarm.deadline() > next {
                self.alarm.as_mut().reset(next);
            }
            ready!(self.alarm.as_mut().poll(context));
        }
    }

    /// Until its answer has left for the system's buffer: whoever takes it slowly is not idle.
    fn is_under_way(&self) -> bool {
        self.progress.begun() != self.flushed
    }

    /// Nothing more can be sent: an error once that has been so for too long since all was sent.
    fn wait_to_write<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let limit = self.limits.write;
        let alarm = self.write_alarm.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        ready!(alarm.as_mut().poll(context));
        Poll::Ready(Err(self.timed_out("write")))
    }

    fn timed_out(&self, what: &'static str) -> io::Error {
        let labels = [("listener", self.limits.listener), ("limit", what)];
        metrics::counter!("tuttu_connections_timed_out_total", &labels).increment(1);
        io::Error::from(io::ErrorKind::TimedOut)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            match Pin::new(&mut self.tcp).poll_read(context, buffer) {
                Poll::Pending => return self.wait(context),
                Poll::Ready(Ok(())) if buffer.filled().len() > before => {}
                ended @ Poll::Ready(_) => return ended,
            }
            let read = buffer.filled().get(before..).unwrap_or_default();
            let Some(lasts) = self.answer(read, context)? else {
                self.hear();
                return Poll::Ready(Ok(()));
            };
            buffer.set_filled(before);
            if !lasts {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.tcp).poll_write(context, bytes) {
            Poll::Pending => self.wait_to_write(context),
            written @ Poll::Ready(_) => written,
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.tcp).poll_write_vectored(context, parts) {
            Poll::Pending => self.wait_to_write(context),
            written @ Poll::Ready(_) => written,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    /// hyper flushes once its own buffer is empty: whoever takes an answer byte by byte gains no time before that.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write_alarm = None;
        let sent = self.progress.sent();
        if sent != self.flushed {
            self.flushed = sent;
            self.rest();
        }
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::config::Config;
    use axum::body::Bytes;
    use axum::http::Response;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    /// Both ends of a connection, and its progress; `/no` is refused.
    async fn connected() -> (TcpStream, Stream, Arc<Progress>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (tcp, _) = listener.accept().await.unwrap();
        let gate = Gate::new(|_, path| {
            let refused = Response::builder().status(503).body(Bytes::from_static(b"later"));
            refused.ok().filter(|_| path == "/no")
        });
        let (limits, progress) =
            (Arc::new(EdgeLimits::api(&Config::default())), Arc::new(Progress::default()));
        (client, Stream::new(tcp, limits, progress.clone(), gate), progress)
    }

    #[tokio::test]
    async fn what_is_refused_is_answered_and_never_read() {
        let (mut client, mut stream, _) = connected().await;
        client.write_all(b"GET /no HTTP/1.1\r\n\r\n").await.unwrap();
        let (mut read, mut answer) = (vec![0; 1_024], vec![0; 1_024]);
        tokio::select! {
            biased;
            passed = stream.read(&mut read) => panic!("{passed:?} was passed on"),
            got = client.read(&mut answer) => {
                let answer = String::from_utf8(answer[..got.unwrap()].to_vec()).unwrap();
                assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("later"), "{answer}");
            }
        }
        let passed = b"GET /yes HTTP/1.1\r\n\r\n";
        client.write_all(passed).await.unwrap();
        let got = stream.read(&mut read).await.unwrap();
        assert_eq!(&read[..got], passed);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_still_takes_an_answer_is_not_idle() {
        let (mut client, mut stream, progress) = connected().await;
        let idle = stream.limits.idle;
        let mut read = vec![0; 1_024];
        client.write_all(b"GET /yes HTTP/1.1\r\n\r\n").await.unwrap();
        assert!(stream.read(&mut read).await.unwrap() > 0);
        progress.begin();
        assert!(timeout(idle * 5, stream.read(&mut read)).await.is_err(), "the answer is not given yet");
        progress.send();
        assert!(timeout(idle * 5, stream.read(&mut read)).await.is_err(), "nor is it gone");
        stream.flush().await.unwrap();
        let gone = Instant::now();
        let ended = stream.read(&mut read).await.unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
        assert!((idle..idle + Duration::from_secs(1)).contains(&gone.elapsed()), "{:?}", gone.elapsed());
    }
}
