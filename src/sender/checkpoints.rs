//! Checkpoints of the audit log, posted as Standard Webhooks to whoever keeps them.

use super::webhook::{client, first_cause};
use crate::config::CheckpointHook;
use crate::model::endpoint::{AllowedHosts, Endpoint};
use crate::model::signing::SigningSecret;
use jiff::Timestamp;
use reqwest::Client;

/// A client of the one who keeps checkpoints. It reaches no private network but by a host that is allowed by name.
#[derive(Debug)]
pub struct CheckpointWebhook {
    client: Client,
    endpoint: Endpoint,
    secret: SigningSecret,
}

impl CheckpointWebhook {
    /// A client of the configured place; `None` where none is, or its settings are incomplete.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(hook: &CheckpointHook) -> Result<Option<Self>, reqwest::Error> {
        let Some(url) = &hook.url else { return Ok(None) };
        let Ok(allowed) = AllowedHosts::parse(&hook.allow_hosts) else { return Ok(None) };
        let secret = hook.signing_secret.as_ref().and_then(|text| SigningSecret::parse(text.expose()));
        let (Ok(endpoint), Some(secret)) = (Endpoint::parse(url, &allowed), secret) else { return Ok(None) };
        Ok(Some(Self { client: client(allowed)?, endpoint, secret }))
    }

    /// Posts a message under that id.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub async fn post(&self, id: &str, at: Timestamp, body: Vec<u8>) -> Result<(), String> {
        let seconds = at.as_second();
        let request = self
            .client
            .post(self.endpoint.as_str())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", self.secret.sign(id, seconds, &body))
            .body(body);
        let answer = request.send().await.map_err(|cause| first_cause(&cause.without_url()).to_string())?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("it was answered {status}")) }
    }
}
