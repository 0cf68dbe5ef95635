//! What is posted: `{type, timestamp, data}`, as Standard Webhooks recommends.

use crate::model::delivery::Channel;
use crate::model::id::DeliveryId;
use crate::sender::OutgoingMessage;
use jiff::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
struct Event<'a> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    delivery_id: DeliveryId,
    channel: Channel,
    to: &'a str,
    text: &'a str,
    code: &'a str,
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    report_url: Option<String>,
}

/// The JSON of a message; `callbacks` is where reports on the gateway's deliveries go.
pub(super) fn body(message: &OutgoingMessage, callbacks: Option<&str>) -> Vec<u8> {
    let event = Event {
        r#type: "message.send",
        timestamp: message.at,
        data: Data {
            delivery_id: message.delivery,
            channel: message.channel,
            to: message.to.e164(),
            text: message.text.expose(),
            code: message.code.expose(),
            expires_at: message.at.saturating_add(message.valid_for).unwrap_or(message.at),
            report_url: callbacks.map(|url| format!("{url}/{}", message.delivery)),
        },
    };
    serde_json::to_vec(&event).unwrap_or_default()
}
