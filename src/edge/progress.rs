//! How far the requests of a connection are, as its service tells its socket.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What was heard, begun and answered on one connection.
#[derive(Debug, Default)]
pub(super) struct Progress {
    heard: AtomicBool,
    begun: AtomicUsize,
    sent: AtomicUsize,
}

impl Progress {
    /// Something was received.
    pub(super) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// A head has been read whole.
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// Its answer has been given to the socket, or to what goes before it.
    pub(super) fn send(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether anything was ever received.
    pub(super) fn was_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Heads that were read.
    pub(super) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// Answers that were given.
    pub(super) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }
}
