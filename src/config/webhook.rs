//! What a gateway of kind `webhook` needs.

use super::Gateway;
use crate::model::delivery::Channel;
use crate::model::endpoint::{AllowedHosts, Endpoint};
use crate::model::signing::SigningSecret;

/// Every rule that a webhook gateway breaks.
pub(super) fn problems(gateway: &Gateway) -> Vec<String> {
    let mut problems = Vec::new();
    let mut broken = |problem: &str| problems.push(format!("sms.gateways `{}`: {problem}", gateway.name));
    match (AllowedHosts::parse(&gateway.allow_hosts), gateway.base_url.as_deref().unwrap_or_default()) {
        (Err(text), _) => broken(&format!("allow_hosts: `{text}` is neither a host's name nor an address")),
        (Ok(_), "") => broken("a webhook gateway needs base_url, where messages are posted"),
        (Ok(allowed), url) => {
            if let Err(refused) = Endpoint::parse(url, &allowed) {
                broken(&format!("base_url {refused}"));
            }
        }
    }
    if gateway.signing_secret.as_ref().is_none_or(|text| SigningSecret::parse(text.expose()).is_none()) {
        broken("signing_secret must be whsec_ and the base64 of 24 to 64 random bytes (Standard Webhooks)");
    }
    for word in gateway.channels.iter().filter(|word| Channel::parse(word).is_none()) {
        broken(&format!("channels: `{word}` is none of: sms voice"));
    }
    problems
}
