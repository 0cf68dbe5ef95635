//! A request's body, which must be there in time, and an answer's, which tells when it is sent.

use super::progress::Progress;
use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A body that fails with [`io::ErrorKind::TimedOut`] if it is not whole in time.
pub(super) struct TimedBody {
    body: Incoming,
    until: Instant,
    /// Set only once a body makes its reader wait.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    /// A body that may take so long from now on.
    pub(super) fn new(body: Incoming, limit: Duration) -> Self {
        Self { body, until: Instant::now() + limit, alarm: None }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let until = self.until;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(until)));
        match alarm.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer, which is dropped once all of it was taken to be sent.
pub(super) struct SentBody {
    body: axum::body::Body,
    progress: Arc<Progress>,
}

impl SentBody {
    /// The body of the next answer of a connection.
    pub(super) const fn new(body: axum::body::Body, progress: Arc<Progress>) -> Self {
        Self { body, progress }
    }
}

impl Drop for SentBody {
    fn drop(&mut self) {
        self.progress.send();
    }
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
