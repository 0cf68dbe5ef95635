//! People who register over HTTP.

use super::{Answer, Server, until};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tuttu::model::handle::{Handle, Pepper};
use tuttu::model::number::PhoneNumber;

/// A verification under way.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) number: String,
}

/// Somebody with an account and a device.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) number: String,
    pub(crate) account_id: String,
    pub(crate) device_id: String,
    pub(crate) token: String,
}

impl Person {
    /// Reads a registration.
    pub(crate) fn registered(number: &str, answer: &Answer) -> Self {
        Self {
            number: number.to_owned(),
            account_id: answer.text("/account_id"),
            device_id: answer.text("/device_id"),
            token: answer.text("/device_token"),
        }
    }
}

/// The body that spends a grant.
pub(crate) fn registration(grant: &str, name: &str) -> Value {
    json!({"grant": grant, "device": {"name": name, "platform": "other"}})
}

impl Server {
    /// The answer to the request for a code.
    pub(crate) async fn start(&self, number: &str) -> Answer {
        self.post("/v1/verifications", "", &json!({"phone_number": number, "channel": "sms"})).await
    }

    /// Asks for a code that must be sent.
    pub(crate) async fn attempt(&self, number: &str) -> Attempt {
        let answer = self.start(number).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        Attempt { id: answer.text("/id"), secret: answer.text("/secret"), number: number.to_owned() }
    }

    /// The state of a verification.
    pub(crate) async fn state(&self, attempt: &Attempt) -> Value {
        let answer = self.get(&format!("/v1/verifications/{}", attempt.id), &attempt.secret).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json
    }

    /// Waits until the only delivery of a verification has a status.
    pub(crate) async fn delivery_is(&self, attempt: &Attempt, status: &str) {
        let what = format!("the delivery's status {status}");
        until(&what, async || {
            let state = self.state(attempt).await;
            assert_eq!(state["deliveries"].as_array().unwrap().len(), 1);
            (state["deliveries"][0]["status"] == status).then_some(())
        })
        .await;
    }

    /// The code in the inbox of a number, or none if the server ends first.
    pub(crate) async fn try_code(&self, number: &str) -> Option<String> {
        let path = format!("/v1/inbox?phone_number={}", number.replace('+', "%2B"));
        until("a message", async || {
            let Some(answer) = self.ask(Method::GET, &path, self.known_inbox_key(), None).await else {
                return Some(None);
            };
            let text = answer.json["messages"].as_array().unwrap().last()?["text"].as_str()?;
            Some(Some(code_in(text)))
        })
        .await
    }

    pub(crate) async fn check(&self, attempt: &Attempt, code: &str) -> Answer {
        let path = format!("/v1/verifications/{}/check", attempt.id);
        self.post(&path, &attempt.secret, &json!({"code": code})).await
    }

    /// Registers a number on a device.
    pub(crate) async fn register(&self, number: &str) -> Person {
        let attempt = self.attempt(number).await;
        let code = self.try_code(number).await.unwrap();
        let grant = self.check(&attempt, &code).await.text("/grant");
        let answer = self.post("/v1/accounts", "", &registration(&grant, "Test phone")).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        Person::registered(number, &answer)
    }

    /// Erases the account that a token signs in.
    pub(crate) async fn erase(&self, token: &str) {
        let answer = self.ask(Method::DELETE, "/v1/account", token, None).await.unwrap();
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// The account that a token signs in.
    pub(crate) async fn account_of(&self, token: &str) -> String {
        let answer = self.get("/v1/account", token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("/account_id")
    }

    /// The first live epoch with its pepper.
    pub(crate) async fn epoch(&self, token: &str) -> (Value, Pepper) {
        let answer = self.get("/v1/discovery/epochs", token).await;
        let pepper = Pepper::from_base64url(&answer.text("/epochs/0/params/pepper")).unwrap();
        (answer.json["epochs"][0]["id"].clone(), pepper)
    }

    /// Those of these numbers that are accounts, with their ids.
    pub(crate) async fn look_up(&self, token: &str, numbers: &[String]) -> BTreeMap<String, String> {
        let (epoch, pepper) = self.epoch(token).await;
        let handle = |number: &String| handle(&pepper, number).to_base64url();
        let by_handle: BTreeMap<String, &String> = numbers.iter().map(|n| (handle(n), n)).collect();
        let handles: Vec<&String> = by_handle.keys().collect();
        let body = json!({"epoch": epoch, "handles": handles});
        let answer = self.post("/v1/discovery/lookup", token, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let matches = answer.json["matches"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        matches.map(|m| (by_handle[&text(&m["handle"])].clone(), text(&m["account_id"]))).collect()
    }
}

/// The first run of as many digits as a code has.
pub(crate) fn code_in(text: &str) -> String {
    let mut runs = text.split(|c: char| !c.is_ascii_digit());
    runs.find(|run| (6..=8).contains(&run.len())).unwrap().to_owned()
}

/// The handle of a number.
pub(crate) fn handle(pepper: &Pepper, number: &str) -> Handle {
    Handle::derive(pepper, &PhoneNumber::parse(number, None).unwrap())
}
