//! One `siteverify`: a form with the secret and the token, answered `{success, hostname, error-codes}`.

use super::CaptchaError;
use crate::config::{Challenges, Hidden};
use crate::model::challenge::ChallengeKind;
use reqwest::Client;
use serde::Deserialize;
use std::net::IpAddr;

/// The longest token of Turnstile, by its documentation.
const LONGEST_TURNSTILE: usize = 2_048;
/// hCaptcha names no limit, and its tokens are longer.
const LONGEST_HCAPTCHA: usize = 8_192;

/// Somebody who judges tokens of one kind.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) kind: ChallengeKind,
    pub(super) site_key: String,
    secret: Hidden,
    url: String,
}

/// What is answered.
#[derive(Debug, Deserialize)]
pub(super) struct Verdict {
    success: bool,
    #[serde(default)]
    hostname: Option<String>,
    #[serde(default, rename = "error-codes")]
    errors: Vec<String>,
}

impl Judge {
    /// Those that the configuration names a key and a secret for.
    pub(super) fn configured(config: &Challenges) -> Vec<Self> {
        let judge = |kind, site_key: &Option<String>, secret: &Option<Hidden>, url: &str| {
            let site_key = site_key.clone().filter(|key| !key.is_empty())?;
            let secret = secret.clone().filter(|secret| !secret.expose().is_empty())?;
            Some(Self { kind, site_key, secret, url: url.to_owned() })
        };
        let (turnstile, hcaptcha) = (ChallengeKind::Turnstile, ChallengeKind::Hcaptcha);
        [
            judge(turnstile, &config.turnstile_site_key, &config.turnstile_secret, &config.turnstile_url),
            judge(hcaptcha, &config.hcaptcha_site_key, &config.hcaptcha_secret, &config.hcaptcha_url),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether a text has the form of a token.
    pub(super) fn could_be(&self, token: &str) -> bool {
        let longest = match self.kind {
            ChallengeKind::Altcha => 0,
            ChallengeKind::Turnstile => LONGEST_TURNSTILE,
            ChallengeKind::Hcaptcha => LONGEST_HCAPTCHA,
        };
        (1..=longest).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Asks whether a token is right.
    pub(super) async fn ask(
        &self,
        client: &Client,
        token: &str,
        remote: Option<IpAddr>,
    ) -> Result<Verdict, CaptchaError> {
        let remote = remote.map(|address| address.to_string());
        let mut form = vec![("secret", self.secret.expose()), ("response", token)];
        if self.kind == ChallengeKind::Hcaptcha {
            form.push(("sitekey", &self.site_key));
        }
        form.extend(remote.as_deref().map(|address| ("remoteip", address)));
        let asked = client.post(&self.url).form(&form).send().await;
        let answer = asked.map_err(|cause| self.failed(&cause.without_url()))?;
        if !answer.status().is_success() {
            return Err(self.failed(&answer.status()));
        }
        let verdict: Verdict = answer.json().await.map_err(|cause| self.failed(&cause.without_url()))?;
        verdict.of_us(self.kind)
    }

    /// The cause is without its URL, in which an operator may have put a password.
    fn failed(&self, cause: &dyn std::fmt::Display) -> CaptchaError {
        tracing::error!(kind = self.kind.as_str(), %cause, "a CAPTCHA could not be judged");
        CaptchaError::Unavailable
    }
}

impl Verdict {
    /// A refusal that is about us, or about them, says nothing of the token.
    fn of_us(self, kind: ChallengeKind) -> Result<Self, CaptchaError> {
        let ours = |code: &String| {
            code.ends_with("-secret")
                || ["bad-request", "internal-error", "sitekey-secret-mismatch", "not-using-dummy-passcode"]
                    .contains(&code.as_str())
        };
        if !self.success && self.errors.iter().any(ours) {
            let kind = kind.as_str();
            tracing::error!(kind, "a CAPTCHA could not be judged: check challenges.{kind}_secret");
            return Err(CaptchaError::Unavailable);
        }
        Ok(self)
    }

    /// Whether the token is right, and of a page where it may come from.
    pub(super) fn right(&self, hostnames: &[String]) -> bool {
        let named = |host: &str| hostnames.iter().any(|name| name.eq_ignore_ascii_case(host));
        self.success && (hostnames.is_empty() || self.hostname.as_deref().is_some_and(named))
    }
}
