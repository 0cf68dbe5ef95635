//! A `siteverify` on this machine that can be made to misbehave.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use reqwest::Url;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// What it does with a token.
#[derive(Debug, Clone)]
pub(super) enum Conduct {
    /// Answers so.
    Say(u16, String),
    /// Takes the connection and closes it.
    Reset,
    /// Takes the request and says nothing.
    Silence,
}

type Form = Vec<(String, String)>;

/// The server; it ends when dropped.
pub(super) struct Siteverify {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Form>>>,
    _stop: DropGuard,
}

#[derive(Clone)]
struct Shared {
    conduct: Conduct,
    asked: Arc<Mutex<Vec<Form>>>,
}

impl Siteverify {
    pub(super) async fn start(conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/siteverify", listener.local_addr().unwrap());
        let asked = Arc::default();
        let stop = CancellationToken::new();
        let ended = stop.clone().cancelled_owned();
        if let Conduct::Reset = conduct {
            TaskTracker::new().spawn(async move {
                tokio::select! { () = reset(&listener) => {}, () = ended => {} }
            });
        } else {
            let shared = Shared { conduct, asked: Arc::clone(&asked) };
            let router = Router::new().fallback(answer).with_state(shared);
            TaskTracker::new()
                .spawn(axum::serve(listener, router).with_graceful_shutdown(ended).into_future());
        }
        Self { url, asked, _stop: stop.drop_guard() }
    }

    /// Every form that came.
    pub(super) fn asked(&self) -> Vec<Form> {
        self.asked.lock().unwrap().clone()
    }
}

async fn reset(listener: &TcpListener) {
    loop {
        drop(listener.accept().await.unwrap());
    }
}

async fn answer(State(shared): State<Shared>, body: Bytes) -> Response {
    let form = Url::parse(&format!("http://form/?{}", str::from_utf8(&body).unwrap())).unwrap();
    shared.asked.lock().unwrap().push(form.query_pairs().into_owned().collect());
    match shared.conduct {
        Conduct::Say(status, text) => (StatusCode::from_u16(status).unwrap(), text).into_response(),
        Conduct::Reset | Conduct::Silence => std::future::pending().await,
    }
}
