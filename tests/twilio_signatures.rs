//! Twilio's own library judges callbacks, and so do we: `scripts/twilio-signatures` makes the cases, new ones each
//! time that it runs this.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;
use std::collections::BTreeMap;
use tuttu::config::{Gateway, Hidden};
use tuttu::sender::{Callback, Twilio};

/// Cases of one run of it, for whoever runs this alone; the script brings new ones.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/twilio-callbacks.jsonl");
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A callback, and what Twilio's library says about it.
#[derive(Debug, Deserialize)]
struct Case {
    origin: String,
    path: String,
    r#type: String,
    body: String,
    signature: String,
    right: bool,
}

fn twilio(public_url: &str) -> Twilio {
    let text = |text: &str| Some(text.to_owned());
    let gateway = Gateway {
        name: "paid".to_owned(),
        account_sid: text("AC1"),
        auth_token: Some(Hidden::new(TOKEN)),
        from: text("Tuttu"),
        ..Gateway::default()
    };
    Twilio::new(&gateway, Some(public_url)).unwrap().unwrap()
}

impl Case {
    fn is_right(&self, twilio: &Twilio) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, self.r#type.parse().unwrap());
        headers.insert("x-twilio-signature", self.signature.parse().unwrap());
        let at = Timestamp::UNIX_EPOCH;
        let body = self.body.as_bytes();
        twilio.report(&Callback { path_and_query: &self.path, headers: &headers, body, at }).is_ok()
    }
}

#[test]
fn we_come_to_the_verdicts_of_twilios_own_library() {
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let file = std::env::var("TUTTU_TWILIO_CASES").unwrap_or_else(|_| KEPT.to_owned());
    let cases: Vec<Case> = std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(cases.len(), 400);
    let mut clients = BTreeMap::new();
    for case in &cases {
        let twilio = clients.entry(&case.origin).or_insert_with(|| twilio(&case.origin));
        assert_eq!(case.is_right(twilio), case.right, "{case:?}");
    }
}
