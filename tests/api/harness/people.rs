//! People who register.

use super::{Reply, TestService};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_mins(1);

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
        let begun = Instant::now();
        loop {
            let texts = self.texts(number).await;
            if texts.len() >= messages {
                return code_in(texts.last().unwrap());
            }
            assert!(begun.elapsed() < PATIENCE, "no message arrived");
        }
    }

    /// The texts in the inbox of a number, the newest last.
    pub(crate) async fn texts(&self, number: &str) -> Vec<String> {
        let path = format!("/v1/inbox?phone_number={}", number.replace('+', "%2B"));
        let reply = self.get(&path, &self.development_key()).await.expect(200, "");
        let messages = reply.json["messages"].as_array().unwrap();
        messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }

    /// The newest message of a verification, once its newest delivery is sent.
    pub(crate) async fn text_of(&self, attempt: &Attempt) -> String {
        let path = format!("/v1/verifications/{}", attempt.id);
        let begun = Instant::now();
        loop {
            let state = self.get(&path, &attempt.secret).await.expect(200, "");
            if state.json["deliveries"].as_array().unwrap().iter().all(|d| d["status"] == "sent") {
                return self.texts(&attempt.number).await.pop().unwrap();
            }
            let log = Self::log();
            assert!(begun.elapsed() < PATIENCE, "no message was sent: {state:?}\n{log}");
        }
    }

    /// The code of a verification, once it is sent.
    pub(crate) async fn code_of(&self, attempt: &Attempt) -> String {
        code_in(&self.text_of(attempt).await)
    }

    /// Any code but the right one.
    pub(crate) async fn wrong_code(&self, number: &str) -> String {
        another(&self.code(number, 1).await)
    }

    pub(crate) async fn check(&self, attempt: &Attempt, code: &str) -> Reply {
        let path = format!("/v1/verifications/{}/check", attempt.id);
        self.post(&path, &attempt.secret, &json!({"code": code})).await
    }

    /// Proves a number and returns the grant.
    pub(crate) async fn grant(&self, number: &str) -> String {
        let attempt = self.attempt(number).await;
        let code = self.code_of(&attempt).await;
        let grant = self.check(&attempt, &code).await.expect(200, "").text("/grant").to_owned();
        self.keep_secret(&grant);
        grant
    }

    pub(crate) async fn redeem(&self, grant: &str) -> Reply {
        self.redeem_with(grant, json!({})).await
    }

    /// The same with other or more members in the body.
    pub(crate) async fn redeem_with(&self, grant: &str, members: Value) -> Reply {
        let mut body = json!({"grant": grant, "device": {"name": "Test phone", "platform": "other"}});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
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
}

/// The first run of as many digits as a code has.
pub(crate) fn code_in(text: &str) -> String {
    let mut runs = text.split(|c: char| !c.is_ascii_digit());
    runs.find(|run| (6..=8).contains(&run.len())).unwrap().to_owned()
}

/// A code of the same length that is not this one.
pub(crate) fn another(code: &str) -> String {
    let (right, digits): (u32, usize) = (code.parse().unwrap(), code.len());
    let codes = 10_u32.pow(u32::try_from(digits).unwrap());
    format!("{:0digits$}", (right + 1) % codes)
}
