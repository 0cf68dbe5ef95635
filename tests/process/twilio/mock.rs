//! A gateway on this machine that speaks as Twilio does, and that can be made to misbehave.

use crate::process::harness::Mock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use reqwest::Url;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// What the gateway does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conduct {
    /// Accepts it.
    Accept,
    /// Refuses it as Twilio refuses a number that cannot exist.
    Refuse,
    /// Refuses messages as Twilio refuses them to a landline, and makes calls.
    Landline,
    /// Says nothing until the conduct changes.
    Silence,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) authorization: String,
    pub(super) content_type: String,
    pub(super) form: BTreeMap<String, String>,
}

/// The gateway; it ends when dropped.
pub(super) struct Gateway {
    pub(super) base: String,
    shared: Arc<Shared>,
    _mock: Mock,
}

struct Shared {
    conduct: watch::Sender<Conduct>,
    asked: Mutex<Vec<Asked>>,
}

impl Gateway {
    pub(super) async fn start(conduct: Conduct) -> Self {
        let shared = Arc::new(Shared { conduct: watch::channel(conduct).0, asked: Mutex::new(Vec::new()) });
        let mock = Mock::serve(Router::new().fallback(answer).with_state(shared.clone())).await;
        Self { base: mock.base.clone(), shared, _mock: mock }
    }

    /// Changes what it does, also with what it has not answered yet.
    pub(super) fn conduct(&self, conduct: Conduct) {
        self.shared.conduct.send_replace(conduct);
    }

    /// Everything that was asked so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How many messages to a number were asked for.
    pub(super) fn messages_to(&self, number: &str) -> usize {
        self.asked().iter().filter(|asked| asked.form["To"] == number).count()
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let form = Url::parse(&format!("http://form/?{}", str::from_utf8(&body).unwrap())).unwrap();
    shared.asked.lock().unwrap().push(Asked {
        method,
        path: uri.path().to_owned(),
        authorization: text(header::AUTHORIZATION),
        content_type: text(header::CONTENT_TYPE),
        form: form.query_pairs().into_owned().collect(),
    });
    let mut conduct = shared.conduct.subscribe();
    let conduct = *conduct.wait_for(|conduct| *conduct != Conduct::Silence).await.unwrap();
    let call = uri.path().ends_with("/Calls.json");
    let refused = |code: u32, message: &str| {
        (StatusCode::BAD_REQUEST, json!({"code": code, "message": message, "status": 400}))
    };
    let (status, json) = match conduct {
        Conduct::Refuse => refused(21211, "The 'To' number is not a valid phone number."),
        Conduct::Landline if !call => refused(21614, "'To' number is not a valid mobile number"),
        _ => {
            let sid = if call {
                "CA0123456789abcdef0123456789abcdef"
            } else {
                "SM0123456789abcdef0123456789abcdef"
            };
            (StatusCode::CREATED, json!({"sid": sid, "status": "queued"}))
        }
    };
    (status, [(header::CONTENT_TYPE, "application/json")], json.to_string()).into_response()
}
