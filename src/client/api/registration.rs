//! From a number to a device that is signed in.

use super::Client;
use crate::client::error::ClientError;
use crate::client::shapes::{Approved, Channel, InboxMessage, Platform, Registered, Started, Verification};
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a verification starts with.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// The number as its owner typed it.
    pub phone_number: &'a str,
    /// The two letters of the region by which to read a number without country code.
    pub region: Option<&'a str>,
    /// How the code shall travel.
    pub channel: Channel,
    /// The language of the message, as a BCP 47 tag.
    pub locale: Option<&'a str>,
}

/// What an account is created with, beside the grant.
#[derive(Clone, Copy)]
pub struct NewDevice<'a> {
    /// What its owner calls the device.
    pub name: &'a str,
    /// What it runs on.
    pub platform: Platform,
    /// Whether people who have the number shall find the account; not given: as it was, a new one yes.
    pub discoverable: Option<bool>,
}

impl Client {
    /// Starts a verification and sends its first code (`POST /v1/verifications`).
    ///
    /// # Errors
    /// [`ClientError`], such as the refusals `number_invalid`, `resend_too_early`, `challenge_required`.
    pub async fn start_verification(&self, start: Start<'_>) -> Result<Started, ClientError> {
        let mut body = json!({ "phone_number": start.phone_number, "channel": start.channel });
        set(&mut body, "region", start.region);
        set(&mut body, "locale", start.locale);
        self.call(Method::POST, ["v1", "verifications"]).once().json(&body).json_answer().await
    }

    /// Sends the code again (`POST /v1/verifications/{id}/codes`).
    ///
    /// # Errors
    /// [`ClientError`], such as the refusals `resend_too_early`, `sends_exhausted`, `start_again`.
    pub async fn send_again(&self, started: &Started, channel: Channel) -> Result<Verification, ClientError> {
        self.call(Method::POST, ["v1", "verifications", &started.verification.id, "codes"])
            .bearer(&started.secret)
            .once()
            .json(&json!({ "channel": channel }))
            .json_answer()
            .await
    }

    /// Sends the solution of a challenge, which sends the awaited code (`POST /v1/verifications/{id}/challenges`).
    ///
    /// # Errors
    /// [`ClientError`], such as the refusals `challenge_required` (another one), `challenge_incorrect`.
    pub async fn solve_challenge(
        &self,
        started: &Started,
        kind: &str,
        solution: &str,
    ) -> Result<Verification, ClientError> {
        self.call(Method::POST, ["v1", "verifications", &started.verification.id, "challenges"])
            .bearer(&started.secret)
            .once()
            .json(&json!({ "kind": kind, "solution": solution }))
            .json_answer()
            .await
    }

    /// Tries a code (`POST /v1/verifications/{id}/check`). Every try counts.
    ///
    /// # Errors
    /// [`ClientError`], such as the refusals `code_incorrect`, `checks_exhausted`, `verification_over`.
    pub async fn check_code(&self, started: &Started, code: &SecretString) -> Result<Approved, ClientError> {
        self.call(Method::POST, ["v1", "verifications", &started.verification.id, "check"])
            .bearer(&started.secret)
            .json(&json!({ "code": code.expose_secret() }))
            .json_answer()
            .await
    }

    /// Turns a grant into a device of the number's account (`POST /v1/accounts`).
    ///
    /// # Errors
    /// [`ClientError`], such as the refusals `grant_expired`, `grant_used`.
    pub async fn create_account(
        &self,
        approved: &Approved,
        device: NewDevice<'_>,
    ) -> Result<Registered, ClientError> {
        let mut body = json!({
            "grant": approved.grant.expose_secret(),
            "device": { "name": device.name, "platform": device.platform },
        });
        set(&mut body, "discoverable", device.discoverable);
        self.call(Method::POST, ["v1", "accounts"]).once().json(&body).json_answer().await
    }

    /// The messages that a development service holds for a number, newest last (`GET /v1/inbox`).
    ///
    /// # Errors
    /// [`ClientError`]; the refusal `not_found` where there is no inbox or the key is wrong.
    pub async fn inbox(
        &self,
        key: &SecretString,
        phone_number: &str,
    ) -> Result<Vec<InboxMessage>, ClientError> {
        #[derive(Deserialize)]
        struct Inbox {
            messages: Vec<InboxMessage>,
        }
        let mut url = self.url(["v1", "inbox"]);
        url.query_pairs_mut().append_pair("phone_number", phone_number);
        let inbox: Inbox = self.call_url(Method::GET, url).bearer(key).json_answer().await?;
        Ok(inbox.messages)
    }
}

fn set(body: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(fields), Some(value)) = (body.as_object_mut(), value) {
        fields.insert(name.to_owned(), value.into());
    }
}
