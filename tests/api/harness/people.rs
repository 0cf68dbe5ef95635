//! People who register.

use super::{Reply, TestService};
use serde_json::json;
use std::time::{Duration, Instant};
use tuttu::model::handle::{Handle, Pepper};
use tuttu::model::number::PhoneNumber;

/// Somebody with an account and a device.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) number: String,
    pub(crate) account_id: String,
    pub(crate) device_id: String,
    pub(crate) token: String,
}

/// A verification under way.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) number: String,
}

impl TestService {
    /// Asks for a code by SMS.
    pub(crate) async fn ask(&self, number: &str) -> Reply {
        self.keep_secret(number);
        self.post("/v1/verifications", "", &json!({"phone_number": number, "channel": "sms"})).await
    }

    /// Asks for a code that must be sent.
    pub(crate) async fn attempt(&self, number: &str) -> Attempt {
        let reply = self.ask(number).await.expect(201, "");
        let secret = reply.text("/secret").to_owned();
        self.keep_secret(&secret);
        Attempt { id: reply.text("/id").to_owned(), secret, number: number.to_owned() }
    }

    /// The code of the newest message to a number; waits until there are `messages` of them.
    pub(crate) async fn code(&self, number: &str, messages: usize) -> String {
        let path = format!("/v1/inbox?phone_number={}", number.replace('+', "%2B"));
        let key = self.development_key.clone().unwrap();
        let begun = Instant::now();
        loop {
            let reply = self.get(&path, &key).await.expect(200, "");
            let arrived = reply.json["messages"].as_array().unwrap().clone();
            if arrived.len() >= messages {
                let text = arrived.last().unwrap()["text"].as_str().unwrap();
                return text.split(' ').next().unwrap().to_owned();
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "no message arrived");
        }
    }

    /// Any code but the right one.
    pub(crate) async fn wrong_code(&self, number: &str) -> String {
        let right: u32 = self.code(number, 1).await.parse().unwrap();
        format!("{:06}", (right + 1) % 1_000_000)
    }

    pub(crate) async fn check(&self, attempt: &Attempt, code: &str) -> Reply {
        let path = format!("/v1/verifications/{}/check", attempt.id);
        self.post(&path, &attempt.secret, &json!({"code": code})).await
    }

    /// Proves a number and returns the grant.
    pub(crate) async fn grant(&self, number: &str) -> String {
        let attempt = self.attempt(number).await;
        let code = self.code(number, 1).await;
        let grant = self.check(&attempt, &code).await.expect(200, "").text("/grant").to_owned();
        self.keep_secret(&grant);
        grant
    }

    pub(crate) async fn redeem(&self, grant: &str) -> Reply {
        let body = json!({"grant": grant, "device": {"name": "Test phone", "platform": "other"}});
        self.post("/v1/accounts", "", &body).await
    }

    /// Registers a number on a device.
    pub(crate) async fn register(&self, number: &str) -> Person {
        let grant = self.grant(number).await;
        self.person(number, &self.redeem(&grant).await)
    }

    /// Reads a registration.
    pub(crate) fn person(&self, number: &str, reply: &Reply) -> Person {
        assert!([200, 201].contains(&reply.status), "{reply:?}");
        self.keep_secret(reply.text("/device_token"));
        Person {
            number: number.to_owned(),
            account_id: reply.text("/account_id").to_owned(),
            device_id: reply.text("/device_id").to_owned(),
            token: reply.text("/device_token").to_owned(),
        }
    }

    /// The first live epoch with its pepper.
    pub(crate) async fn epoch(&self, token: &str) -> (u32, Pepper) {
        let reply = self.get("/v1/discovery/epochs", token).await.expect(200, "");
        let id = reply.json["epochs"][0]["id"].as_u64().unwrap();
        (u32::try_from(id).unwrap(), Pepper::from_base64url(reply.text("/epochs/0/params/pepper")).unwrap())
    }

    /// The handles of numbers, in ascending order.
    pub(crate) async fn handles(&self, token: &str, numbers: &[&str]) -> Vec<Handle> {
        let (_, pepper) = self.epoch(token).await;
        let parse = |number: &&str| PhoneNumber::parse(number, None).unwrap();
        let mut handles: Vec<Handle> = numbers.iter().map(|n| Handle::derive(&pepper, &parse(n))).collect();
        handles.sort_unstable();
        handles
    }

    /// Asks which of these numbers are accounts, in JSON.
    pub(crate) async fn lookup(&self, token: &str, numbers: &[&str]) -> Reply {
        let handles: Vec<String> =
            self.handles(token, numbers).await.iter().map(|handle| handle.to_base64url()).collect();
        let (epoch, _) = self.epoch(token).await;
        self.post("/v1/discovery/lookup", token, &json!({"epoch": epoch, "handles": handles})).await
    }

    /// The accounts at these numbers, sorted.
    pub(crate) async fn found(&self, token: &str, numbers: &[&str]) -> Vec<String> {
        let reply = self.lookup(token, numbers).await.expect(200, "");
        let matches = reply.json["matches"].as_array().unwrap();
        let mut accounts: Vec<String> =
            matches.iter().map(|found| found["account_id"].as_str().unwrap().to_owned()).collect();
        accounts.sort();
        accounts
    }
}
