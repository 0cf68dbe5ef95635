//! A body that is made while it is read: what it holds in memory is a few pieces.

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Pieces that are made before the first of them is taken.
const AHEAD: usize = 2;

/// The reader's end.
struct Pieces(Receiver<Bytes>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// A body, and where its pieces go; it ends when that is dropped, and sending fails once nobody reads.
pub(super) fn body() -> (Sender<Bytes>, Body) {
    let (pieces, reader) = channel(AHEAD);
    (pieces, Body::new(Pieces(reader)))
}
