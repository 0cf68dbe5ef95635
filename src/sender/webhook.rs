//! Any HTTP gateway: messages are posted to it as Standard Webhooks, and it reports on them the same way.

mod answer;
mod message;
mod report;
mod resolver;

use super::{Callback, OutgoingMessage, Report, SendError, SignatureInvalid};
use crate::config::Gateway;
use crate::model::delivery::Channel;
use crate::model::endpoint::{AllowedHosts, Endpoint};
use crate::model::signing::SigningSecret;
use reqwest::{Client, redirect};
use resolver::Resolver;
use std::error::Error;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(2);
const TOTAL: Duration = Duration::from_secs(8);

/// A client of one such gateway. It reaches no private network but by a host that is allowed by name.
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    name: String,
    endpoint: Endpoint,
    secret: SigningSecret,
    channels: Vec<Channel>,
    /// `{public_url}/callbacks/{gateway}`, if the world can reach this server.
    callbacks: Option<String>,
}

impl Webhook {
    /// A client for a configured gateway; `None` if its settings are incomplete or lead where they must not.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(gateway: &Gateway, public_url: Option<&str>) -> Result<Option<Self>, reqwest::Error> {
        let Ok(allowed) = AllowedHosts::parse(&gateway.allow_hosts) else { return Ok(None) };
        let base = gateway.base_url.as_deref().unwrap_or_default();
        let secret = gateway.signing_secret.as_ref().and_then(|text| SigningSecret::parse(text.expose()));
        let (Ok(endpoint), Some(secret)) = (Endpoint::parse(base, &allowed), secret) else { return Ok(None) };
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .redirect(redirect::Policy::none())
            // A proxy would look the host up itself.
            .no_proxy()
            .dns_resolver(Resolver::new(allowed))
            .build()?;
        Ok(Some(Self {
            client,
            name: gateway.name.clone(),
            endpoint,
            secret,
            channels: channels(gateway),
            callbacks: public_url
                .map(|url| format!("{}/callbacks/{}", url.trim_end_matches('/'), gateway.name)),
        }))
    }

    /// Whether messages can travel this way.
    #[must_use]
    pub fn carries(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }

    /// Hands a message over: the gateway's own name for it, if it gave one. Each attempt has the delivery's id in
    /// `webhook-id`, so that the receiver can drop a message that it has already.
    ///
    /// # Errors
    /// [`SendError`] says whether it may have been accepted all the same.
    pub async fn send(&self, message: &OutgoingMessage) -> Result<Option<String>, SendError> {
        let id = message.delivery.to_string();
        let body = message::body(message, self.callbacks.as_deref());
        let seconds = message.at.as_second();
        let request = self
            .client
            .post(self.endpoint.as_str())
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", self.secret.sign(&id, seconds, &body))
            .body(body);
        match request.send().await {
            Ok(answer) => answer::read(answer).await,
            Err(cause) => Err(self.unanswered(&cause)),
        }
    }

    /// Judges a callback: its signature, then what it reports.
    ///
    /// # Errors
    /// [`SignatureInvalid`].
    pub fn report(&self, callback: &Callback<'_>) -> Result<Option<Report>, SignatureInvalid> {
        report::read(callback, &self.secret)
    }

    fn unanswered(&self, failure: &reqwest::Error) -> SendError {
        // The first cause says why; those around it repeat the URL, which may hold a key.
        let mut cause: &dyn Error = failure;
        while let Some(source) = cause.source() {
            cause = source;
        }
        if failure.is_connect() {
            tracing::warn!(gateway = self.name, %cause, "a webhook gateway could not be reached");
            return SendError::Unreachable;
        }
        SendError::NoAnswer
    }
}

/// Text messages unless something is named.
fn channels(gateway: &Gateway) -> Vec<Channel> {
    if gateway.channels.is_empty() {
        return vec![Channel::Sms];
    }
    gateway.channels.iter().filter_map(|word| Channel::parse(word)).collect()
}
