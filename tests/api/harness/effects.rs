//! What every route leaves in the audit log: looked at when a test's server has stopped.

use super::TestService;
use reqwest::Method;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tuttu::audit::{AuditLog, Verification};
use tuttu::model::audit::Entry;
use tuttu::store::{DatabaseUrl, Store};

const CONSOLE: &str = include_str!("../../../src/http/admin.rs");

/// How many events an answer of 2xx stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It changes nothing.
    None,
    /// It changes something.
    One,
    /// Whether it changes something depends on what was so before.
    OneAtMost,
}

/// Every route of the API and of the console. One that is not named here fails `every_route_says_what_it_leaves_in_the_audit_log`.
pub(crate) const EFFECTS: [(&str, &str, Effect); 104] = [
    ("POST", "/v1/verifications", Effect::One),
    ("GET", "/v1/verifications/{id}", Effect::None),
    ("POST", "/v1/verifications/{id}/codes", Effect::One),
    ("POST", "/v1/verifications/{id}/challenges", Effect::One),
    ("POST", "/v1/verifications/{id}/check", Effect::One),
    ("POST", "/v1/accounts", Effect::One),
    ("GET", "/v1/account", Effect::None),
    ("PATCH", "/v1/account", Effect::One),
    ("DELETE", "/v1/account", Effect::One),
    ("GET", "/v1/devices", Effect::None),
    ("DELETE", "/v1/devices/{id}", Effect::One),
    ("GET", "/v1/discovery/epochs", Effect::None),
    ("POST", "/v1/discovery/lookup", Effect::None),
    ("GET", "/v1/inbox", Effect::None),
    ("POST", "/callbacks/{gateway}/{delivery_id}", Effect::OneAtMost),
    ("POST", "/callbacks/{gateway}/{delivery_id}/voice", Effect::None),
    ("GET", "/admin/api/v1/session", Effect::None),
    ("DELETE", "/admin/api/v1/session", Effect::OneAtMost),
    ("POST", "/admin/api/v1/session/confirm", Effect::One),
    ("GET", "/admin/api/v1/team", Effect::None),
    ("POST", "/admin/api/v1/team", Effect::One),
    ("PATCH", "/admin/api/v1/team/{id}", Effect::One),
    ("DELETE", "/admin/api/v1/team/{id}/sessions", Effect::OneAtMost),
    ("POST", "/admin/api/v1/team/{id}/reset", Effect::One),
    ("GET", "/admin/api/v1/tokens", Effect::None),
    ("POST", "/admin/api/v1/tokens", Effect::One),
    ("DELETE", "/admin/api/v1/tokens/{id}", Effect::One),
    ("GET", "/admin/api/v1/now", Effect::None),
    ("PUT", "/admin/api/v1/sending", Effect::OneAtMost),
    ("GET", "/admin/api/v1/gateways", Effect::None),
    ("GET", "/admin/api/v1/countries", Effect::None),
    ("GET", "/admin/api/v1/policies", Effect::None),
    ("GET", "/admin/api/v1/policies/{subject}", Effect::None),
    ("PUT", "/admin/api/v1/policies/{subject}", Effect::One),
    ("DELETE", "/admin/api/v1/policies/{subject}", Effect::One),
    ("GET", "/admin/api/v1/verifications", Effect::None),
    ("POST", "/admin/api/v1/verifications/search", Effect::One),
    ("GET", "/admin/api/v1/verifications/{id}", Effect::None),
    ("POST", "/admin/api/v1/verifications/{id}/reveal", Effect::One),
    ("POST", "/admin/api/v1/verifications/{id}/unblock", Effect::One),
    ("POST", "/admin/api/v1/accounts/search", Effect::One),
    ("GET", "/admin/api/v1/accounts/{id}", Effect::None),
    ("DELETE", "/admin/api/v1/accounts/{id}", Effect::One),
    ("POST", "/admin/api/v1/accounts/{id}/reveal", Effect::One),
    ("POST", "/admin/api/v1/accounts/{id}/lock", Effect::One),
    ("POST", "/admin/api/v1/accounts/{id}/unlock", Effect::One),
    ("POST", "/admin/api/v1/accounts/{id}/export", Effect::One),
    ("DELETE", "/admin/api/v1/accounts/{id}/devices/{device}", Effect::One),
    ("GET", "/admin/api/v1/audit/entries", Effect::None),
    ("GET", "/admin/api/v1/audit/entries/{index}", Effect::None),
    ("GET", "/admin/api/v1/audit/entries/{index}/proof", Effect::None),
    ("GET", "/admin/api/v1/audit/log", Effect::None),
    ("GET", "/admin/api/v1/audit/catalogue", Effect::None),
    ("GET", "/admin/api/v1/audit/schema", Effect::None),
    ("POST", "/admin/api/v1/audit/verify", Effect::None),
    ("POST", "/admin/api/v1/audit/export", Effect::One),
    ("GET", "/admin", Effect::None),
    ("GET", "/admin/sign-in", Effect::None),
    ("POST", "/admin/sign-in", Effect::One),
    ("POST", "/admin/sign-out", Effect::OneAtMost),
    ("GET", "/admin/confirm", Effect::None),
    ("POST", "/admin/confirm", Effect::One),
    ("GET", "/admin/enrol", Effect::None),
    ("POST", "/admin/enrol", Effect::None),
    ("POST", "/admin/enrol/finish", Effect::One),
    ("GET", "/admin/you", Effect::None),
    ("POST", "/admin/you/password", Effect::One),
    ("POST", "/admin/you/recovery-codes", Effect::One),
    ("POST", "/admin/you/sign-out-everywhere", Effect::OneAtMost),
    ("GET", "/admin/now", Effect::None),
    ("POST", "/admin/now/sending", Effect::OneAtMost),
    ("GET", "/admin/verifications", Effect::None),
    ("GET", "/admin/verifications.csv", Effect::One),
    ("POST", "/admin/verifications/search", Effect::One),
    ("GET", "/admin/verifications/{id}", Effect::None),
    ("POST", "/admin/verifications/{id}/reveal", Effect::One),
    ("POST", "/admin/verifications/{id}/unblock", Effect::One),
    ("GET", "/admin/countries", Effect::None),
    ("POST", "/admin/countries/policy", Effect::One),
    ("POST", "/admin/countries/remove", Effect::One),
    ("GET", "/admin/gateways", Effect::None),
    ("GET", "/admin/accounts", Effect::None),
    ("POST", "/admin/accounts/search", Effect::One),
    ("GET", "/admin/accounts/{id}", Effect::None),
    ("POST", "/admin/accounts/{id}/revoke", Effect::One),
    ("POST", "/admin/accounts/{id}/lock", Effect::One),
    ("POST", "/admin/accounts/{id}/unlock", Effect::One),
    ("POST", "/admin/accounts/{id}/reveal", Effect::One),
    ("POST", "/admin/accounts/{id}/export", Effect::One),
    ("POST", "/admin/accounts/{id}/erase", Effect::One),
    ("GET", "/admin/audit", Effect::None),
    ("GET", "/admin/audit/{index}", Effect::None),
    ("POST", "/admin/audit/verify", Effect::None),
    ("POST", "/admin/audit/export", Effect::One),
    ("GET", "/admin/team", Effect::None),
    ("POST", "/admin/team/invite", Effect::One),
    ("POST", "/admin/team/{id}/roles", Effect::One),
    ("POST", "/admin/team/{id}/disable", Effect::One),
    ("POST", "/admin/team/{id}/enable", Effect::One),
    ("POST", "/admin/team/{id}/end-sessions", Effect::OneAtMost),
    ("POST", "/admin/team/{id}/reset", Effect::One),
    ("POST", "/admin/team/tokens", Effect::One),
    ("POST", "/admin/team/tokens/{id}/revoke", Effect::One),
    ("GET", "/admin/assets/{*file}", Effect::None),
];

/// Every method and path that is served: of the API by its document, of the pages by the list of them.
pub(crate) fn served() -> BTreeSet<(String, String)> {
    let mut served = BTreeSet::new();
    let document: Value = serde_json::from_str(&tuttu::http::openapi()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        served
            .extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    for route in CONSOLE.split(".route(").skip(1) {
        let mut parts = route.splitn(3, '"');
        let path = parts.nth(1).unwrap();
        let handlers = parts.next().unwrap().split('\n').next().unwrap();
        for (word, method) in [("get(", "GET"), ("post(", "POST"), ("put(", "PUT"), ("delete(", "DELETE")] {
            if [" ", "."].iter().any(|before| handlers.contains(&format!("{before}{word}"))) {
                served.insert((method.to_owned(), path.to_owned()));
            }
        }
    }
    served
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    method: Method,
    path: String,
    /// Something was done, or shown: nobody was refused, told so on a page, or sent to the door.
    done: bool,
    replayed: bool,
    request: String,
}

impl Answered {
    pub(super) fn new(method: Method, path: &str, reply: &super::Reply) -> Self {
        let path = path.split('?').next().unwrap().to_owned();
        let replayed = !reply.header("idempotency-replayed").is_empty();
        let sent_away = ["/admin/sign-in?", "/admin/confirm?"]
            .iter()
            .any(|door| reply.header("location").starts_with(door));
        let told_so = method != Method::GET && reply.body().contains("role=\"alert\"");
        Self {
            method,
            path,
            done: reply.status < 400 && !sent_away && !told_so,
            replayed,
            request: reply.header("x-request-id").to_owned(),
        }
    }

    fn effect(&self) -> Option<Effect> {
        let words: Vec<&str> = self.path.split('/').collect();
        let fits = |template: &str| {
            let template: Vec<&str> = template.split('/').collect();
            template.len() == words.len()
                && template.iter().zip(&words).all(|(part, word)| part.starts_with('{') || part == word)
        };
        let mut known =
            EFFECTS.iter().filter(|(method, path, _)| *method == self.method.as_str() && fits(path));
        known.next().map(|(_, _, effect)| *effect)
    }

    /// How many events it may have left.
    fn allowed(&self) -> std::ops::RangeInclusive<usize> {
        match self.effect() {
            Some(Effect::One) if self.done && !self.replayed => 1..=1,
            // What was refused may be written down; where a challenge was set, something has begun.
            Some(Effect::One) if !self.done => 0..=1,
            Some(Effect::OneAtMost) if self.done => 0..=1,
            _ => 0..=0,
        }
    }
}

impl TestService {
    /// Verifies the log of a server that has stopped, and what its answers left in it.
    pub(super) async fn check_audit_log(&self) {
        if self.tampers() {
            return;
        }
        let url = DatabaseUrl::parse(self.config.database.url.expose()).unwrap();
        let store = Store::connect(&url, false, 2).await.unwrap();
        let keys = tuttu::key_file::open(&self.config.keys.file, &store).await.unwrap();
        let log = AuditLog::new(store.clone(), Arc::new(keys), "localhost/audit");
        log.sequence(self.now()).await.unwrap();
        let found = Verification::new(log.public_keys().await.unwrap(), &[]).of_database(&log).await.unwrap();
        assert!(found.is_sound(), "{found:?}");
        let mut left: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for logged in store.audit_entries((0, u64::MAX), 100_000).await.unwrap() {
            let entry = Entry::parse(&logged.entry).unwrap();
            left.entry(entry.context.request.unwrap_or_default()).or_default().push(entry.action);
        }
        store.close().await;
        for answered in self.answered() {
            let events = left.get(&answered.request).map_or(0, Vec::len);
            assert!(
                answered.allowed().contains(&events),
                "{answered:?} left {:?}",
                left.get(&answered.request)
            );
        }
    }
}
