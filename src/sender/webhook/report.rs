//! What a gateway reports of a delivery: a `message.status`, signed as the messages to it are.

use super::answer::is_name;
use crate::model::delivery::{DeliveryStatus, FailureReason};
use crate::model::signing::{Signed, SigningSecret};
use crate::sender::{Callback, Report, SignatureInvalid};
use serde::Deserialize;

#[derive(Deserialize)]
struct Event {
    r#type: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    delivery_id: String,
    status: String,
    reason: Option<String>,
    id: Option<String>,
}

/// What a callback reports, once its signature has been found right. A report names its delivery in the body as
/// well as in the path, because the path is not signed; one without news, and one that was signed for another
/// delivery, says nothing.
pub(super) fn read(
    callback: &Callback<'_>,
    secret: &SigningSecret,
) -> Result<Option<Report>, SignatureInvalid> {
    let header = |name| callback.headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(timestamp), Some(signatures)) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"))
    else {
        return Err(SignatureInvalid);
    };
    if !secret.signed(&Signed { id, timestamp, signatures, body: callback.body }, callback.at) {
        return Err(SignatureInvalid);
    }
    // The type keeps apart what is signed with the same secret: our own messages, sent back, report nothing.
    let event = serde_json::from_slice::<Event>(callback.body).ok();
    let event = event.filter(|event| event.r#type == "message.status");
    Ok(event
        .filter(|event| event.data.delivery_id == delivery(callback))
        .and_then(|event| report(event.data)))
}

/// The last segment of the path.
fn delivery<'a>(callback: &Callback<'a>) -> &'a str {
    let path = callback.path_and_query.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

fn report(data: Data) -> Option<Report> {
    let reason =
        data.reason.as_deref().map(|word| FailureReason::parse(word).unwrap_or(FailureReason::Other));
    let status = DeliveryStatus::parse(&data.status)?;
    let reason = match status {
        DeliveryStatus::Failed | DeliveryStatus::Undelivered => Some(reason.unwrap_or(FailureReason::Other)),
        DeliveryStatus::Sent | DeliveryStatus::Delivered => None,
        DeliveryStatus::Queued | DeliveryStatus::Claimed | DeliveryStatus::Unknown => return None,
    };
    Some(Report { status, reason, message: data.id.filter(|id| is_name(id)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Gateway, Hidden};
    use crate::sender::{Sender, Webhook};
    use jiff::Timestamp;
    use reqwest::header::{HeaderMap, HeaderValue};
    use serde_json::{Value, json};

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const DELIVERY: &str = "6ff0a5bb-2f5a-4d5c-a5a9-4f1f1b5c8f10";
    const NOW: i64 = 1_700_000_000;

    fn sender() -> Sender {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let gateway = Gateway {
            name: "own".to_owned(),
            base_url: Some("https://gateway.example/messages".to_owned()),
            signing_secret: Some(Hidden::new(SECRET)),
            ..Gateway::default()
        };
        Sender::Webhook(Box::new(Webhook::new(&gateway, None).unwrap().unwrap()))
    }

    fn headers(secret: &str, body: &[u8]) -> HeaderMap {
        let signature = SigningSecret::parse(secret).unwrap().sign("evt.1", NOW, body);
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", HeaderValue::from_static("evt.1"));
        headers.insert("webhook-timestamp", HeaderValue::from(NOW));
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    fn judge(headers: &HeaderMap, path: &str, body: &[u8]) -> Result<Option<Report>, SignatureInvalid> {
        let at = Timestamp::from_second(NOW + 60).unwrap();
        sender().report(&Callback { path_and_query: path, headers, body, at })
    }

    /// What a body reports that is signed, on its own delivery's URL.
    fn reported(body: &[u8]) -> Option<Report> {
        judge(&headers(SECRET, body), &format!("/callbacks/own/{DELIVERY}?x=1"), body).unwrap()
    }

    fn event(data: &Value) -> Vec<u8> {
        let mut event = json!({"type": "message.status", "data": {"delivery_id": DELIVERY}});
        event["data"].as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
        event.to_string().into_bytes()
    }

    #[test]
    fn a_signed_report_says_how_far_a_message_got() {
        let report = |status, reason, message: Option<&str>| {
            Some(Report { status, reason, message: message.map(str::to_owned) })
        };
        let delivered = json!({"status": "delivered", "id": "m-1", "reason": "landline"});
        assert_eq!(reported(&event(&delivered)), report(DeliveryStatus::Delivered, None, Some("m-1")));
        let sent = json!({"status": "sent", "id": "not a name"});
        assert_eq!(reported(&event(&sent)), report(DeliveryStatus::Sent, None, None));
        for (word, reason) in [("landline", FailureReason::Landline), ("because", FailureReason::Other)] {
            let failed = json!({"status": "failed", "reason": word});
            assert_eq!(reported(&event(&failed)), report(DeliveryStatus::Failed, Some(reason), None));
        }
        let undelivered = report(DeliveryStatus::Undelivered, Some(FailureReason::Other), None);
        assert_eq!(reported(&event(&json!({"status": "undelivered"}))), undelivered);
    }

    #[test]
    fn a_body_that_is_no_report_says_nothing() {
        for status in ["queued", "claimed", "unknown", "DELIVERED", ""] {
            assert_eq!(reported(&event(&json!({"status": status}))), None, "{status}");
        }
        let ours = json!({"type": "message.send", "data": {"delivery_id": DELIVERY, "status": "delivered"}});
        for body in [String::new(), "{}".to_owned(), "delivered".to_owned(), ours.to_string()] {
            assert_eq!(reported(body.as_bytes()), None, "{body}");
        }
        assert_eq!(reported(&event(&json!({"status": 1}))), None);
    }

    #[test]
    fn a_report_counts_only_on_the_url_of_the_delivery_it_names() {
        let body = event(&json!({"status": "delivered"}));
        let headers = headers(SECRET, &body);
        for path in [
            "/callbacks/own/00000000-0000-4000-8000-000000000000".to_owned(),
            format!("/callbacks/own/00000000-0000-4000-8000-000000000000?/{DELIVERY}"),
            format!("/callbacks/own/{DELIVERY}/"),
            String::new(),
        ] {
            assert_eq!(judge(&headers, &path, &body), Ok(None), "{path}");
        }
        let without = br#"{"type": "message.status", "data": {"status": "delivered"}}"#;
        assert_eq!(reported(without), None);
    }

    #[test]
    fn what_the_gateway_did_not_sign_is_refused_whatever_it_says() {
        let (path, body) = (format!("/callbacks/own/{DELIVERY}"), event(&json!({"status": "delivered"})));
        assert_eq!(judge(&headers(OTHER_SECRET, &body), &path, &body), Err(SignatureInvalid));
        assert_eq!(judge(&headers(SECRET, &body), &path, b"{}"), Err(SignatureInvalid));
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut headers = headers(SECRET, &body);
            headers.remove(name);
            assert_eq!(judge(&headers, &path, &body), Err(SignatureInvalid), "without {name}");
        }
        let headers = headers(SECRET, &body);
        let late = Timestamp::from_second(NOW + 301).unwrap();
        let callback = Callback { path_and_query: &path, headers: &headers, body: &body, at: late };
        assert_eq!(sender().report(&callback), Err(SignatureInvalid));
    }

    #[test]
    fn while_a_secret_is_replaced_either_signature_will_do() {
        let (path, body) = (format!("/callbacks/own/{DELIVERY}"), event(&json!({"status": "delivered"})));
        let mut headers = headers(SECRET, &body);
        let right = headers["webhook-signature"].to_str().unwrap();
        let other = SigningSecret::parse(OTHER_SECRET).unwrap().sign("evt.1", NOW, &body);
        headers.insert("webhook-signature", format!("{other} {right}").parse().unwrap());
        assert!(judge(&headers, &path, &body).unwrap().is_some());
    }
}
