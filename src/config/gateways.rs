//! Who delivers codes, and by which way.

use super::Hidden;
use crate::model::words::words;
use serde::{Deserialize, Serialize};

/// Who delivers codes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sms {
    /// Gateways in order of preference; none means the inbox.
    pub gateways: Vec<Gateway>,
    /// Other orders for some countries or channels: the first that fits counts.
    pub routes: Vec<Route>,
}

/// By which gateways messages of some kind travel.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Route {
    /// To these countries (ISO 3166); none named means all.
    pub countries: Vec<String>,
    /// On these channels; none named means all.
    pub channels: Vec<String>,
    /// By these gateways, in this order, and by no other.
    pub gateways: Vec<String>,
}

words! {
    /// What kind of gateway delivers.
    #[derive(Default)]
    GatewayKind {
        /// In memory, for development.
        #[default]
        Inbox = "inbox",
        /// The Twilio REST API, or one that speaks it.
        Twilio = "twilio",
        /// Any HTTP gateway, signed.
        Webhook = "webhook",
    }
}

/// One gateway.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Gateway {
    /// Its name, in logs, metrics and callback URLs.
    pub name: String,
    /// Its kind.
    pub kind: GatewayKind,
    /// Where its API is: of `twilio`, `https://api.twilio.com` if not set; of `webhook`, where messages are posted.
    pub base_url: Option<String>,
    /// The account it bills.
    pub account_sid: Option<String>,
    /// The account's secret. It also signs callbacks.
    pub auth_token: Option<Hidden>,
    /// An API key to send with instead of the account's secret, and its secret.
    pub api_key_sid: Option<String>,
    /// The API key's secret.
    pub api_key_secret: Option<Hidden>,
    /// The sending number or name.
    pub from: Option<String>,
    /// The messaging service that picks the sending number.
    pub messaging_service_sid: Option<String>,
    /// The number from which calls are made; without it and a number in `from`, it makes none.
    pub voice_from: Option<String>,
    /// The secret of a webhook's signatures: `whsec_` and base64 (Standard Webhooks).
    pub signing_secret: Option<Hidden>,
    /// Hosts to which a webhook may go though they are on a private network.
    pub allow_hosts: Vec<String>,
    /// The channels of a webhook: `sms`, `voice`.
    pub channels: Vec<String>,
}
