//! A load balancer as they are: it passes bytes on to the nodes whose `/readyz` says so, in turns.

use super::super::harness::{Server, until};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How often it asks the nodes.
const PERIOD: Duration = Duration::from_millis(50);

/// A node as it sees it.
struct Node {
    address: SocketAddr,
    ops: String,
    ready: bool,
}

type Nodes = Arc<Mutex<Vec<Node>>>;

pub(super) struct Balancer {
    base: String,
    nodes: Nodes,
    _running: JoinSet<()>,
}

impl Balancer {
    pub(super) async fn before(servers: &[Server]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (nodes, mut running) = (Nodes::default(), JoinSet::new());
        running.spawn(pass_on(listener, nodes.clone()));
        running.spawn(watch(nodes.clone()));
        let balancer = Self { base, nodes, _running: running };
        for server in servers {
            balancer.learns(server).await;
        }
        balancer
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Waits until a new node gets its share.
    pub(super) async fn learns(&self, server: &Server) {
        let (address, ops) = (address(server), server.ops.clone());
        self.nodes.lock().unwrap().push(Node { address, ops, ready: false });
        until("a ready node", async || self.is_ready(address).then_some(())).await;
    }

    /// Waits until a node that ends gets nothing more.
    pub(super) async fn forgets(&self, server: &Server) {
        let address = address(server);
        until("a node that is not ready", async || (!self.is_ready(address)).then_some(())).await;
        self.nodes.lock().unwrap().retain(|node| node.address != address);
    }

    fn is_ready(&self, address: SocketAddr) -> bool {
        self.nodes.lock().unwrap().iter().any(|node| node.address == address && node.ready)
    }
}

fn address(server: &Server) -> SocketAddr {
    server.base.trim_start_matches("http://").parse().unwrap()
}

/// Asks every node whether it is ready.
async fn watch(nodes: Nodes) {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        ticks.tick().await;
        let asked: Vec<String> = nodes.lock().unwrap().iter().map(|node| node.ops.clone()).collect();
        for ops in asked {
            let answer = http.get(format!("{ops}/readyz")).send().await;
            let ready = answer.is_ok_and(|answer| answer.status() == 200);
            nodes
                .lock()
                .unwrap()
                .iter_mut()
                .filter(|node| node.ops == ops)
                .for_each(|node| node.ready = ready);
        }
    }
}

/// Gives every connection to the next node that is ready.
async fn pass_on(listener: TcpListener, nodes: Nodes) {
    let (turn, mut connections) = (AtomicUsize::new(0), JoinSet::new());
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let ready: Vec<SocketAddr> =
            nodes.lock().unwrap().iter().filter(|node| node.ready).map(|node| node.address).collect();
        let Some(node) = ready.get(turn.fetch_add(1, Ordering::Relaxed) % ready.len().max(1)).copied() else {
            continue;
        };
        connections.spawn(async move {
            let Ok(mut node) = TcpStream::connect(node).await else { return };
            let _closed = tokio::io::copy_bidirectional(&mut client, &mut node).await;
        });
    }
}
