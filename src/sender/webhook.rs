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
        Ok(Some(Self {
            client: client(allowed)?,
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
            Err(cause) => Err(self.unanswered(cause)),
        }
    }

    /// Judges a callback: its signature, then what it reports.
    ///
    /// # Errors
    /// [`SignatureInvalid`].
    pub fn report(&self, callback: &Callback<'_>) -> Result<Option<Report>, SignatureInvalid> {
        report::read(callback, &self.secret)
    }

    fn unanswered(&self, failure: reqwest::Error) -> SendError {
        let failure = failure.without_url();
        let reached = !failure.is_connect();
        tracing::warn!(gateway = self.name, reached, cause = %first_cause(&failure), "a webhook has no answer");
        if reached { SendError::NoAnswer } else { SendError::Unreachable }
    }
}

pub(super) fn client(allowed: AllowedHosts) -> Result<Client, reqwest::Error> {
    Client::builder()
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
        .redirect(redirect::Policy::none())
        // A proxy would look the host up itself.
        .no_proxy()
        .dns_resolver(Resolver::new(allowed))
        .build()
}

/// The cause that says why; those around it only say where.
pub(super) fn first_cause(failure: &reqwest::Error) -> &dyn Error {
    let mut cause: &dyn Error = failure;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}

/// Text messages unless something is named.
fn channels(gateway: &Gateway) -> Vec<Channel> {
    if gateway.channels.is_empty() {
        return vec![Channel::Sms];
    }
    gateway.channels.iter().filter_map(|word| Channel::parse(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_connected_to_only_when_it_is_allowed() {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let refused = client(AllowedHosts::default()).unwrap().get(&url).send().await.unwrap_err();
        assert!(refused.is_connect());
        assert!(first_cause(&refused).to_string().contains("every address of `localhost` is private"));

        let allowed = ["localhost".to_owned()];
        let client = client(AllowedHosts::parse(&allowed).unwrap()).unwrap();
        let answer = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(connection.read_u8().await.unwrap());
            }
            connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            connection
        };
        let (answered, _connection) = tokio::join!(client.get(&url).send(), answer);
        assert_eq!(answered.unwrap().status(), 204);
    }
}
