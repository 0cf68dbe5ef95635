//! The Twilio REST API: `POST /2010-04-01/Accounts/{AC}/Messages.json`, form-encoded, basic auth.

use super::{OutgoingMessage, SendError};
use crate::config::{Gateway, Hidden};
use crate::model::delivery::FailureReason;
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use std::time::Duration;

const BASE_URL: &str = "https://api.twilio.com";
const CONNECT: Duration = Duration::from_secs(2);
const TOTAL: Duration = Duration::from_secs(8);
/// The longest `ValidityPeriod` there is.
const LONGEST_VALIDITY: u64 = 36_000;

/// Whom Twilio bills and from whom messages come.
#[derive(Debug, Clone)]
pub struct TwilioAccount {
    /// The account's id.
    pub sid: String,
    /// The account's secret.
    pub token: Hidden,
    /// `From` or `MessagingServiceSid`, with its value.
    pub origin: (&'static str, String),
}

/// A client of the API, or of anything that speaks it.
#[derive(Debug, Clone)]
pub struct Twilio {
    client: Client,
    url: String,
    account: TwilioAccount,
    /// `{public_url}/callbacks/{gateway}`, if the world can reach this server.
    callbacks: Option<String>,
}

#[derive(Deserialize)]
struct Accepted {
    sid: String,
}

#[derive(Deserialize)]
struct Refused {
    code: Option<u32>,
}

impl Twilio {
    /// A client for a configured gateway; `None` if its settings are incomplete.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(gateway: &Gateway, public_url: Option<&str>) -> Result<Option<Self>, reqwest::Error> {
        let Some(account) = account(gateway) else { return Ok(None) };
        let base = gateway.base_url.as_deref().unwrap_or(BASE_URL).trim_end_matches('/');
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Some(Self {
            client,
            url: format!("{base}/2010-04-01/Accounts/{}/Messages.json", account.sid),
            account,
            callbacks: public_url
                .map(|url| format!("{}/callbacks/{}", url.trim_end_matches('/'), gateway.name)),
        }))
    }

    /// Hands a message over and returns its `SM...` name.
    ///
    /// # Errors
    /// [`SendError`] says whether it may have been accepted all the same.
    pub async fn send(&self, message: &OutgoingMessage) -> Result<String, SendError> {
        let answer =
            self.request(message).send().await.map_err(|cause| {
                if cause.is_connect() { SendError::Unreachable } else { SendError::NoAnswer }
            })?;
        if answer.status().is_success() {
            return answer
                .json()
                .await
                .map(|accepted: Accepted| accepted.sid)
                .map_err(|_| SendError::NoAnswer);
        }
        Err(refusal(answer).await)
    }

    fn request(&self, message: &OutgoingMessage) -> RequestBuilder {
        let validity = message.valid_for.as_secs().clamp(1, LONGEST_VALIDITY).to_string();
        let callback = self.callbacks.as_ref().map(|url| format!("{url}/{}", message.delivery));
        let mut form = vec![
            ("To", message.to.e164()),
            ("Body", message.text.expose()),
            ("ValidityPeriod", &validity),
            (self.account.origin.0, &self.account.origin.1),
        ];
        form.extend(callback.as_deref().map(|url| ("StatusCallback", url)));
        self.client
            .post(&self.url)
            .basic_auth(&self.account.sid, Some(self.account.token.expose()))
            .form(&form)
    }
}

fn account(gateway: &Gateway) -> Option<TwilioAccount> {
    let origin = match (&gateway.messaging_service_sid, &gateway.from) {
        (Some(service), _) => ("MessagingServiceSid", service.clone()),
        (None, Some(from)) => ("From", from.clone()),
        (None, None) => return None,
    };
    Some(TwilioAccount { sid: gateway.account_sid.clone()?, token: gateway.auth_token.clone()?, origin })
}

async fn refusal(answer: Response) -> SendError {
    let status = answer.status().as_u16();
    let code = answer.json().await.ok().and_then(|refused: Refused| refused.code);
    let reason = match status {
        429 => FailureReason::Throttled,
        401 | 403 | 404 => FailureReason::Misconfigured,
        _ => FailureReason::Other,
    };
    SendError::Refused { reason, status, code }
}
