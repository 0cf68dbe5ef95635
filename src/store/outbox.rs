//! The outbox: deliveries are written with the request that asks for them, claimed under a lease, and settled by
//! what came of them, whoever says so first.

use super::deliveries::TABLE;
use super::error::millis;
use super::guard::refund_tolls;
use super::spending::{ALL, UNSPEND, day};
use super::{Ending, Pool, Store, StoreError, note, run, transact};
use crate::model::audit::{Action, Note, Owner};
use crate::model::delivery::{Channel, DeliveryStatus, FailureReason, ShownReason};
use crate::model::id::{DeliveryId, VerificationId};
use crate::model::keys::NumberIndex;
use jiff::Timestamp;
use std::time::Duration;

/// A delivery that this process alone may hand to a gateway, until its lease ends.
#[derive(Debug, Clone)]
pub struct ClaimedDelivery {
    /// Its name.
    pub id: DeliveryId,
    /// The verification whose code it carries.
    pub verification: VerificationId,
    /// How it travels.
    pub channel: Channel,
    /// How often it was claimed, this time included.
    pub attempts: i64,
}

/// What came of a delivery.
#[derive(Debug, Clone)]
pub struct Settlement<'a> {
    /// How far it got.
    pub status: DeliveryStatus,
    /// The gateway's name.
    pub gateway: &'a str,
    /// The gateway's own name for the message, once it gave one.
    pub message: Option<String>,
    /// Why it got no further.
    pub reason: Option<FailureReason>,
    /// Whether the gateway had never accepted it, so that nothing is to be paid.
    pub unpaid: bool,
}

/// A delivery whose status has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledDelivery {
    /// Where it went; empty where that is not known.
    pub country: String,
    /// How it travelled.
    pub channel: Channel,
}

/// Binds: now. On PostgreSQL each dispatcher passes over what another is taking. A lease that ended without a word: bytes may have left, so it is never blindly sent again.
macro_rules! expire {
    ($lock:literal) => {
        concat!(
            "UPDATE deliveries SET status = 'unknown', updated_at = $1 WHERE delivery_id IN
                (SELECT delivery_id FROM deliveries WHERE status IN ('queued', 'claimed') AND status = 'claimed'
                AND retry_at IS NULL AND lease_until <= $1 ORDER BY created_at",
            $lock,
            ") RETURNING delivery_id, verification_id, channel, country, gateway"
        )
    };
}

/// Binds: now, end of the lease, how many. Nothing is claimed while an operator has stopped all sending.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE deliveries SET status = 'claimed', lease_until = $2, retry_at = NULL,
                attempts = attempts + 1, updated_at = $1 WHERE delivery_id IN
                (SELECT delivery_id FROM deliveries WHERE status IN ('queued', 'claimed')
                AND (status = 'queued' OR retry_at <= $1) AND NOT EXISTS (SELECT 1 FROM sending_pauses)
                ORDER BY created_at LIMIT $3",
            $lock,
            ") RETURNING delivery_id, verification_id, channel, attempts"
        )
    };
}

const RENEW: &str = "UPDATE deliveries SET lease_until = $3
    WHERE delivery_id = $1 AND status = 'claimed' AND attempts = $2 AND retry_at IS NULL";
const POSTPONE: &str = "UPDATE deliveries SET retry_at = $3, reason = $4
    WHERE delivery_id = $1 AND status = 'claimed' AND attempts = $2 AND retry_at IS NULL";
/// A status never regresses, and the first that ends a delivery stays.
const SETTLE: &str = "UPDATE deliveries SET status = $2, gateway = $3, gateway_message = COALESCE($4,
    gateway_message), reason = $5, updated_at = $6, retry_at = NULL
    WHERE delivery_id = $1 AND (gateway IS NULL OR gateway = $3) AND CASE status WHEN 'queued' THEN 0
    WHEN 'claimed' THEN 1 WHEN 'unknown' THEN 2 WHEN 'sent' THEN 3 ELSE 4 END < $7
    RETURNING verification_id, channel, charged, country, price, created_at";
/// A gateway's answer may come after its report.
const NAME: &str = "UPDATE deliveries SET gateway_message = $3
    WHERE delivery_id = $1 AND gateway = $2 AND gateway_message IS NULL";
/// A call need not wait for a message that will not come.
const REJECT: &str =
    "UPDATE verifications SET rejected_at = $2 WHERE verification_id = $1 AND approved_at IS NULL";

const NUMBER: &str = "SELECT number_index FROM verifications WHERE verification_id = $1";

/// A delivery of which nothing more was heard: its name, verification, channel, country and gateway.
type LostRow = (Vec<u8>, Vec<u8>, String, Option<String>, Option<String>);

/// A settled delivery: its verification, channel, and what it took: the guard's receipt, country, price, time.
type Taken = (Vec<u8>, String, Option<Vec<u8>>, Option<String>, i64, i64);

/// Gives back what a delivery took that was never paid for, in the transaction `$tx`.
macro_rules! give_back {
    ($tx:ident, $taken:expr) => {{
        let (_, _, receipt, country, price, created_at): &Taken = $taken;
        if let Some(receipt) = receipt {
            refund_tolls!($tx, of_the_number(receipt), 1_i64, 1_i64);
        }
        let day = day(TABLE.time("created_at", *created_at)?);
        for country in [country.as_deref().unwrap_or_default(), ALL] {
            run!($tx, UNSPEND, country, day, *price);
        }
    }};
}

impl Store {
    /// Takes up to `limit` deliveries that are queued or due again, each for one process alone, until `lease` is
    /// over. A delivery whose lease ended without a word becomes `unknown`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: i64,
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        let (at, now) = (now, now.as_millisecond());
        let (expire, claim) = match self.pool {
            Pool::Sqlite { .. } => (expire!(""), claim!("")),
            Pool::Postgres(_) => (expire!(" FOR UPDATE SKIP LOCKED"), claim!(" FOR UPDATE SKIP LOCKED")),
        };
        let rows: Vec<(Vec<u8>, Vec<u8>, String, i64)> = transact!(self, tx => {
            let lost: Vec<LostRow> = sqlx::query_as(expire).bind(now).fetch_all(&mut *tx).await?;
            for lost in &lost {
                let of: Option<Vec<u8>> =
                    sqlx::query_scalar(NUMBER).bind(&lost.1).fetch_optional(&mut *tx).await?;
                note!(self, tx, at, lost_note(lost, of.as_deref()));
            }
            let claimed = sqlx::query_as(claim)
                .bind(now)
                .bind(now.saturating_add(millis(lease)))
                .bind(limit)
                .fetch_all(&mut *tx)
                .await?;
            Ok(Ending::Commit(claimed))
        });
        rows.into_iter()
            .map(|(id, verification, channel, attempts)| {
                Ok(ClaimedDelivery {
                    id: TABLE.some("delivery_id", DeliveryId::from_slice(&id))?,
                    verification: TABLE.some("verification_id", VerificationId::from_slice(&verification))?,
                    channel: TABLE.some("channel", Channel::parse(&channel))?,
                    attempts,
                })
            })
            .collect()
    }

    /// Holds a claimed delivery until `until`, before it is handed to another gateway; `false` where it is no
    /// longer this process's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew_claim(&self, claimed: &ClaimedDelivery, until: Timestamp) -> Result<bool, StoreError> {
        let (id, until) = (claimed.id.as_bytes().as_slice(), until.as_millisecond());
        Ok(transact!(self, tx => { Ok(Ending::Commit(run!(tx, RENEW, id, claimed.attempts, until) > 0)) }))
    }

    /// Lets a delivery that no gateway has accepted be claimed again from `at` on; `false` where it is no longer
    /// this process's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn postpone_delivery(
        &self,
        claimed: &ClaimedDelivery,
        at: Timestamp,
        reason: FailureReason,
    ) -> Result<bool, StoreError> {
        let (id, at) = (claimed.id.as_bytes().as_slice(), at.as_millisecond());
        Ok(transact!(self, tx => {
            Ok(Ending::Commit(run!(tx, POSTPONE, id, claimed.attempts, at, reason.as_str()) > 0))
        }))
    }

    /// Writes how far a delivery got, as the gateway answered or reported it, in whatever order: `None` where it
    /// was that far already, or is not that gateway's. One that is unpaid gives back what it took: the units
    /// of its number and the money. One that was rejected opens the way for a call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle_delivery(
        &self,
        id: DeliveryId,
        settlement: &Settlement<'_>,
        now: Timestamp,
    ) -> Result<Option<SettledDelivery>, StoreError> {
        let (key, at, now) = (id.as_bytes().as_slice(), now, now.as_millisecond());
        let taken: Option<Taken> = transact!(self, tx => {
            let taken: Option<Taken> = sqlx::query_as(SETTLE)
                .bind(key)
                .bind(settlement.status.as_str())
                .bind(settlement.gateway)
                .bind(&settlement.message)
                .bind(settlement.reason.map(FailureReason::as_str))
                .bind(now)
                .bind(settlement.status.rank())
                .fetch_optional(&mut *tx)
                .await?;
            // The verification before the guard, as a send locks them: else the two may wait for each other.
            if let Some((verification, channel, ..)) = &taken
                && channel == Channel::Sms.as_str()
                && settlement.rejects()
            {
                run!(tx, REJECT, verification, now);
            }
            match &taken {
                None => {
                    run!(tx, NAME, key, settlement.gateway, &settlement.message);
                }
                Some(taken) if settlement.unpaid => give_back!(tx, taken),
                Some(_) => {}
            }
            if let Some(taken) = &taken {
                let of: Option<Vec<u8>> =
                    sqlx::query_scalar(NUMBER).bind(&taken.0).fetch_optional(&mut *tx).await?;
                note!(self, tx, at, settled(id, settlement, taken, of.as_deref()));
            }
            Ok(Ending::Commit(taken))
        });
        taken
            .map(|(_, channel, _, country, ..)| {
                let channel = TABLE.some("channel", Channel::parse(&channel))?;
                Ok(SettledDelivery { country: country.unwrap_or_default(), channel })
            })
            .transpose()
    }
}

/// What the audit log says of a delivery.
fn delivery_note(
    action: Action,
    id: &[u8],
    verification: &[u8],
    number: Option<&[u8]>,
    channel: &str,
) -> Note {
    let mut note = Note::new(action);
    note.owner = number.and_then(NumberIndex::from_slice).map(Owner::Number);
    note.private.delivery_id = DeliveryId::from_slice(id);
    note.private.verification_id = VerificationId::from_slice(verification);
    note.channel = Channel::parse(channel).map(Channel::as_str);
    note
}

fn lost_note((id, verification, channel, country, gateway): &LostRow, number: Option<&[u8]>) -> Note {
    let note = delivery_note(Action::DeliveryUnknown, id, verification, number, channel);
    let mut note = note.failed().because("lease_ended").country(country.as_deref());
    note.gateway.clone_from(gateway);
    note
}

fn settled(id: DeliveryId, settlement: &Settlement<'_>, taken: &Taken, number: Option<&[u8]>) -> Note {
    let (verification, channel, _, country, price, _) = taken;
    let action = match settlement.status {
        DeliveryStatus::Sent => Action::DeliverySent,
        DeliveryStatus::Delivered => Action::DeliveryDelivered,
        DeliveryStatus::Undelivered => Action::DeliveryUndelivered,
        DeliveryStatus::Failed => Action::DeliveryFailed,
        DeliveryStatus::Queued | DeliveryStatus::Claimed | DeliveryStatus::Unknown => Action::DeliveryUnknown,
    };
    let note = delivery_note(action, id.as_bytes(), verification, number, channel);
    let mut note = note.country(country.as_deref());
    if !matches!(action, Action::DeliverySent | Action::DeliveryDelivered) {
        note = note.failed();
    }
    note.reason = settlement.reason.map(|reason| reason.as_str().into());
    note.gateway = Some(settlement.gateway.to_owned());
    note.price = Some(*price).filter(|price| *price > 0 && !settlement.unpaid);
    note
}

/// The part of a receipt that is about the number. What an address took stays taken: else it could ask without end
/// for numbers that every gateway refuses.
fn of_the_number(receipt: &[u8]) -> &[u8] {
    const LEVELS: usize = 3 * 16;
    receipt.len().checked_sub(LEVELS).and_then(|addresses| receipt.get(addresses..)).unwrap_or_default()
}

impl Settlement<'_> {
    fn rejects(&self) -> bool {
        matches!(self.status, DeliveryStatus::Failed | DeliveryStatus::Undelivered)
            && self.reason.map(FailureReason::shown) == Some(ShownReason::Rejected)
    }
}
