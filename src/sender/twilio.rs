//! The Twilio REST API: form-encoded requests with basic auth, and the callbacks it signs.

mod calls;
mod errors;
mod reports;
mod signature;

pub use calls::{Call, CallAnswer};

use super::{Callback, OutgoingMessage, Report, SendError, SignatureInvalid};
use crate::config::{Gateway, Hidden};
use crate::model::delivery::Channel;
use reqwest::{Client, Response};
use serde::Deserialize;
use signature::{Fields, Signatures};
use std::sync::Arc;
use std::time::Duration;

const BASE_URL: &str = "https://api.twilio.com";
const CONNECT: Duration = Duration::from_secs(2);
const TOTAL: Duration = Duration::from_secs(8);
/// The longest `ValidityPeriod` there is.
const LONGEST_VALIDITY: u64 = 36_000;
/// Seconds for which a telephone rings.
const RINGING: &str = "30";
/// Seconds after which a call ends whatever happens: calls are paid by the minute.
const LONGEST_CALL: &str = "120";

/// Whom Twilio bills, and from whom messages and calls come.
#[derive(Debug, Clone)]
struct Account {
    /// Who asks: an API key, or the account itself.
    user: String,
    /// Its secret.
    password: Hidden,
    /// `From` or `MessagingServiceSid`, with its value.
    origin: (&'static str, String),
    /// The number that calls come from.
    voice_from: Option<String>,
}

/// Where Twilio reports to.
#[derive(Debug, Clone)]
struct Callbacks {
    /// `{public_url}/callbacks/{gateway}`.
    url: String,
    signatures: Signatures,
}

/// A client of the API, or of anything that speaks it.
#[derive(Debug, Clone)]
pub struct Twilio {
    client: Client,
    /// `{base_url}/2010-04-01/Accounts/{AC}`.
    url: String,
    account: Account,
    /// If the world can reach this server.
    callbacks: Option<Arc<Callbacks>>,
}

#[derive(Deserialize)]
struct Accepted {
    sid: String,
}

#[derive(Deserialize)]
struct Refused {
    code: Option<u32>,
}

type Form<'a> = Vec<(&'static str, &'a str)>;

impl Twilio {
    /// A client for a configured gateway; `None` if its settings are incomplete.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(gateway: &Gateway, public_url: Option<&str>) -> Result<Option<Self>, reqwest::Error> {
        let (Some(account), Some(sid)) = (account(gateway), &gateway.account_sid) else { return Ok(None) };
        let base = gateway.base_url.as_deref().unwrap_or(BASE_URL).trim_end_matches('/');
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let callbacks = public_url.zip(gateway.auth_token.as_ref()).map(|(public_url, token)| {
            let url = format!("{}/callbacks/{}", public_url.trim_end_matches('/'), gateway.name);
            Arc::new(Callbacks { url, signatures: Signatures::new(token, public_url) })
        });
        Ok(Some(Self { client, url: format!("{base}/2010-04-01/Accounts/{sid}"), account, callbacks }))
    }

    /// Whether messages can travel this way: a call asks back what to say, so it needs a public URL.
    #[must_use]
    pub const fn carries(&self, channel: Channel) -> bool {
        match channel {
            Channel::Sms => true,
            Channel::Voice => self.account.voice_from.is_some() && self.callbacks.is_some(),
        }
    }

    /// Hands a message over and returns its `SM...` name, or the call's `CA...`.
    ///
    /// # Errors
    /// [`SendError`] says whether it may have been accepted all the same.
    pub async fn send(&self, message: &OutgoingMessage) -> Result<String, SendError> {
        let callback = self.callbacks.as_ref().map(|to| format!("{}/{}", to.url, message.delivery));
        match message.channel {
            Channel::Sms => self.message(message, callback.as_deref()).await,
            Channel::Voice => self.call(message, callback.as_deref()).await,
        }
    }

    async fn message(&self, message: &OutgoingMessage, callback: Option<&str>) -> Result<String, SendError> {
        let validity = message.valid_for.as_secs().clamp(1, LONGEST_VALIDITY).to_string();
        let (origin, value) = &self.account.origin;
        let mut form: Form<'_> = vec![
            ("To", message.to.e164()),
            (origin, value),
            ("Body", message.text.expose()),
            ("ValidityPeriod", &validity),
        ];
        form.extend(callback.map(|url| ("StatusCallback", url)));
        self.post("Messages.json", &form).await
    }

    async fn call(&self, message: &OutgoingMessage, callback: Option<&str>) -> Result<String, SendError> {
        let from = self.account.voice_from.as_deref().unwrap_or_default();
        let callback = callback.unwrap_or_default();
        let url = format!("{callback}/voice");
        let form: Form<'_> = vec![
            ("To", message.to.e164()),
            ("From", from),
            ("Url", &url),
            ("StatusCallback", callback),
            ("StatusCallbackEvent", "completed"),
            ("Timeout", RINGING),
            ("TimeLimit", LONGEST_CALL),
        ];
        self.post("Calls.json", &form).await
    }

    /// Twilio knows no idempotency key, so whatever may have been accepted is never asked for again.
    async fn post(&self, resource: &str, form: &Form<'_>) -> Result<String, SendError> {
        let request = self
            .client
            .post(format!("{}/{resource}", self.url))
            .basic_auth(&self.account.user, Some(self.account.password.expose()))
            .form(form);
        let answer = request
            .send()
            .await
            .map_err(|cause| if cause.is_connect() { SendError::Unreachable } else { SendError::NoAnswer })?;
        if !answer.status().is_success() {
            return Err(refusal(answer).await);
        }
        let accepted = answer.json().await.map_err(|_| SendError::NoAnswer);
        accepted.map(|accepted: Accepted| accepted.sid)
    }

    /// What a status callback reports, if that is news.
    ///
    /// # Errors
    /// [`SignatureInvalid`].
    pub fn report(&self, callback: &Callback<'_>) -> Result<Option<Report>, SignatureInvalid> {
        self.signed(callback).map(|fields| reports::report(&fields))
    }

    /// A call that wants to be told what to say.
    ///
    /// # Errors
    /// [`SignatureInvalid`].
    pub fn called(&self, callback: &Callback<'_>) -> Result<Call, SignatureInvalid> {
        self.signed(callback).map(|fields| Call::of(&fields))
    }

    fn signed<'a>(&self, callback: &Callback<'a>) -> Result<Fields<'a>, SignatureInvalid> {
        self.callbacks.as_ref().ok_or(SignatureInvalid)?.signatures.judge(callback)
    }
}

fn account(gateway: &Gateway) -> Option<Account> {
    let origin = match (&gateway.messaging_service_sid, &gateway.from) {
        (Some(service), _) => ("MessagingServiceSid", service.clone()),
        (None, Some(from)) => ("From", from.clone()),
        (None, None) => return None,
    };
    let (user, password) = match (&gateway.api_key_sid, &gateway.api_key_secret) {
        (Some(key), Some(secret)) if !key.is_empty() => (key, secret),
        _ => (gateway.account_sid.as_ref()?, gateway.auth_token.as_ref()?),
    };
    let number = gateway.from.as_ref().filter(|from| from.starts_with('+'));
    Some(Account {
        user: user.clone(),
        password: password.clone(),
        origin,
        voice_from: gateway.voice_from.as_ref().or(number).cloned(),
    })
}

async fn refusal(answer: Response) -> SendError {
    let status = answer.status().as_u16();
    let code = answer.json().await.ok().and_then(|refused: Refused| refused.code);
    errors::refusal(status, code)
}
