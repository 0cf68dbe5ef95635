//! A way to the database that can be cut, blocked and slowed down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// What the way does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Passes everything on.
    Open,
    /// Hangs up, and on whoever calls.
    Cut,
    /// Takes everything and passes nothing on. What was open then stays dead: neither end is told.
    HalfOpen,
    /// Passes everything on late.
    Slow,
}

/// The longest that the database may be asked and everything comes late.
const LATE: Duration = Duration::from_millis(700);

/// A proxy; it ends when dropped.
pub(super) struct Proxy {
    pub(super) port: u16,
    way: watch::Sender<Way>,
    far: Arc<AtomicU16>,
    _stop: DropGuard,
}

impl Proxy {
    /// A way to a port of this machine.
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (way, seen) = watch::channel(Way::Open);
        let far = Arc::new(AtomicU16::new(port));
        let leads = far.clone();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let accepting = async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                tasks.spawn(carry(near, leads.load(Ordering::Relaxed), seen.clone()));
            }
        };
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move { stopped.run_until_cancelled(accepting).await });
        Self { port: own, way, far, _stop: stop.drop_guard() }
    }

    /// From now on, leads whoever calls to another port.
    pub(super) fn leads_to(&self, port: u16) {
        self.far.store(port, Ordering::Relaxed);
    }

    pub(super) fn becomes(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn carry(near: TcpStream, port: u16, mut way: watch::Receiver<Way>) {
    if *way.borrow_and_update() == Way::Cut {
        return;
    }
    if *way.borrow() == Way::HalfOpen {
        let _until_it_is_cut = way.wait_for(|way| *way == Way::Cut).await;
        return;
    }
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let cut = way.clone();
    tokio::select! {
        () = pass(near_in, far_out, way.clone()) => {}
        () = pass(far_in, near_out, way) => {}
        () = cut_off(cut) => {}
    }
}

async fn cut_off(mut way: watch::Receiver<Way>) {
    let _gone = way.wait_for(|way| *way == Way::Cut).await;
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: watch::Receiver<Way>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut dead = false;
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        dead |= *way.borrow_and_update() == Way::HalfOpen;
        if dead {
            continue;
        }
        if *way.borrow() == Way::Slow {
            tokio::time::sleep(LATE).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    // A dead way does not even hang up.
    if dead {
        std::future::pending::<()>().await;
    }
}
