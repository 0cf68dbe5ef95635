//! All that is kept of a person, for the person.

use super::people::with_reason;
use super::{LookRefused, Oversight};
use crate::model::audit::{Action, Note};
use crate::model::id::AccountId;
use crate::store::AttemptFilter;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How much of each kind is exported at most.
const MOST: i64 = 10_000;

/// All that is kept of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonExport {
    /// The whole number.
    pub phone_number: String,
    /// The account.
    pub account_id: AccountId,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Whether lookups find it.
    pub discoverable: bool,
    /// Its devices.
    pub devices: Vec<ExportedDevice>,
    /// Attempts to prove the number, the newest first.
    pub verifications: Vec<ExportedAttempt>,
    /// What the audit log says of the person, the newest first.
    pub events: Vec<ExportedEvent>,
}

/// A device of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedDevice {
    /// What its owner calls it.
    pub name: String,
    /// What it runs on.
    pub platform: String,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last seen, to the day.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Timestamp,
}

/// An attempt to prove the number.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedAttempt {
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// How far it got.
    pub status: String,
    /// The country of the number.
    pub country: String,
    /// The gateway of the last message.
    pub gateway: String,
}

/// An event of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedEvent {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What.
    pub action: String,
    /// What came of it.
    pub outcome: String,
    /// Why.
    pub reason: Option<String>,
}

impl Oversight {
    /// Exports a person by the account; that is written down first.
    ///
    /// # Errors
    /// [`LookRefused`].
    pub async fn export(
        &self,
        id: AccountId,
        reason: &str,
        now: Timestamp,
    ) -> Result<PersonExport, LookRefused> {
        let reason = with_reason(reason)?;
        let found = self.account(id).await?.ok_or(LookRefused::NotFound)?;
        let account = found.state.account;
        let note = Note::new(Action::PersonExported).of_number(&account.number_index).account(id);
        self.store.note_look(note.because(reason.to_owned()), now).await?;
        let of_number = AttemptFilter {
            number: Some(account.number_index.as_bytes().to_vec()),
            ..AttemptFilter::default()
        };
        let attempts = self.store.find_attempts(&of_number, MOST).await?;
        let events = self.said_of(&account.number_index, MOST).await?;
        Ok(PersonExport {
            phone_number: found.state.number.e164().to_owned(),
            account_id: id,
            created_at: account.created_at,
            discoverable: account.discoverable,
            devices: found.devices.into_iter().map(ExportedDevice::from).collect(),
            verifications: attempts.iter().map(|attempt| self.exported(attempt, now)).collect(),
            events: events.into_iter().map(ExportedEvent::from).collect(),
        })
    }

    fn exported(&self, attempt: &crate::store::Attempt, now: Timestamp) -> ExportedAttempt {
        ExportedAttempt {
            started_at: attempt.started_at,
            status: self.status(attempt, now).to_owned(),
            country: attempt.country.clone(),
            gateway: attempt.gateway.clone(),
        }
    }
}

impl From<crate::devices::NamedDevice> for ExportedDevice {
    fn from(named: crate::devices::NamedDevice) -> Self {
        Self {
            name: named.name,
            platform: named.device.platform.as_str().to_owned(),
            created_at: named.device.created_at,
            last_seen_at: named.device.last_seen_at,
        }
    }
}

impl From<crate::model::audit::Entry> for ExportedEvent {
    fn from(entry: crate::model::audit::Entry) -> Self {
        Self {
            at: entry.time,
            outcome: entry.outcome.as_str().to_owned(),
            action: entry.action,
            reason: entry.reason,
        }
    }
}
