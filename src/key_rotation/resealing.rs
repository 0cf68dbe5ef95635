//! What is under old versions: sealed anew, and the versions retired when nothing is left.

use super::status::{replaced_at, rows_under, unfinished};
use super::{GONE_AFTER, KeyRotation};
use crate::key_file::{sealed_anew as index_secret_anew, state, versions_in_use};
use crate::model::account::{Account, DEVICE_IDLE_LIMIT, Device};
use crate::model::admin::SecondFactor;
use crate::model::audit::SubjectKey;
use crate::model::epoch::Epoch;
use crate::model::id::{AccountId, AdminId, DeviceId, VerificationId};
use crate::model::key_life::KeyState;
use crate::model::keys::{KeyRing, Purpose};
use crate::model::sealed::{Place, SealBroken, reseal};
use crate::model::verification::Verification;
use crate::store::{KeyLease, KeyMark, Resealed, SealedColumn, SealedValue};
use crate::verification::Failure;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long the work of a node that is gone lies idle.
const LEASE: Duration = Duration::from_secs(30);
/// Values that are read at once.
const PAGE: i64 = 250;
/// Between transactions, for other writers.
const BREATH: Duration = Duration::from_millis(1);
/// How long an answer is repeated at most, which is sealed under a key derived from `number_key`.
const ANSWERS: Duration = Duration::from_hours(24);

impl KeyRotation {
    /// Does what is due for any version that is no longer in use, unless `stop` comes first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tend(&self, stop: &CancellationToken) -> Result<(), Failure> {
        let marks = self.0.store.key_marks().await?;
        let reading = |mark: &&KeyMark| state(mark, &marks) == KeyState::Reading;
        let old: Vec<&KeyMark> = marks.iter().filter(reading).collect();
        let any = |purpose: Purpose| old.iter().any(|mark| mark.key.purpose == purpose.as_str());
        if any(Purpose::Number) {
            self.reseal_all(stop).await?;
        }
        let mut index_secret = Ok(());
        if any(Purpose::Index) {
            index_secret = self.reseal_index_secret(&marks).await;
        }
        if let Err(cause) = &index_secret {
            // It must not stop other keys, but whoever puts its row back needs the versions that there were.
            metrics::counter!("tuttu_values_unsealable_total").increment(1);
            tracing::error!(%cause, "the secret that numbers are found by could not be sealed under the key in use");
        }
        for mark in old {
            if index_secret.is_ok() || mark.key.purpose != Purpose::Index.as_str() {
                self.retire(mark, &marks).await?;
            }
        }
        Ok(())
    }

    /// Retires a version if nothing is under it.
    async fn retire(&self, mark: &KeyMark, marks: &[KeyMark]) -> Result<(), Failure> {
        let Some(purpose) = Purpose::parse(&mark.key.purpose) else { return Ok(()) };
        let (now, version) = (self.0.clock.now(), mark.key.version);
        let kept = match purpose {
            Purpose::Number => ANSWERS,
            Purpose::Token => DEVICE_IDLE_LIMIT,
            _ => Duration::ZERO,
        };
        if replaced_at(mark, marks).is_some_and(|replaced| now < replaced + kept) {
            return Ok(());
        }
        if rows_under(&self.0.store, purpose, version, now).await? != Some(0) {
            if purpose == Purpose::Number {
                // Whoever had read its keys before the switch sealed something since: once more.
                *self.0.settled.lock().await = None;
            }
            return Ok(());
        }
        if self.0.store.retire_key((purpose.as_str(), version), now - GONE_AFTER, now).await? {
            tracing::info!(key = purpose.as_str(), version, "a key is retired: nothing is under it");
        }
        Ok(())
    }

    /// Seals everything anew that is not under the version in use, once, where no other node does.
    async fn reseal_all(&self, stop: &CancellationToken) -> Result<(), Failure> {
        let keys = self.0.keys.number();
        let version = keys.in_use().version();
        if *self.0.settled.lock().await == Some(version) {
            return Ok(());
        }
        // Whoever has not heard of the switch may still seal under the old version.
        match unfinished(&self.0.store, Purpose::Number, self.0.clock.now()).await? {
            (0, 0) => *self.0.settled.lock().await = Some(version),
            (_, 0) => {}
            _ if self.hold().await? => {
                self.reseal_peppers(keys).await?;
                for column in SealedColumn::ALL {
                    self.reseal_column(column, keys, stop).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Seals the values of a column anew, unless it is stopped or another node has taken over.
    async fn reseal_column(
        &self,
        column: SealedColumn,
        keys: &KeyRing,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let (mut after, mut held_at) = (Vec::new(), Timestamp::MIN);
        loop {
            let now = self.0.clock.now();
            if held_at + LEASE / 2 <= now {
                if !self.hold().await? {
                    return Ok(());
                }
                held_at = now;
            }
            let page = self.0.store.sealed_values(column, &after, PAGE).await?;
            let Some(last) = page.last().filter(|_| !stop.is_cancelled()) else { return Ok(()) };
            after.clone_from(&last.row);
            let old: Vec<Resealed> =
                page.into_iter().filter_map(|value| resealed(column, keys, value)).collect();
            if !old.is_empty() {
                self.0.store.replace_sealed(column, &old).await?;
                metrics::counter!("tuttu_values_resealed_total").increment(old.len() as u64);
                sleep(BREATH).await;
            }
        }
    }

    async fn reseal_peppers(&self, keys: &KeyRing) -> Result<(), Failure> {
        for epoch in self.0.store.epochs().await? {
            let row = epoch.id.to_le_bytes();
            if let Some(sealed) = reseal(keys, &Epoch::pepper_place(&row), &epoch.pepper_sealed)? {
                self.0.store.replace_pepper(epoch.id, &epoch.pepper_sealed, &sealed).await?;
            }
        }
        Ok(())
    }

    async fn reseal_index_secret(&self, marks: &[KeyMark]) -> Result<(), Failure> {
        let (held, keys) = (self.0.store.index_secret().await?.ok_or(SealBroken)?, self.0.keys.index());
        let anew = index_secret_anew(keys, &held)?;
        // Whoever has not heard of the version in use, or whose database was put back, waits until he has.
        let hears = versions_in_use(marks).get(&Purpose::Index) == Some(&keys.in_use().version());
        if let Some(sealed) = anew.filter(|_| hears) {
            self.0.store.replace_index_secret(&held, &sealed).await?;
        }
        Ok(())
    }

    async fn hold(&self) -> Result<bool, Failure> {
        let now = self.0.clock.now();
        let purpose = Purpose::Number.as_str();
        let lease = KeyLease { purpose, worker: self.0.node.id, until: now + LEASE };
        Ok(self.0.store.take_key_work(&lease, now).await?)
    }
}

/// A value under the version in use, where it is under another. One that does not open is left: it must not stop
/// everybody else's.
fn resealed(column: SealedColumn, keys: &KeyRing, value: SealedValue) -> Option<Resealed> {
    let anew = sealed_anew(column, keys, &value).inspect_err(|cause| {
        metrics::counter!("tuttu_values_unsealable_total").increment(1);
        tracing::error!(?column, %cause, "a value could not be sealed under the key in use");
    });
    anew.ok().flatten().map(|sealed| Resealed { before: value, sealed })
}

fn sealed_anew(
    column: SealedColumn,
    keys: &KeyRing,
    value: &SealedValue,
) -> Result<Option<Vec<u8>>, SealBroken> {
    let anew = |place: &Place<'_>| reseal(keys, place, &value.sealed);
    match column {
        SealedColumn::AccountNumber => {
            anew(&Account::number_place(&AccountId::from_slice(&value.row).ok_or(SealBroken)?))
        }
        SealedColumn::DeviceName => {
            anew(&Device::name_place(&DeviceId::from_slice(&value.row).ok_or(SealBroken)?))
        }
        SealedColumn::VerificationNumber => {
            anew(&Verification::number_place(&VerificationId::from_slice(&value.row).ok_or(SealBroken)?))
        }
        SealedColumn::SubjectKey => anew(&SubjectKey::place(&value.row)),
        SealedColumn::SecondFactor => {
            anew(&SecondFactor::place(&AdminId::from_slice(&value.row).ok_or(SealBroken)?))
        }
    }
}
