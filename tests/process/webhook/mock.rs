//! A gateway on this machine that receives Standard Webhooks, checks them by itself, and can be made to misbehave.

use crate::process::harness::Mock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// 32 bytes.
pub(super) const SECRET: &str = "whsec_dGhpcnR5LXR3by1ieXRlcy1vZi1hLXRlc3Qtc2VjcmU=";

/// What the gateway answers: a status, headers, a body.
#[derive(Debug, Clone)]
pub(super) struct Conduct {
    status: u16,
    header: Option<(&'static str, String)>,
    body: &'static str,
}

impl Conduct {
    pub(super) const fn answer(status: u16, body: &'static str) -> Self {
        Self { status, header: None, body }
    }

    pub(super) const fn accept() -> Self {
        Self::answer(202, r#"{"id": "message-1"}"#)
    }

    /// Sends whoever asks on to another address, method and body included.
    pub(super) fn redirect(to: &str) -> Self {
        Self { status: 307, header: Some(("location", to.to_owned())), body: "" }
    }

    pub(super) fn come_later() -> Self {
        Self { status: 503, header: Some(("retry-after", "1".to_owned())), body: "" }
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) json: Value,
    /// Whether it carries the signature that the specification asks for.
    pub(super) signed: bool,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        text(&self.headers, name)
    }
}

/// The gateway; it ends when dropped.
pub(super) struct Gateway {
    pub(super) url: String,
    shared: Arc<Shared>,
    _mock: Mock,
}

struct Shared {
    conduct: Mutex<Conduct>,
    asked: Mutex<Vec<Asked>>,
}

impl Gateway {
    pub(super) async fn start(conduct: Conduct) -> Self {
        let shared = Arc::new(Shared { conduct: Mutex::new(conduct), asked: Mutex::default() });
        let mock = Mock::serve(Router::new().fallback(answer).with_state(shared.clone())).await;
        Self { url: format!("{}/messages?key=1", mock.base), shared, _mock: mock }
    }

    /// Changes what it answers from now on.
    pub(super) fn conduct(&self, conduct: Conduct) {
        *self.shared.conduct.lock().unwrap() = conduct;
    }

    /// Everything that was asked so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signed = signature(&headers, &body) == text(&headers, "webhook-signature");
    let json = serde_json::from_slice(&body).unwrap();
    // Whoever sees that it was asked may change the conduct: this answer is chosen before.
    let Conduct { status, header, body } = shared.conduct.lock().unwrap().clone();
    let asked = Asked { method, path: uri.to_string(), headers, json, signed };
    shared.asked.lock().unwrap().push(asked);
    let headers: HeaderMap =
        header.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
}

/// The signature that the specification asks for, over the headers as they came.
/// The headers of a request that the gateway signs.
pub(super) fn signed(id: &str, at: i64, body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", id.parse().unwrap());
    headers.insert("webhook-timestamp", at.into());
    headers.insert("webhook-signature", signature(&headers, body).parse().unwrap());
    headers
}

fn signature(headers: &HeaderMap, body: &[u8]) -> String {
    let secret = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let (id, timestamp) = (text(headers, "webhook-id"), text(headers, "webhook-timestamp"));
    let content = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), &content);
    format!("v1,{}", STANDARD.encode(tag))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}
