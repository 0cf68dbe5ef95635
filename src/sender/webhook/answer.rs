//! What a gateway's answer to a message means.

use crate::model::delivery::FailureReason;
use crate::sender::SendError;
use reqwest::Response;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;

/// No more than this is read of an answer.
const LONGEST_ANSWER: usize = 4_096;
/// The longest name of a message that is kept.
const LONGEST_NAME: usize = 200;

/// What an answer may say in JSON; anything else says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    id: Option<String>,
    reason: Option<String>,
}

/// The name of an accepted message, or why it was not accepted.
pub(super) async fn read(mut answer: Response) -> Result<Option<String>, SendError> {
    let status = answer.status().as_u16();
    let come_later = answer.headers().contains_key(RETRY_AFTER);
    let mut body = Vec::new();
    // An answer that breaks off or goes on says nothing, but its status holds.
    while let Ok(Some(bytes)) = answer.chunk().await {
        if body.len() + bytes.len() > LONGEST_ANSWER {
            body.clear();
            break;
        }
        body.extend_from_slice(&bytes);
    }
    judge(status, come_later, &body)
}

/// 2xx is accepted and 4xx refused. Of 5xx only a 503 that names an outage or says when to come back is provably
/// not accepted: behind any other, a proxy may have passed the message on.
fn judge(status: u16, come_later: bool, body: &[u8]) -> Result<Option<String>, SendError> {
    let said: Said = serde_json::from_slice(body).unwrap_or_default();
    let reason = said.reason.as_deref().and_then(FailureReason::parse);
    let reason = match status {
        200..=299 => return Ok(said.id.filter(|id| is_name(id))),
        300..=399 => FailureReason::Misconfigured,
        400..=499 => reason.unwrap_or_else(|| reason_of(status)),
        503 if come_later || reason == Some(FailureReason::Outage) => FailureReason::Outage,
        _ => return Err(SendError::NoAnswer),
    };
    Err(SendError::Refused { reason, status, code: None })
}

const fn reason_of(status: u16) -> FailureReason {
    match status {
        401 | 403 | 404 => FailureReason::Misconfigured,
        429 => FailureReason::Throttled,
        _ => FailureReason::Other,
    }
}

/// Whether a text may be kept as a gateway's name for a message.
pub(super) fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> FailureReason {
        match judge(status, false, body.as_bytes()) {
            Err(SendError::Refused { reason, status: given, code: None }) if given == status => reason,
            other => panic!("{status} {body}: {other:?}"),
        }
    }

    #[test]
    fn every_2xx_accepts_and_may_name_the_message() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judge(status, true, b"{\"id\": \"m-1\", \"x\": []}"), Ok(Some("m-1".to_owned())));
            for body in
                ["", "OK", "[]", "{}", "{\"id\": 7}", "{\"id\": null}", "{\"id\": \"\"}", "{\"id\": \"a b\"}"]
            {
                assert_eq!(judge(status, false, body.as_bytes()), Ok(None), "{body}");
            }
        }
        let long = format!("{{\"id\": \"{}\"}}", "x".repeat(201));
        assert_eq!(judge(200, false, long.as_bytes()), Ok(None));
    }

    #[test]
    fn every_4xx_refuses_for_the_reason_it_names() {
        for &reason in FailureReason::ALL {
            let body = format!("{{\"reason\": \"{}\"}}", reason.as_str());
            assert_eq!(refused(400, &body), reason);
            assert_eq!(refused(429, &body), reason);
        }
        for (status, reason) in [
            (400, FailureReason::Other),
            (401, FailureReason::Misconfigured),
            (403, FailureReason::Misconfigured),
            (404, FailureReason::Misconfigured),
            (422, FailureReason::Other),
            (429, FailureReason::Throttled),
        ] {
            for body in ["", "nonsense", "{\"reason\": \"because\"}", "{\"reason\": 1}"] {
                assert_eq!(refused(status, body), reason, "{status} {body}");
            }
        }
    }

    #[test]
    fn a_redirect_is_a_setting_that_is_wrong() {
        for status in [301, 302, 307, 308] {
            assert_eq!(refused(status, "{\"reason\": \"landline\"}"), FailureReason::Misconfigured);
        }
    }

    #[test]
    fn only_a_503_that_says_so_provably_accepts_nothing() {
        assert_eq!(refused(503, "{\"reason\": \"outage\"}"), FailureReason::Outage);
        assert!(matches!(
            judge(503, true, b""),
            Err(SendError::Refused { reason: FailureReason::Outage, .. })
        ));
        for (status, come_later, body) in [
            (503, false, ""),
            (503, false, "{\"reason\": \"landline\"}"),
            (500, true, "{\"reason\": \"outage\"}"),
            (504, true, ""),
        ] {
            assert_eq!(
                judge(status, come_later, body.as_bytes()),
                Err(SendError::NoAnswer),
                "{status} {body}"
            );
        }
    }
}
