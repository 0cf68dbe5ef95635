//! What systemd, or what speaks like it, passes to the server and wants to hear from it.

use anyhow::Context as _;
use listenfd::ListenFd;
use sd_notify::NotifyState;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// Listening sockets that were opened before this process began (socket activation).
pub(super) struct Passed {
    sockets: ListenFd,
    names: Vec<String>,
}

impl Passed {
    /// The sockets that `LISTEN_FDS` tells of, if it speaks to this process.
    pub(super) fn from_environment() -> anyhow::Result<Self> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names = names.split(':').map(str::to_owned).collect();
        let passed = Self { sockets: ListenFd::from_env(), names };
        anyhow::ensure!(
            passed.sockets.len() <= 2,
            "more than two sockets were passed: pass that of the API, named `api`, and that of health and metrics, \
             named `ops`"
        );
        Ok(passed)
    }

    /// The socket of that name, or one that is opened here. Sockets without names are `api`, then `ops`.
    pub(super) async fn listener(
        &mut self,
        name: &str,
        key: &str,
        address: SocketAddr,
    ) -> anyhow::Result<TcpListener> {
        if let Some(index) = self.index_of(name) {
            let socket = self.sockets.take_tcp_listener(index);
            let socket =
                socket.with_context(|| format!("the socket `{name}` that was passed is not for TCP"))?;
            if let Some(socket) = socket {
                socket.set_nonblocking(true)?;
                return Ok(TcpListener::from_std(socket)?);
            }
        }
        TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}: is another server running? Set {key} to another address")
        })
    }

    fn index_of(&self, name: &str) -> Option<usize> {
        let named = self.names.iter().any(|name| name == "api" || name == "ops");
        let index = match (named, name) {
            (true, _) => self.names.iter().position(|given| given == name)?,
            (false, "api") => 0,
            (false, _) => 1,
        };
        (index < self.sockets.len()).then_some(index)
    }
}

/// Tells the supervisor, if there is one that wants to know.
pub(super) fn say(state: &[NotifyState<'_>]) {
    if let Err(cause) = sd_notify::notify(state) {
        tracing::warn!(%cause, "the supervisor could not be told");
    }
}

/// Tells the supervisor that the server is alive, twice as often as it wants to know; never ends if it does not.
pub(super) async fn watched() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut ticks = tokio::time::interval((patience / 2).max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        say(&[NotifyState::Watchdog]);
    }
}
