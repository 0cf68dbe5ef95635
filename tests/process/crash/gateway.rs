//! A gateway that counts what it is asked to send, and may stand still at each step of an exchange.

use crate::process::harness::Mock;

use axum::Router;
use axum::extract::State;
use reqwest::Url;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// The gateway; it ends when dropped.
pub(super) struct Gateway {
    pub(super) base: String,
    shared: Arc<Shared>,
    _mock: Mock,
}

struct Shared {
    messages: Mutex<BTreeMap<String, usize>>,
    answers: watch::Sender<bool>,
}

impl Gateway {
    pub(super) async fn start() -> Self {
        let shared = Arc::new(Shared { messages: Mutex::default(), answers: watch::channel(true).0 });
        let mock = Mock::serve(Router::new().fallback(answer).with_state(shared.clone())).await;
        Self { base: mock.base.clone(), shared, _mock: mock }
    }

    /// Whether it answers what it is asked from now on.
    pub(super) fn answer(&self, answers: bool) {
        self.shared.answers.send_replace(answers);
    }

    /// How many messages to a number it was asked to send.
    pub(super) fn messages_to(&self, number: &str) -> usize {
        self.shared.messages.lock().unwrap().get(number).copied().unwrap_or_default()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, form: String) -> &'static str {
    let form = Url::parse(&format!("http://form/?{form}")).unwrap();
    let (_, to) = form.query_pairs().find(|(name, _)| name == "To").unwrap();
    *shared.messages.lock().unwrap().entry(to.into_owned()).or_default() += 1;
    let mut answers = shared.answers.subscribe();
    answers.wait_for(|answers| *answers).await.unwrap();
    r#"{"sid": "SM0123456789abcdef0123456789abcdef"}"#
}

/// An address that lets nobody connect: its queue of connections is full and nobody takes them.
pub(super) struct Full {
    pub(super) base: String,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Full {
    pub(super) async fn start() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        // Linux takes one more than it was told.
        let queued =
            vec![TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        Self { base: format!("http://{address}"), _listener: listener, _queued: queued }
    }
}
