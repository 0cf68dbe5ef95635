//! The least that a server of lookups must do: read the body, look each handle up, answer.

use crate::people;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use hashbrown::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, RwLock};
use tokio::net::TcpListener;

/// Bytes of a request before its token, and of an answer before its bitmap.
const REQUEST_HEAD: usize = 22;
const ANSWER_HEAD: usize = 10;

type Users = HashMap<u128, [u8; 16], BuildHasherDefault<Identity>>;

/// Handles are uniform: their first eight bytes are as good as any hash of them.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are u128")
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = (key >> 64) as u64;
    }
}

/// Serves until it is killed: with nobody, or with so many users.
#[tokio::main]
pub(crate) async fn serve(users: Option<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let router = match users {
        None => Router::new().route("/v1/discovery/lookup", post(empty)),
        Some(users) => {
            let users =
                (0..users).map(|user| (u128::from_be_bytes(people::handle(user)), people::account(user)));
            let users: Arc<RwLock<Users>> = Arc::new(RwLock::new(users.collect()));
            Router::new().route("/v1/discovery/lookup", post(map)).with_state(users)
        }
    };
    let router = router.route("/livez", get(async || "ok"));
    println!("http://{}", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

/// The handles of a request.
fn handles(body: &Bytes) -> &[[u8; 16]] {
    let token = usize::from(u16::from_le_bytes([body[20], body[21]]));
    body[REQUEST_HEAD + token..].as_chunks().0
}

async fn empty(body: Bytes) -> impl IntoResponse {
    let answer = vec![0_u8; ANSWER_HEAD + handles(&body).len().div_ceil(8)];
    ([(header::CONTENT_TYPE, "application/vnd.tuttu.lookup")], answer)
}

async fn map(State(users): State<Arc<RwLock<Users>>>, body: Bytes) -> impl IntoResponse {
    let handles = handles(&body);
    let bitmap = handles.len().div_ceil(8);
    let mut answer = Vec::with_capacity(ANSWER_HEAD + bitmap + handles.len() * 16);
    answer.resize(ANSWER_HEAD + bitmap, 0_u8);
    let users = users.read().unwrap();
    for (place, handle) in handles.iter().enumerate() {
        if let Some(account) = users.get(&u128::from_be_bytes(*handle)) {
            answer[ANSWER_HEAD + place / 8] |= 1 << (place % 8);
            answer.extend_from_slice(account);
        }
    }
    ([(header::CONTENT_TYPE, "application/vnd.tuttu.lookup")], answer)
}
