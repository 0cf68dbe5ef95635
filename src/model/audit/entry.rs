//! One event as the log holds it.

use super::{Action, Change, Outcome, Private, Subject, SubjectKey, Target};
use crate::model::sealed::SealBroken;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An event as the log holds it. Its text is JSON with the members in alphabetical order, as RFC 8785 has it; the text's
/// bytes are the leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct Entry {
    /// What was done.
    pub action: String,
    /// Who did it.
    pub actor: Party,
    /// What was changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The circumstances.
    pub context: Context,
    /// The event's random name, 16 bytes in base64url.
    pub id: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// 16 random bytes in base64url, so that nobody can guess a leaf from its hash.
    pub salt: String,
    /// What is personal, sealed under the subject's key, in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// The person's random name, 16 bytes in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What else it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// When, by the clock of the node that wrote it.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// The version of this form: 1.
    pub v: u8,
}

/// Somebody by what they are and, where it is no person's secret, who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditParty)]
pub struct Party {
    /// Which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The circumstances of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditContext)]
pub struct Context {
    /// How a code travels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The country of the number (ISO 3166-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Who delivers the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The node that wrote it, by its random name.
    pub node: String,
    /// What it costs, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
    /// The request, by its `X-Request-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// What an entry says of whom it is about.
#[derive(Debug, Clone, Default)]
pub struct Parties {
    /// The subject.
    pub subject: Option<Subject>,
    /// The event's name and its salt.
    pub event: [u8; 16],
    /// The salt.
    pub salt: [u8; 16],
    /// The sealed part.
    pub sealed: Option<Vec<u8>>,
}

impl Entry {
    /// Reads the text of a leaf; `None` where it is none of this version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str::<Self>(text).ok().filter(|entry| entry.v == 1)
    }

    /// The action, where this version knows it.
    #[must_use]
    pub fn known_action(&self) -> Option<Action> {
        Action::parse(&self.action)
    }

    /// Who it is about, with what it takes to open what is personal; `None` where the entry is malformed.
    #[must_use]
    pub fn parties(&self) -> Option<Parties> {
        let mut parties =
            Parties { event: sixteen(&self.id)?, salt: sixteen(&self.salt)?, ..Parties::default() };
        if let Some(text) = &self.subject {
            parties.subject = Some(Subject(sixteen(text)?));
        }
        if let Some(text) = &self.sealed {
            parties.sealed = Some(URL_SAFE_NO_PAD.decode(text).ok()?);
        }
        Some(parties)
    }

    /// What is personal, opened with the subject's key; empty where the entry has no such part.
    ///
    /// # Errors
    /// [`SealBroken`] where it does not open.
    pub fn private(&self, key: &SubjectKey) -> Result<Private, SealBroken> {
        let parties = self.parties().ok_or(SealBroken)?;
        let Some(sealed) = parties.sealed else { return Ok(Private::default()) };
        let plain = key.open(&parties.salt, &parties.event, &sealed)?;
        serde_json::from_slice(&plain).map_err(|_| SealBroken)
    }
}

fn sixteen(text: &str) -> Option<[u8; 16]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
