//! What one person does until the server is gone, and what of that was acknowledged.

use super::super::harness::{Attempt, Person, Server, code_in, registration, until};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Acknowledged effects until the kill.
pub(super) struct Fuse<'a> {
    server: &'a Server,
    enough: usize,
    acknowledged: AtomicUsize,
}

impl<'a> Fuse<'a> {
    /// Kills the server when so many effects are acknowledged.
    pub(super) const fn new(server: &'a Server, enough: usize) -> Self {
        Self { server, enough, acknowledged: AtomicUsize::new(0) }
    }

    /// One more effect is acknowledged.
    fn burn(&self) {
        if self.acknowledged.fetch_add(1, Ordering::SeqCst) + 1 == self.enough {
            self.server.kill();
        }
    }

    /// How many were.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }
}

/// A verification whose checks were acknowledged.
struct Proof {
    attempt: Attempt,
    wrong: i64,
    /// `None`: it was asked, and nobody knows.
    approved: Option<bool>,
}

/// A device of the account.
struct Held {
    person: Person,
    /// `None`: it was to be ended, and nobody knows.
    alive: Option<bool>,
}

/// What is known of one number.
#[derive(Default)]
pub(super) struct Life {
    number: String,
    proofs: Vec<Proof>,
    devices: Vec<Held>,
    /// Whether others find it; `None`: nobody knows.
    visible: Option<bool>,
}

impl Life {
    /// Nothing has happened yet.
    pub(super) fn of(number: String) -> Self {
        Self { number, ..Self::default() }
    }

    /// Whose life it is.
    pub(super) fn number(&self) -> &str {
        &self.number
    }

    /// Lives until the server is gone: `None`; or until all is done.
    pub(super) async fn live(&mut self, fuse: &Fuse<'_>, nth: usize) -> Option<()> {
        let server = fuse.server;
        self.prove_and_register(fuse, nth % 2).await?;
        // Some stay listed, some hide, and some of these are listed again.
        for visible in [false, true].into_iter().take(nth % 3) {
            self.show(fuse, visible).await?;
        }
        self.prove_and_register(fuse, 0).await?;
        let (token, ended) = (self.devices[0].person.token.clone(), self.devices[1].person.device_id.clone());
        self.devices[1].alive = None;
        let path = format!("/v1/devices/{ended}");
        expect(&server.ask(Method::DELETE, &path, &token, None).await?, 204);
        self.devices[1].alive = Some(false);
        fuse.burn();
        Some(())
    }

    /// Proves the number, after so many wrong checks, and registers a device.
    async fn prove_and_register(&mut self, fuse: &Fuse<'_>, wrong: usize) -> Option<()> {
        let server = fuse.server;
        let body = json!({"phone_number": &self.number, "channel": "sms"});
        let started = server.ask(Method::POST, "/v1/verifications", "", Some(&body)).await?;
        expect(&started, 201);
        let attempt =
            Attempt { id: started.text("/id"), secret: started.text("/secret"), number: self.number.clone() };
        self.proofs.push(Proof { attempt: attempt.clone(), wrong: 0, approved: Some(false) });
        let code = nth_code(server, &self.number, self.proofs.len()).await?;
        let proof = self.proofs.last_mut().unwrap();
        let path = format!("/v1/verifications/{}/check", attempt.id);
        for _ in 0..wrong {
            let not_it = json!({"code": if code == "000000" { "000001" } else { "000000" }});
            expect(&server.ask(Method::POST, &path, &attempt.secret, Some(&not_it)).await?, 422);
            proof.wrong += 1;
            fuse.burn();
        }
        proof.approved = None;
        let right = json!({"code": code});
        let checked = server.ask(Method::POST, &path, &attempt.secret, Some(&right)).await?;
        expect(&checked, 200);
        proof.approved = Some(true);
        fuse.burn();
        if self.devices.is_empty() {
            self.visible = None;
        }
        let body = registration(&checked.text("/grant"), "Phone");
        let answer = server.ask(Method::POST, "/v1/accounts", "", Some(&body)).await?;
        expect(&answer, if self.devices.is_empty() { 201 } else { 200 });
        if self.devices.is_empty() {
            self.visible = Some(true);
        }
        self.devices.push(Held { person: Person::registered(&self.number, &answer), alive: Some(true) });
        fuse.burn();
        Some(())
    }

    /// Lists or hides the account.
    async fn show(&mut self, fuse: &Fuse<'_>, visible: bool) -> Option<()> {
        let (token, body) = (self.devices[0].person.token.clone(), json!({"discoverable": visible}));
        self.visible = None;
        expect(&fuse.server.ask(Method::PATCH, "/v1/account", &token, Some(&body)).await?, 200);
        self.visible = Some(visible);
        fuse.burn();
        Some(())
    }

    /// Everything that was acknowledged is still so.
    pub(super) async fn expect(&self, server: &Server, found: &BTreeMap<String, String>) {
        for Proof { attempt, wrong, approved } in &self.proofs {
            let state = server.state(attempt).await;
            let left = state["code"]["checks_left"].as_i64().unwrap();
            match approved {
                Some(true) => assert_eq!(state["status"], "approved", "{state}"),
                Some(false) => assert!(state["status"] == "pending" && left <= 5 - wrong, "{state}"),
                None => {}
            }
        }
        for Held { person, alive } in &self.devices {
            let answer = server.get("/v1/account", &person.token).await;
            match alive {
                Some(true) => assert_eq!(answer.text("/account_id"), person.account_id),
                Some(false) => drop(answer.expect(401, "token_invalid")),
                None => {}
            }
        }
        let account = self.devices.first().map(|device| &device.person.account_id);
        match self.visible {
            Some(true) => assert_eq!(found.get(&self.number), account, "{} is found", self.number),
            Some(false) => assert_eq!(found.get(&self.number), None, "{} is not found", self.number),
            None => {}
        }
    }

    /// How many effects of each kind are acknowledged: devices registered, devices ended, checks.
    pub(super) fn count(&self) -> [usize; 3] {
        let revoked = self.devices.iter().filter(|device| device.alive == Some(false)).count();
        let checks = self
            .proofs
            .iter()
            .map(|proof| usize::from(proof.approved == Some(true)) + usize::try_from(proof.wrong).unwrap());
        [self.devices.len(), revoked, checks.sum()]
    }
}

/// Fails unless the answer has that status.
#[track_caller]
fn expect(answer: &super::super::harness::Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
}

/// The code of the nth message to a number, or none if the server ends first.
async fn nth_code(server: &Server, number: &str, nth: usize) -> Option<String> {
    let path = format!("/v1/inbox?phone_number={}", number.replace('+', "%2B"));
    until("a message", async || {
        let Some(answer) = server.ask(Method::GET, &path, server.known_inbox_key(), None).await else {
            return Some(None);
        };
        let text = answer.json["messages"].as_array().unwrap().get(nth - 1)?["text"].as_str()?;
        Some(Some(code_in(text)))
    })
    .await
}
