//! Between the network and the routes: connections are counted, and none may take its time for ever.
//!
//! `axum::serve` waits without end for a request head that stops halfway. Here a silent socket, half a head, a slow
//! body and a slow reader each have a limit, connections have one in all and per address, and after an hour each ends
//! behind the answer that is under way. What there is no room for is refused at the gate, before it costs anything.

mod body;
mod connection;
mod framing;
mod gate;
mod progress;
mod seats;
mod stream;

use crate::config::Config;
use axum::Router;
use connection::Connection;
pub use gate::Gate;
use ipnet::IpNet;
use seats::Seats;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long nothing is accepted after the system refused a connection: it has run out of something.
const BACK_OFF: Duration = Duration::from_millis(100);
/// How many connections that wait in the system's queue are still taken when the server stops.
const LAST_CONNECTIONS: usize = 1_024;
/// How many people may look at health and metrics at once.
const OPS_CONNECTIONS: usize = 64;

/// What a connection may take of a server, and for how long.
#[derive(Debug, Clone)]
pub struct EdgeLimits {
    /// Which listener, in metrics.
    pub listener: &'static str,
    /// Connections in all.
    pub connections: usize,
    /// Connections of one IPv4 address or IPv6 /64.
    pub per_address: usize,
    /// Addresses without a limit of their own.
    pub exempt: Arc<[IpNet]>,
    /// From the opening of a connection, or from its first byte, to the end of a request's head.
    pub head: Duration,
    /// From the end of the head to the end of the body.
    pub body: Duration,
    /// For taking an answer.
    pub write: Duration,
    /// Without a request.
    pub idle: Duration,
    /// Of a connection in all.
    pub lifetime: Duration,
    /// From the beginning of a stop until nothing more is accepted.
    pub drain_delay: Duration,
}

impl EdgeLimits {
    /// Those of the public listener.
    #[must_use]
    pub fn api(config: &Config) -> Self {
        let server = &config.server;
        let exempt = [config.exempt_addresses(), server.trusted_proxies.clone()].concat();
        Self {
            listener: "api",
            connections: server.connections,
            per_address: server.connections_per_address,
            exempt: exempt.into(),
            head: server.head_timeout.get(),
            body: server.body_timeout.get(),
            write: server.write_timeout.get(),
            idle: server.idle_timeout.get(),
            lifetime: server.connection_lifetime.get(),
            drain_delay: server.drain_delay.get(),
        }
    }

    /// Those of the private listener: few connections of its own, so that health answers while the other is full.
    #[must_use]
    pub fn ops(config: &Config) -> Self {
        Self {
            listener: "ops",
            connections: OPS_CONNECTIONS,
            per_address: OPS_CONNECTIONS,
            ..Self::api(config)
        }
    }
}

/// A listener with its limits and its routes.
#[derive(Debug)]
pub struct Edge {
    limits: Arc<EdgeLimits>,
    router: Router,
    gate: Gate,
    seats: Seats,
    open: TaskTracker,
}

impl Edge {
    /// Routes behind limits and a gate.
    #[must_use]
    pub fn new(limits: Arc<EdgeLimits>, router: Router, gate: Gate) -> Self {
        let seats = Seats::new(&limits);
        Self { limits, router, gate, seats, open: TaskTracker::new() }
    }

    /// Serves until `stop`: then it accepts nothing more, closes idle connections and ends the others after the
    /// answers they wait for.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer, &stop),
                Err(cause) if is_of_one_connection(&cause) => {}
                Err(cause) => {
                    tracing::error!(%cause, "connections cannot be accepted: see the limit on open files (ulimit -n)");
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
        // Who has connected by now is answered; who connects from now on is refused, not kept waiting.
        for _ in 0..LAST_CONNECTIONS {
            tokio::select! {
                biased;
                Ok((stream, peer)) = listener.accept() => self.admit(stream, peer, &stop),
                () = std::future::ready(()) => break,
            }
        }
        drop(listener);
        self.open.close();
        self.open.wait().await;
    }

    /// Serves a connection if there is room. Else it is closed at once: a proxy then tries another node, while one
    /// left in the queue of the system would wait for its own timeout.
    fn admit(&self, stream: TcpStream, peer: SocketAddr, stop: &CancellationToken) {
        match self.seats.take(peer.ip()) {
            Ok(seat) => {
                let connection = Connection::new(stream, peer, &self.limits, self.gate.clone());
                let (routes, stop) = (self.router.clone(), stop.clone());
                self.open.spawn(async move {
                    connection.serve(routes, stop).await;
                    drop(seat);
                });
            }
            Err(full) => {
                let labels = [("listener", self.limits.listener), ("reason", full.as_str())];
                metrics::counter!("tuttu_connections_refused_total", &labels).increment(1);
            }
        }
    }
}

/// Whether a failure to accept says nothing about the next connection.
fn is_of_one_connection(cause: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
