//! All that is kept of a person, for the person.

use super::people::{with_reason, without_number};
use super::reading::Said;
use super::{FoundAccount, LookRefused, Oversight};
use crate::admins::AdminCaller;
use crate::model::audit::{Action, Note};
use crate::model::id::{AccountId, DeviceId, VerificationId};
use crate::model::number::PhoneNumber;
use crate::store::{Attempt, AttemptFilter};
use jiff::Timestamp;
use serde::Serialize;
use std::net::IpAddr;
use utoipa::ToSchema;

/// How much of each kind is exported at most.
const MOST: i64 = 10_000;

/// All that is kept of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonExport {
    /// The whole number.
    pub phone_number: String,
    /// The account that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// When it was registered.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When a device of it was last seen, to the day, be it signed out since.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
    /// Whether lookups find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discoverable: Option<bool>,
    /// Since when it is locked, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<ExportedLock>,
    /// Its devices.
    pub devices: Vec<ExportedDevice>,
    /// Attempts to prove the number, the newest first.
    pub verifications: Vec<ExportedAttempt>,
    /// What the audit log says of the person, the newest first.
    pub events: Vec<ExportedEvent>,
}

/// That an account is locked.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedLock {
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why, as an admin wrote it.
    pub reason: String,
}

/// A device of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedDevice {
    /// Its name in the service.
    pub device_id: DeviceId,
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
    /// Its name in the service.
    pub id: uuid::Uuid,
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// How far it got.
    pub status: String,
    /// The country of the number.
    pub country: String,
    /// The channel of the last message.
    pub channel: String,
    /// The gateway of the last message.
    pub gateway: String,
    /// When its code was right.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
}

/// An event of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedEvent {
    /// Its place in the log, by which a proof of it can be asked for.
    pub index: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What.
    pub action: String,
    /// What came of it.
    pub outcome: String,
    /// Who did it: `starter`, `device`, `admin`, `operator`, `system`.
    pub actor: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The address that the request came from.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_id: Option<VerificationId>,
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
}

impl Oversight {
    /// Exports a person by the account; that counts as a reveal and is written down first.
    ///
    /// # Errors
    /// [`LookRefused`].
    pub async fn export(
        &self,
        caller: &AdminCaller,
        id: AccountId,
        reason: &str,
        now: Timestamp,
    ) -> Result<PersonExport, LookRefused> {
        let reason = with_reason(reason)?;
        let found = self.account(id).await?.ok_or(LookRefused::NotFound)?;
        let number = found.state.number.clone();
        self.reveal(caller, self.exporting(&number, Some(id), Some(reason)), now).await?;
        self.export_found(&number, Some(found), now).await
    }

    /// Exports a person by the number, with or without an account; that is written down first.
    ///
    /// # Errors
    /// [`LookRefused`]; nothing is written down of a number that nothing is kept of.
    pub async fn export_number(
        &self,
        number: &PhoneNumber,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<PersonExport, LookRefused> {
        let index = self.keys.number_index(number);
        let found = match self.account_of(&index).await? {
            Some(id) => self.account(id).await?,
            None if !self.store.knows_of(&index).await? => return Err(LookRefused::NotFound),
            None => None,
        };
        let reason = reason.map(without_number).transpose()?;
        let account = found.as_ref().map(|found| found.state.account.id);
        self.store.note_look(self.exporting(number, account, reason), now).await?;
        self.export_found(number, found, now).await
    }

    /// What the log says of an export.
    fn exporting(&self, number: &PhoneNumber, account: Option<AccountId>, reason: Option<&str>) -> Note {
        let mut note = Note::new(Action::PersonExported).of_number(&self.keys.number_index(number));
        note.private.account_id = account;
        note.reason = reason.map(|reason| reason.to_owned().into());
        note
    }

    async fn export_found(
        &self,
        number: &PhoneNumber,
        found: Option<FoundAccount>,
        now: Timestamp,
    ) -> Result<PersonExport, LookRefused> {
        let index = self.keys.number_index(number);
        let of_number = AttemptFilter { number: Some(index.as_bytes().to_vec()), ..AttemptFilter::default() };
        let mut attempts = self.store.find_attempts(&of_number, MOST).await?;
        let mut events = self.said_of(&index, MOST).await?;
        leave_out_former(&mut events, &mut attempts);
        let account = found.as_ref().map(|found| &found.state.account);
        let seen = self.store.account_of_number(&index).await?.and_then(|(_, seen)| seen);
        Ok(PersonExport {
            phone_number: number.e164().to_owned(),
            account_id: account.map(|account| account.id),
            created_at: account.map(|account| account.created_at),
            last_seen_at: seen.filter(|_| account.is_some()),
            discoverable: account.map(|account| account.discoverable),
            lock: found
                .as_ref()
                .and_then(|found| found.lock.clone())
                .map(|lock| ExportedLock { at: lock.at, reason: lock.reason }),
            devices: found.into_iter().flat_map(|found| found.devices).map(ExportedDevice::from).collect(),
            verifications: attempts.iter().map(|attempt| self.exported(attempt, now)).collect(),
            events: events.into_iter().map(ExportedEvent::from).collect(),
        })
    }

    fn exported(&self, attempt: &Attempt, now: Timestamp) -> ExportedAttempt {
        ExportedAttempt {
            id: uuid::Uuid::from_bytes(attempt.id),
            started_at: attempt.started_at,
            status: self.status(attempt, now).to_owned(),
            country: attempt.country.clone(),
            channel: attempt.channel.clone(),
            gateway: attempt.gateway.clone(),
            approved_at: attempt.approved_at,
        }
    }
}

/// Leaves out what is of who held the number before it last passed on: all that was before, but the verification by
/// which it did.
fn leave_out_former(events: &mut Vec<Said>, attempts: &mut Vec<Attempt>) {
    let replaced = Action::AccountReplaced.as_str();
    let Some(last) = events.iter().find(|said| said.entry.action == replaced) else { return };
    let (idx, at, verification) = (last.idx, last.entry.time, last.private.verification_id);
    let by_this = |id: Option<VerificationId>| id.is_some() && id == verification;
    events.retain(|said| said.idx >= idx || by_this(said.private.verification_id));
    attempts
        .retain(|attempt| attempt.started_at >= at || by_this(Some(VerificationId::from_bytes(attempt.id))));
}

impl From<crate::devices::NamedDevice> for ExportedDevice {
    fn from(named: crate::devices::NamedDevice) -> Self {
        Self {
            device_id: named.device.id,
            name: named.name,
            platform: named.device.platform.as_str().to_owned(),
            created_at: named.device.created_at,
            last_seen_at: named.device.last_seen_at,
        }
    }
}

impl From<Said> for ExportedEvent {
    fn from(Said { idx, entry, private }: Said) -> Self {
        Self {
            index: idx,
            at: entry.time,
            outcome: entry.outcome.as_str().to_owned(),
            action: entry.action,
            actor: entry.actor.kind,
            reason: entry.reason,
            address: private.address,
            verification_id: private.verification_id,
            device_id: private.device_id,
        }
    }
}
