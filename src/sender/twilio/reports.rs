//! What Twilio reports of messages (`MessageStatus`) and calls (`CallStatus`).

use super::errors;
use super::signature::Fields;
use crate::model::delivery::{DeliveryStatus, FailureReason};
use crate::sender::Report;

/// The news of a status callback; none where its status says nothing about delivery.
pub(super) fn report(fields: &Fields<'_>) -> Option<Report> {
    let (status, reason, sid) = if let Some(status) = fields.get("CallStatus") {
        let (status, reason) = of_call(status, fields.number("SipResponseCode"))?;
        (status, reason, "CallSid")
    } else {
        let status = fields.get("MessageStatus").or_else(|| fields.get("SmsStatus"))?;
        let (status, reason) = of_message(status, fields.number("ErrorCode"))?;
        (status, reason, "MessageSid")
    };
    Some(Report { status, reason, message: fields.get(sid).map(str::to_owned) })
}

fn of_message(status: &str, code: Option<u32>) -> Option<(DeliveryStatus, Option<FailureReason>)> {
    Some(match status {
        "accepted" | "queued" | "sending" | "sent" => (DeliveryStatus::Sent, None),
        "delivered" | "read" => (DeliveryStatus::Delivered, None),
        "undelivered" => (DeliveryStatus::Undelivered, Some(errors::of_delivery(code))),
        "failed" => (DeliveryStatus::Failed, Some(errors::of_delivery(code))),
        "canceled" => (DeliveryStatus::Failed, Some(FailureReason::Other)),
        _ => return None,
    })
}

/// A call that ends without a key pressed has told nobody its code, be it answered by a voicemail.
fn of_call(status: &str, sip: Option<u32>) -> Option<(DeliveryStatus, Option<FailureReason>)> {
    Some(match status {
        "queued" | "initiated" | "ringing" | "in-progress" => (DeliveryStatus::Sent, None),
        "completed" | "busy" | "no-answer" | "canceled" => {
            (DeliveryStatus::Undelivered, Some(FailureReason::Unreachable))
        }
        "failed" => (DeliveryStatus::Failed, Some(errors::of_call(sip))),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeliveryStatus::{Delivered, Failed, Sent, Undelivered};

    #[test]
    fn a_message_is_as_far_as_its_status_says() {
        for status in ["accepted", "queued", "sending", "sent"] {
            assert_eq!(of_message(status, None), Some((Sent, None)));
        }
        assert_eq!(of_message("delivered", None), Some((Delivered, None)));
        let landline = Some(FailureReason::Landline);
        assert_eq!(of_message("undelivered", Some(30006)), Some((Undelivered, landline)));
        assert_eq!(of_message("failed", Some(30007)), Some((Failed, Some(FailureReason::Blocked))));
        assert_eq!(of_message("received", None), None);
    }

    #[test]
    fn a_call_that_ends_by_itself_was_not_delivered() {
        for status in ["completed", "busy", "no-answer", "canceled"] {
            let unreachable = Some(FailureReason::Unreachable);
            assert_eq!(of_call(status, Some(200)), Some((Undelivered, unreachable)));
        }
        assert_eq!(of_call("in-progress", None), Some((Sent, None)));
        let invalid = Some(FailureReason::InvalidNumber);
        assert_eq!(of_call("failed", Some(404)), Some((Failed, invalid)));
        assert_eq!(of_call("dreaming", None), None);
    }
}
