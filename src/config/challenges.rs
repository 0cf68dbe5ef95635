//! Who besides this server may judge that somebody is no machine.

use super::{Hidden, validate};
use serde::{Deserialize, Serialize};

/// Challenges that are judged elsewhere; proof of work needs no configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Challenges {
    /// Cloudflare Turnstile: the key of the widget.
    pub turnstile_site_key: Option<String>,
    /// Its secret.
    pub turnstile_secret: Option<Hidden>,
    /// Where its tokens are judged.
    pub turnstile_url: String,
    /// hCaptcha: the key of the widget.
    pub hcaptcha_site_key: Option<String>,
    /// Its secret.
    pub hcaptcha_secret: Option<Hidden>,
    /// Where its tokens are judged.
    pub hcaptcha_url: String,
    /// Hosts on which a widget may have been solved; none named means any.
    pub hostnames: Vec<String>,
    /// Whether the client's address, which is personal, is told to whoever judges.
    pub send_client_address: bool,
}

impl Default for Challenges {
    fn default() -> Self {
        Self {
            turnstile_site_key: None,
            turnstile_secret: None,
            turnstile_url: "https://challenges.cloudflare.com/turnstile/v0/siteverify".to_owned(),
            hcaptcha_site_key: None,
            hcaptcha_secret: None,
            hcaptcha_url: "https://api.hcaptcha.com/siteverify".to_owned(),
            hostnames: Vec::new(),
            send_client_address: false,
        }
    }
}

impl Challenges {
    /// Every rule that these settings break.
    pub(super) fn problems(&self) -> Vec<String> {
        let judges = [
            ("turnstile", &self.turnstile_site_key, &self.turnstile_secret, &self.turnstile_url),
            ("hcaptcha", &self.hcaptcha_site_key, &self.hcaptcha_secret, &self.hcaptcha_url),
        ];
        let mut problems = Vec::new();
        for (name, site_key, secret, url) in judges {
            let named = site_key.as_deref().is_some_and(|key| !key.is_empty());
            let secret = secret.as_ref().is_some_and(|secret| !secret.expose().is_empty());
            if named != secret {
                problems.push(format!("challenges: set both {name}_site_key and {name}_secret, or neither"));
            }
            if !validate::is_web_address(url) {
                problems.push(format!("challenges.{name}_url must begin with https:// or http://"));
            }
        }
        problems
    }
}
