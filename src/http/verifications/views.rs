//! Parts of a verification as its starter sees it: open challenges, ways for its code, what was sent.

use crate::model::altcha::AltchaChallenge;
use crate::model::challenge::ChallengeKind;
use crate::model::delivery::{Channel, Delivery, DeliveryStatus, FailureReason, ShownReason};
use crate::model::verification::WaitReason;
use crate::verification::OpenChallenge;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A challenge of which one must be solved before the awaited code is sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChallengeView {
    kind: ChallengeKind,
    /// What ALTCHA's clients solve.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<AltchaChallenge>,
    /// What a captcha's widget is shown with.
    #[serde(skip_serializing_if = "Option::is_none")]
    site_key: Option<String>,
}

impl From<&OpenChallenge> for ChallengeView {
    fn from(open: &OpenChallenge) -> Self {
        match open {
            OpenChallenge::Altcha(challenge) => {
                Self { kind: ChallengeKind::Altcha, challenge: Some(challenge.clone()), site_key: None }
            }
            OpenChallenge::Captcha(kind, site_key) => {
                Self { kind: *kind, challenge: None, site_key: Some(site_key.clone()) }
            }
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelView {
    pub(super) channel: Channel,
    /// When it may carry the code again.
    #[schema(value_type = String, format = DateTime)]
    pub(super) not_before: Timestamp,
    /// Why not yet, while that time lies ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<WaitReason>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryView {
    channel: Channel,
    status: DeliveryStatus,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Why it did not arrive, of what has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ShownReason>,
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        let failed = matches!(delivery.status, DeliveryStatus::Failed | DeliveryStatus::Undelivered);
        Self {
            channel: delivery.channel,
            status: delivery.status,
            at: delivery.at,
            reason: delivery.reason.filter(|_| failed).map(FailureReason::shown),
        }
    }
}
