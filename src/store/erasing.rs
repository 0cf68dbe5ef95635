//! Erasures: what is kept of a person goes, and who was erased is remembered by a name that tells nothing.

use super::accounts::AccountChange;
use super::attempts::{ERASE, ERASE_STEPS, HOLD_PROGRESS};
use super::audit::DESTROY_NAMED;
use super::batch::{Batch, add};
use super::directory::add_listing;
use super::epochs::overtaken;
use super::error::Table;
use super::registrations::device_ids;
use super::{Ending, Listing, Store, StoreError, note, read, run, transact};
use crate::model::account::Account;
use crate::model::audit::{Action, Note, Subject};
use crate::model::id::{AccountId, DeviceId};
use crate::model::keys::NumberIndex;
use jiff::Timestamp;

/// What is erased.
#[derive(Debug, Clone)]
pub struct Erasure<'a> {
    /// The person's number.
    pub number: NumberIndex,
    /// The account that the number has, and what becomes of its entries; with `None` it must have none.
    pub account: Option<(AccountId, &'a Listing)>,
    /// Whether everything goes that is kept under the number: verifications that nobody has proven, and what limits
    /// have counted. Whoever erases himself keeps these: the first may be a stranger's, whom its end would tell that
    /// the number was registered, and deleting must refill nothing.
    pub whole: bool,
    /// What the audit log says of it.
    pub note: Note,
}

const END_PROVEN: &str = "DELETE FROM verifications WHERE number_index = $1 AND approved_at IS NOT NULL
    RETURNING verification_id";
const END_VERIFICATIONS: &str = "DELETE FROM verifications WHERE number_index = $1 RETURNING verification_id";
const END_DELIVERIES: &str = "DELETE FROM deliveries WHERE verification_id = $1";
const END_NUMBER: &str = "DELETE FROM numbers WHERE number_index = $1 AND account_id = $2";
const HAS_ACCOUNT: &str = "SELECT EXISTS (SELECT 1 FROM numbers WHERE number_index = $1)";
const END_ACCOUNT: &str = "DELETE FROM accounts WHERE account_id = $1";
const END_DEVICES: &str = "DELETE FROM devices WHERE account_id = $1 RETURNING device_id";
/// Behind the verifications and devices, as sends and lookups lock them.
const END_LIMITS: [&str; 4] = [
    "DELETE FROM number_counters WHERE number_index = $1",
    "DELETE FROM ledgers WHERE number_index = $1",
    "DELETE FROM carried_over WHERE number_index = $1",
    "DELETE FROM lookup_budgets WHERE number_index = $1",
];
const REMEMBER: &str =
    "INSERT INTO erasures (subject, erased_at) VALUES ($1, $2) ON CONFLICT (subject) DO NOTHING";
const REMEMBERED: &str = "SELECT subject, erased_at FROM erasures WHERE (erased_at, subject) > ($1, $2)
    ORDER BY erased_at, subject LIMIT $3";
/// One statement each, for the tables may lie on different servers.
const TRACES: [&str; 7] = [
    "SELECT EXISTS (SELECT 1 FROM audit_subjects WHERE owner = $1)",
    "SELECT EXISTS (SELECT 1 FROM verifications WHERE number_index = $1)",
    "SELECT EXISTS (SELECT 1 FROM attempts WHERE number_index = $1)",
    "SELECT EXISTS (SELECT 1 FROM number_counters WHERE number_index = $1)",
    "SELECT EXISTS (SELECT 1 FROM ledgers WHERE number_index = $1)",
    "SELECT EXISTS (SELECT 1 FROM carried_over WHERE number_index = $1)",
    "SELECT EXISTS (SELECT 1 FROM lookup_budgets WHERE number_index = $1)",
];

impl Store {
    /// Erases an account with its devices, entries and verifications, and the key to what the audit log says of its
    /// person; done, these are the devices.
    ///
    /// What its number has used of limits stays, under the keyed index only: deleting refills nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_account(
        &self,
        account: &Account,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<AccountChange<Vec<DeviceId>>, StoreError> {
        let note = Note::new(Action::AccountErased).of_number(&account.number_index).account(account.id);
        let (number, account) = (account.number_index, Some((account.id, listing)));
        self.erase(&Erasure { number, account, whole: false, note }, now).await
    }

    /// Erases a person with or without an account; done, these are the devices. [`AccountChange::Ended`]: the number
    /// has another account than it was planned with, or has one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase(
        &self,
        erasure: &Erasure<'_>,
        now: Timestamp,
    ) -> Result<AccountChange<Vec<DeviceId>>, StoreError> {
        let number = erasure.number.as_bytes().as_slice();
        let erased: AccountChange<Vec<Vec<u8>>> = transact!(self, tx => {
            if let Some((_, listing)) = erasure.account && overtaken!(self, tx, listing) {
                return Ok(Ending::Rollback(AccountChange::EpochsOutdated));
            }
            // Verifications before the number, as a registration locks them: the other order can deadlock.
            let ending = if erasure.whole { END_VERIFICATIONS } else { END_PROVEN };
            let ended: Vec<Vec<u8>> = sqlx::query_scalar(ending).bind(number).fetch_all(&mut *tx).await?;
            for verification in &ended {
                run!(tx, END_DELIVERIES, verification);
            }
            let mut devices = Vec::new();
            if let Some((id, listing)) = erasure.account {
                let id = id.as_bytes().as_slice();
                if run!(tx, END_NUMBER, number, id) == 0 {
                    return Ok(Ending::Rollback(AccountChange::Ended));
                }
                // The account before its entries, as a change of visibility locks them.
                let mut ending = Batch::on(&*tx);
                add!(ending, END_ACCOUNT, id);
                add_listing!(ending, listing);
                ending.run(&mut *tx).await?;
                devices = sqlx::query_scalar(END_DEVICES).bind(id).fetch_all(&mut *tx).await?;
            } else if sqlx::query_scalar(HAS_ACCOUNT).bind(number).fetch_one(&mut *tx).await? {
                return Ok(Ending::Rollback(AccountChange::Ended));
            }
            for limit in END_LIMITS.iter().filter(|_| erasure.whole) {
                run!(tx, *limit, number);
            }
            // The event is the last that speaks of the person: its sealed part ends with all others.
            note!(self, tx, now, erasure.note.clone());
            run!(tx, HOLD_PROGRESS);
            run!(tx, ERASE_STEPS, number);
            run!(tx, ERASE, number);
            let subject: Option<Vec<u8>> = sqlx::query_scalar(DESTROY_NAMED).bind(number).fetch_optional(&mut *tx).await?;
            if let Some(subject) = subject {
                run!(tx, REMEMBER, subject, now.as_millisecond());
            }
            Ok(Ending::Commit(AccountChange::Done(devices)))
        });
        Ok(match erased {
            AccountChange::Done(devices) => AccountChange::Done(device_ids(&devices)?),
            AccountChange::Ended => AccountChange::Ended,
            AccountChange::EpochsOutdated => AccountChange::EpochsOutdated,
        })
    }

    /// Whether anything is kept of a number that has no account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn knows_of(&self, number: &NumberIndex) -> Result<bool, StoreError> {
        let number = number.as_bytes().as_slice();
        Ok(read!(self, conn => {
            let mut found = false;
            for trace in TRACES {
                found |= sqlx::query_scalar::<_, bool>(trace).bind(number).fetch_one(&mut *conn).await?;
            }
            found
        }))
    }

    /// Up to `limit` people who were erased, behind one of them in the order of time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erasures(
        &self,
        (at, subject): (Timestamp, Subject),
        limit: i64,
    ) -> Result<Vec<(Timestamp, Subject)>, StoreError> {
        let table = Table("erasures");
        let rows: Vec<(Vec<u8>, i64)> = read!(self, conn => {
            sqlx::query_as(REMEMBERED)
                .bind(at.as_millisecond())
                .bind(subject.0.as_slice())
                .bind(limit)
                .fetch_all(conn)
                .await?
        });
        rows.into_iter()
            .map(|(subject, at)| {
                let subject = table.some("subject", subject.try_into().ok())?;
                Ok((table.time("erased_at", at)?, Subject(subject)))
            })
            .collect()
    }
}
