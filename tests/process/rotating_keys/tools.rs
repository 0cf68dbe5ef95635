//! Two servers whose keys are replaced, and people whom they must not lose meanwhile.

use crate::process::harness::{self, Person, Place, Server, until};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio_util::task::TaskTracker;
use tuttu::model::keys::SecretKey;

pub(super) const KEYS: &str = "data/keys.toml";
/// The key file of the second server.
const SECOND: &str = "second.toml";
pub(super) const ANNA: &str = "+358401234561";
pub(super) const BERTA: &str = "+358501234562";
pub(super) const CARLA: &str = "+358441234563";
const SEALED: &str = "SELECT SUBSTR(number_sealed, 1, 1) FROM accounts
    UNION SELECT SUBSTR(name_sealed, 1, 1) FROM devices
    UNION SELECT SUBSTR(number_sealed, 1, 1) FROM verifications
    UNION SELECT SUBSTR(pepper_sealed, 1, 1) FROM epochs
    UNION SELECT SUBSTR(sealed, 1, 1) FROM index_secret";

pub(super) fn server(place: &Place) -> Server {
    let mut server = place.serve();
    server.inbox_key();
    server
}

/// Two servers on one database, each with its own copy of the key file.
pub(super) fn two_servers(place: &mut Place) -> (Server, Server) {
    let one = server(place);
    share(place);
    place.set("TUTTU__KEYS__FILE", SECOND);
    let two = server(place);
    place.unset("TUTTU__KEYS__FILE");
    (one, two)
}

/// Gives the second server the key file of the first.
pub(super) fn share(place: &Place) {
    std::fs::copy(place.path(KEYS), place.path(SECOND)).unwrap();
}

/// What stands in a column of `tuttu keys list` for a version of a key.
pub(super) fn listed(place: &Place, key: &str, version: &str, column: &str) -> String {
    let list = place.run(&["keys", "list"]).ok();
    let mut lines = list.lines();
    let at = lines.next().unwrap().find(column).unwrap();
    let row = lines.find(|line| line.split_whitespace().take(2).eq([key, version])).unwrap_or_default();
    let rest = row.get(at..).unwrap_or_default();
    rest.split("  ").next().unwrap().to_owned()
}

pub(super) async fn list_says(place: &Place, (key, version): (&str, &str), column: &str, expected: &str) {
    until(&format!("{key} {version}: {column} {expected}"), async || {
        (listed(place, key, version, column) == expected).then_some(())
    })
    .await;
}

/// Replaces a key on two servers, the second of which hears of it last.
pub(super) async fn rotate(place: &Place, (one, two): (&Server, &Server), key: &str) {
    let added = place.run(&["keys", "add", key]).ok();
    assert!(added.starts_with(&format!("{key} version 2 is in data/keys.toml.")), "{added}");
    assert_eq!(place.mode(KEYS), 0o600);
    let refused = place.run(&["keys", "use", key]).failed();
    assert!(refused.contains(&format!("{key} version 2 is not on every server")), "{refused}");
    assert_eq!(refused.matches("(process ").count(), 2, "{refused}");
    one.hang_up();
    list_says(place, (key, "2"), "SERVERS", "1 of 2").await;
    let refused = place.run(&["keys", "use", key]).failed();
    assert_eq!(refused.matches("(process ").count(), 1, "{refused}");
    assert_eq!(listed(place, key, "2", "STATE"), "added");
    share(place);
    two.hang_up();
    list_says(place, (key, "2"), "SERVERS", "2 of 2").await;
    let used = place.run(&["keys", "use", key, "--wait"]).ok();
    assert!(used.starts_with(&format!("{key} version 2 is in use.\n")), "{used}");
    assert!(used.ends_with(&format!("Every server uses {key} version 2.\n")), "{used}");
    assert_eq!(listed(place, key, "2", "STATE"), "in use");
}

/// The same on the only server.
pub(super) async fn rotate_alone(place: &Place, server: &Server, key: &str) {
    place.run(&["keys", "add", key]).ok();
    server.hang_up();
    list_says(place, (key, "2"), "SERVERS", "1 of 1").await;
    place.run(&["keys", "use", key, "--wait"]).ok();
}

/// The versions under which anything is sealed.
pub(super) async fn sealed_under(place: &Place) -> BTreeSet<Vec<u8>> {
    place.bytes(SEALED).await.into_iter().collect()
}

/// A version of a key in a key file.
pub(super) fn key(keys: &toml::Table, name: &str, version: u8) -> Option<SecretKey> {
    let text = keys[name].get(version.to_string())?.as_str()?;
    Some(SecretKey::new(version, URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()))
}

/// An approved verification's grant; either server may have sent the code.
pub(super) async fn grant(servers: [&Server; 2], number: &str) -> String {
    let attempt = servers[0].attempt(number).await;
    let code = code(servers, number).await;
    servers[1].check(&attempt, &code).await.text("/grant")
}

pub(super) async fn code(servers: [&Server; 2], number: &str) -> String {
    let path = format!("/v1/inbox?phone_number={}", number.replace('+', "%2B"));
    until("a message", async || {
        for server in servers {
            let answer = server.get(&path, server.known_inbox_key()).await;
            if let Some(message) = answer.json["messages"].as_array().unwrap().last() {
                return Some(harness::code_in(message["text"].as_str().unwrap()));
            }
        }
        None
    })
    .await
}

/// A lookup whose receipt, if there is one, has paid for all of it.
pub(super) async fn look_up(server: &Server, who: &Person, receipt: Option<&str>) -> Value {
    let (epoch, pepper) = server.epoch(&who.token).await;
    let handles = [harness::handle(&pepper, &who.number).to_base64url()];
    let body = match receipt {
        None => json!({"epoch": epoch, "handles": handles}),
        Some(receipt) => json!({"epoch": epoch, "handles": [], "known": handles, "sync_token": receipt}),
    };
    let answer = server.post("/v1/discovery/lookup", &who.token, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["matches"][0]["account_id"], who.account_id.as_str());
    answer.json
}

/// Requests that go on until they are told to end; each must be answered well.
pub(super) struct Traffic {
    tasks: TaskTracker,
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
}

impl Traffic {
    pub(super) fn begin(servers: [&Server; 2], token: &str) -> Self {
        let traffic = Self {
            tasks: TaskTracker::new(),
            over: Arc::default(),
            answered: Arc::default(),
            failed: Arc::default(),
        };
        for server in servers {
            for path in ["/v1/account", "/v1/devices", "/v1/discovery/epochs"] {
                let request = server.request(path, token);
                let (over, answered) = (traffic.over.clone(), traffic.answered.clone());
                let failed = traffic.failed.clone();
                traffic.tasks.spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        let answer = request.try_clone().unwrap().send().await;
                        let well = answer.is_ok_and(|answer| answer.status() == 200);
                        if well { &answered } else { &failed }.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        traffic
    }

    /// How many requests were answered well, and how many not.
    pub(super) async fn end(self) -> (usize, usize) {
        self.over.store(true, Ordering::Relaxed);
        self.tasks.close();
        self.tasks.wait().await;
        (self.answered.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}
