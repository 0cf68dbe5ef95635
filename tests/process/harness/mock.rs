//! Somebody else's service on this machine.

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// A service; it ends when dropped.
pub(crate) struct Mock {
    /// Where it is: `http://127.0.0.1:port`.
    pub(crate) base: String,
    _stop: DropGuard,
}

impl Mock {
    pub(crate) async fn serve(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        TaskTracker::new().spawn(serving.into_future());
        Self { base, _stop: stop.drop_guard() }
    }
}
