//! A registration: a grant becomes a device of an account, or nothing happens.

use super::batch::{Batch, add};
use super::directory::add_listing;
use super::epochs::overtaken;
use super::error::{Table, millis};
use super::{Ending, Listing, Store, StoreError, note, run, transact};
use crate::model::account::{Account, Device, MAX_DEVICES};
use crate::model::audit::{Action, Note};
use crate::model::id::{AccountId, DeviceId, VerificationId};
use crate::model::verification::GRANT_LIFETIME;

/// Everything that a registration writes.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The approved verification whose grant it spends.
    pub verification: VerificationId,
    /// What was found at the number, which must still be so.
    pub plan: Plan,
    /// The account as it shall be.
    pub account: Account,
    /// What becomes of its entries in the directory.
    pub listing: Listing,
    /// The new device; its creation is the time of the registration.
    pub device: Device,
}

/// What a registration does with the account of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The number has none: one is made.
    Create,
    /// The number's account goes on with one more device.
    Continue,
    /// The number's account ends, for its number has passed to another person, and one is made.
    Replace(AccountId),
}

impl Plan {
    /// The account that is found at the number, of a registration with this one.
    const fn before(self, account: AccountId) -> Option<AccountId> {
        match self {
            Self::Create => None,
            Self::Continue => Some(account),
            Self::Replace(old) => Some(old),
        }
    }
}

/// What came of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisterOutcome {
    /// Done; these devices ended with it.
    Registered(Vec<DeviceId>),
    /// The grant is spent, over, or of a verification that is gone.
    GrantUnusable,
    /// The number's account is no longer what the plan says. Nothing was changed.
    PlanOutdated,
    /// An epoch has come that the listing was planned without. Nothing was changed.
    EpochsOutdated,
    /// An admin has locked the number's account. Nothing was changed.
    Locked,
}

const SPEND_GRANT: &str = "UPDATE verifications SET grant_used_at = $2
    WHERE verification_id = $1 AND approved_at > $3 AND grant_used_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM epochs WHERE epoch_id = $4 AND followed_at IS NOT NULL)";
const LOCKED: &str = "SELECT locked_at FROM accounts WHERE account_id = $1";
const TAKE_NUMBER: &str = "INSERT INTO numbers (number_index, account_id) VALUES ($1, $2)
    ON CONFLICT (number_index) DO NOTHING";
const MOVE_NUMBER: &str = "UPDATE numbers SET account_id = $2 WHERE number_index = $1 AND account_id = $3";
const ADD_ACCOUNT: &str =
    "INSERT INTO accounts (account_id, number_index, number_sealed, discoverable_since, created_at)
    VALUES ($1, $2, $3, $4, $5)";
const SET_VISIBILITY: &str = "UPDATE accounts SET discoverable_since = $2 WHERE account_id = $1";
const END_ACCOUNT: &str = "DELETE FROM accounts WHERE account_id = $1";
const END_DEVICES: &str = "DELETE FROM devices WHERE account_id = $1 RETURNING device_id";
const ADD_DEVICE: &str = "INSERT INTO devices
    (device_id, account_id, number_index, secret_hash, name_sealed, platform, created_at, last_seen_at,
    key_version) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)";
const END_SURPLUS: &str = "DELETE FROM devices WHERE account_id = $1 AND device_id NOT IN (
    SELECT device_id FROM devices WHERE account_id = $1
    ORDER BY CASE WHEN device_id = $3 THEN 0 ELSE 1 END, last_seen_at DESC, created_at DESC, device_id LIMIT $2)
    RETURNING device_id";

/// Whether the account that the number has is locked, in the transaction `$tx`: neither does it go on then, nor does
/// another take its place.
macro_rules! is_locked {
    ($tx:ident, $before:expr) => {
        match $before {
            Some(account) => {
                let account = account.as_bytes().as_slice();
                let locked: Option<Option<i64>> =
                    sqlx::query_scalar(LOCKED).bind(account).fetch_optional(&mut *$tx).await?;
                locked.flatten().is_some()
            }
            None => false,
        }
    };
}

impl Store {
    /// Spends the grant and writes account, device and directory entries, all or nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn register(&self, registration: &Registration) -> Result<RegisterOutcome, StoreError> {
        let Registration { account, device, .. } = registration;
        let (now, id) = (device.created_at.as_millisecond(), account.id.as_bytes().as_slice());
        let number = account.number_index.as_bytes().as_slice();
        let since = account.discoverable.then_some(now);
        let newest = registration.listing.newest_epoch().map(i64::from);
        let ended: Result<Vec<Vec<u8>>, RegisterOutcome> = transact!(self, tx => {
            // PostgreSQL first locks the epoch out of which nothing may come; SQLite, which has one writer, looks along.
            if self.engine() == "postgres" && overtaken!(self, tx, registration.listing) {
                return Ok(Ending::Rollback(Err(RegisterOutcome::EpochsOutdated)));
            }
            let before = registration.plan.before(account.id);
            let mut taking = Batch::on(&*tx);
            add!(taking, SPEND_GRANT, registration.verification.as_bytes().as_slice(), now, now.saturating_sub(millis(GRANT_LIFETIME)), newest);
            match &before {
                None => { add!(taking, TAKE_NUMBER, number, id); }
                Some(before) => { add!(taking, MOVE_NUMBER, number, id, before.as_bytes().as_slice()); }
            }
            let refused = match taking.run(&mut *tx).await?.as_slice() {
                [0, ..] if overtaken!(self, tx, registration.listing) => Some(RegisterOutcome::EpochsOutdated),
                [0, ..] => Some(RegisterOutcome::GrantUnusable),
                [_, 0] => Some(RegisterOutcome::PlanOutdated),
                // Behind the number's row, which a lock of the account changes first.
                _ => is_locked!(tx, &before).then_some(RegisterOutcome::Locked),
            };
            if let Some(refused) = refused {
                return Ok(Ending::Rollback(Err(refused)));
            }
            let mut ended: Vec<Vec<u8>> = Vec::new();
            if let Plan::Replace(old) = registration.plan {
                let old = old.as_bytes().as_slice();
                run!(tx, END_ACCOUNT, old);
                ended = sqlx::query_scalar(END_DEVICES).bind(old).fetch_all(&mut *tx).await?;
            }
            let mut adding = Batch::on(&*tx);
            if registration.plan != Plan::Continue {
                add!(adding, ADD_ACCOUNT, id, number, &account.number_sealed, since, now);
            } else if !matches!(registration.listing, Listing::Unchanged) {
                add!(adding, SET_VISIBILITY, id, since);
            }
            add_listing!(adding, &registration.listing);
            let device_id = device.id.as_bytes().as_slice();
            add!(adding, ADD_DEVICE, device_id, id, number, device.secret.as_bytes().as_slice(), &device.name_sealed, device.platform.as_str(), now, i64::from(device.key_version));
            adding.run(&mut *tx).await?;
            // A new account has this one device.
            if registration.plan == Plan::Continue {
                ended = sqlx::query_scalar(END_SURPLUS).bind(id).bind(MAX_DEVICES).bind(device_id).fetch_all(&mut *tx).await?;
            }
            note!(self, tx, device.created_at, registered(registration, ended.len()));
            Ok(Ending::Commit(Ok(ended)))
        });
        ended.map_or_else(Ok, |ended| device_ids(&ended).map(RegisterOutcome::Registered))
    }
}

/// What the audit log says of a registration.
fn registered(registration: &Registration, ended: usize) -> Note {
    let action = match registration.plan {
        Plan::Create => Action::AccountRegistered,
        Plan::Continue => Action::DeviceAdded,
        Plan::Replace(_) => Action::AccountReplaced,
    };
    let Registration { account, device, .. } = registration;
    let note = Note::new(action).of_number(&account.number_index).verification(registration.verification);
    let note = note.account(account.id).device(device.id);
    let note = note.change("platform", None, Some(device.platform.as_str().to_owned()));
    if ended == 0 { note } else { note.change("devices_ended", None, Some(ended.to_string())) }
}

/// Reads a column of device ids.
pub(super) fn device_ids(rows: &[Vec<u8>]) -> Result<Vec<DeviceId>, StoreError> {
    rows.iter().map(|id| Table("devices").some("device_id", DeviceId::from_slice(id))).collect()
}
