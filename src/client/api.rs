//! One typed call for each request of version 1.

mod account;
mod discovery;
mod registration;

pub use registration::{NewDevice, Start};

use super::error::ClientError;
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, Response, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// Long enough for a slow phone network, short enough that a person still waits for the message.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// For a whole exchange: a full lookup is 320 kB, which the slowest networks carry in this time.
const TOTAL_TIMEOUT: Duration = Duration::from_mins(1);

/// How often a request is asked for again while the service says that it is under way.
const REPEATS: u32 = 10;

/// How long to wait in between: what the service says.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// A connection to a service, signed in as nobody.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    server: Url,
}

impl Client {
    /// A client of the service at `server`, such as `https://tuttu.example.org`.
    ///
    /// # Errors
    /// [`ClientError::ServerInvalid`] unless that is an http or https address;
    /// [`ClientError::Setup`] where TLS cannot be set up.
    pub fn new(server: &str) -> Result<Self, ClientError> {
        let invalid = || ClientError::ServerInvalid(server.to_owned());
        let url = Url::parse(server).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(invalid());
        }
        // Fails only where the program has chosen a provider already, which then serves as well.
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { http: connections(&url)?, server: url })
    }

    /// Whether requests cross a network that others can read.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.server.scheme() == "http" && !is_loopback(&self.server)
    }

    /// The same service, asked with the token of a device.
    #[must_use]
    pub fn signed_in(&self, token: SecretString) -> Session {
        Session { client: self.clone(), token }
    }

    fn call<const N: usize>(&self, method: Method, path: [&str; N]) -> Call {
        self.call_url(method, self.url(path))
    }

    fn call_url(&self, method: Method, url: Url) -> Call {
        let request = self.http.request(method, url);
        Call { server: self.server.origin().ascii_serialization(), request, repeatable: false }
    }

    fn url<const N: usize>(&self, path: [&str; N]) -> Url {
        let mut url = self.server.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.server.origin().ascii_serialization()).finish()
    }
}

/// A service, asked with the token of a device.
#[derive(Debug, Clone)]
pub struct Session {
    client: Client,
    token: SecretString,
}

impl Session {
    fn call<const N: usize>(&self, method: Method, path: [&str; N]) -> Call {
        self.client.call(method, path).bearer(&self.token)
    }
}

/// One request on its way.
struct Call {
    server: String,
    request: RequestBuilder,
    /// Whether sending it again asks for nothing more.
    repeatable: bool,
}

impl Call {
    fn bearer(mut self, secret: &SecretString) -> Self {
        self.request = self.request.bearer_auth(secret.expose_secret());
        self
    }

    fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// To be evaluated once, however often it is sent.
    fn once(mut self) -> Self {
        self.request = self.request.header("Idempotency-Key", Uuid::new_v4().to_string());
        self.repeatable = true;
        self
    }

    fn map(mut self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        self.request = change(self.request);
        self
    }

    async fn json_answer<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let server = self.server.clone();
        let body = self.bytes().await?;
        serde_json::from_slice(&body)
            .map_err(|error| ClientError::AnswerInvalid { server, reason: error.to_string() })
    }

    async fn bytes(self) -> Result<Vec<u8>, ClientError> {
        let server = self.server.clone();
        let body = self.send().await?.bytes().await;
        body.map(Vec::from).map_err(|error| ClientError::of_transport(&server, &error))
    }

    async fn send(self) -> Result<Response, ClientError> {
        let again = self.request.try_clone().filter(|_| self.repeatable);
        let answer = match (self.request.send().await, again) {
            // The connection broke, perhaps after the request had come: its key makes asking again safe.
            (Err(error), Some(again)) if !error.is_timeout() && !error.is_connect() => {
                return repeat(&self.server, again).await;
            }
            (answer, _) => answer.map_err(|error| ClientError::of_transport(&self.server, &error))?,
        };
        answered(answer).await
    }
}

/// Sends a request again, waiting for the first one to be answered where it is still under way.
async fn repeat(server: &str, request: RequestBuilder) -> Result<Response, ClientError> {
    let mut refused = None;
    for _ in 0..REPEATS {
        let Some(again) = request.try_clone() else { break };
        let answer = again.send().await.map_err(|error| ClientError::of_transport(server, &error))?;
        let refusal = match answered(answer).await {
            Err(refusal) if refusal.code() == Some("idempotency_in_flight") => refusal,
            answered => return answered,
        };
        tokio::time::sleep(UNDER_WAY).await;
        refused = Some(refusal);
    }
    Err(refused.unwrap_or_else(|| ClientError::TimedOut { server: server.to_owned() }))
}

async fn answered(answer: Response) -> Result<Response, ClientError> {
    if answer.status().is_success() { Ok(answer) } else { Err(refusal(answer).await) }
}

async fn refusal(answer: Response) -> ClientError {
    let status = answer.status().as_u16();
    let retry_after = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let body = answer.bytes().await.unwrap_or_default();
    ClientError::of_answer(status, retry_after, &body)
}

fn connections(server: &Url) -> Result<reqwest::Client, ClientError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("tuttu/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        // The interface redirects nothing, and a token must not follow where a stranger points.
        .redirect(redirect::Policy::none());
    if is_loopback(server) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| ClientError::Setup(error.without_url().to_string()))
}

fn is_loopback(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
