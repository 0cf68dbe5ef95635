//! CAPTCHAs that others judge: Cloudflare Turnstile and hCaptcha, by the `siteverify` that both speak.

mod judge;

use crate::config::Challenges;
use crate::model::challenge::ChallengeKind;
use judge::Judge;
use reqwest::Client;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

const CONNECT: Duration = Duration::from_secs(2);
const TOTAL: Duration = Duration::from_secs(5);

/// Nobody could say whether a token is right; it is not to be taken as right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CaptchaError {
    /// Whoever judges it cannot be reached, does not answer in time, or answers nonsense.
    #[error("the CAPTCHA cannot be judged just now")]
    Unavailable,
}

/// The HTTP client that asks those who judge cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct CaptchasError(String);

/// The CAPTCHAs that are configured. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Captchas {
    client: Client,
    judges: Arc<[Judge]>,
    hostnames: Arc<[String]>,
    send_address: bool,
}

impl Captchas {
    /// The configured ones; perhaps none.
    ///
    /// # Errors
    /// [`CaptchasError`] when the HTTP client cannot be made.
    pub fn new(config: &Challenges) -> Result<Self, CaptchasError> {
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|cause| CaptchasError(cause.to_string()))?;
        Ok(Self {
            client,
            judges: Judge::configured(config).into(),
            hostnames: config.hostnames.clone().into(),
            send_address: config.send_client_address,
        })
    }

    /// What may be offered, each with the public key that its widget asks for.
    pub fn offered(&self) -> impl Iterator<Item = (ChallengeKind, &str)> {
        self.judges.iter().map(|judge| (judge.kind, judge.site_key.as_str()))
    }

    /// Whether `token` shows that a challenge was solved. Each token is right once: whoever judges sees to that.
    ///
    /// `remote` is the client's address. It is personal and leaves this server only where
    /// `challenges.send_client_address` says so. A kind that is not configured, and a token that cannot be one,
    /// are wrong without anybody being asked.
    ///
    /// # Errors
    /// [`CaptchaError::Unavailable`].
    pub async fn verify(
        &self,
        kind: ChallengeKind,
        token: &str,
        remote: Option<IpAddr>,
    ) -> Result<bool, CaptchaError> {
        let Some(judge) = self.judges.iter().find(|judge| judge.kind == kind) else { return Ok(false) };
        if !judge.could_be(token) {
            return Ok(false);
        }
        let remote = remote.filter(|_| self.send_address);
        let verdict = judge.ask(&self.client, token, remote).await?;
        Ok(verdict.right(&self.hostnames))
    }
}
