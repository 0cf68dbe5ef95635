//! What admins see of the service and do to people: attempts, sums, policies, reveals, locks, erasure, export.

mod erasing;
mod export;
mod guard;
mod health;
mod people;
mod reading;
mod sums;

pub use export::{ExportedAttempt, ExportedDevice, ExportedEvent, ExportedLock, PersonExport};
pub use guard::GuardState;
pub use health::{GatewayHealth, GatewayWatch};
pub use people::{FoundAccount, LookRefused, with_reason, without_number};
pub use sums::{Sum, by};

use crate::devices::Devices;
use crate::model::audit::{Action, Note};
use crate::model::guard::{GuardPolicy, Subject};
use crate::model::keys::Keys;
use crate::model::number::PhoneNumber;
use crate::model::policy::{BLOCK_DIGITS, Policy, PolicySubject};
use crate::model::source::Source;
use crate::registration::Accounts;
use crate::store::{Attempt, AttemptFilter, AttemptStep, SendingPause, Store};
use crate::verification::{Decided, Failure};
use jiff::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What subjects of the console's filters are derived for.
const BLOCK: &str = "console_block";
const SOURCE: &str = "console_source";
/// Digits that the wider of the guard's blocks leaves out.
const RANGE_DIGITS: usize = 6;
/// How long sums of minutes are kept.
const MINUTES_KEPT: Duration = Duration::from_hours(48);
const BATCH: i64 = 1_000;

/// The use cases of the console; clones share them.
#[derive(Debug, Clone)]
pub struct Oversight {
    store: Store,
    keys: Arc<Keys>,
    accounts: Accounts,
    devices: Devices,
    decided: Decided,
    watch: Arc<GatewayWatch>,
    guard: GuardPolicy,
    code_lifetime: Duration,
    reveals_per_hour: u32,
    searches_per_hour: u32,
}

/// How much an admin is shown, and how long codes live.
#[derive(Debug, Clone, Copy)]
pub struct OversightPolicy {
    /// The guard's buckets.
    pub guard: GuardPolicy,
    /// After this a pending attempt is expired.
    pub code_lifetime: Duration,
    /// Whole numbers that an admin may be shown in an hour.
    pub reveals_per_hour: u32,
    /// Whole numbers that an admin or a machine may search for in an hour.
    pub searches_per_hour: u32,
}

impl Oversight {
    /// The use cases over this store.
    #[must_use]
    pub fn new(
        (store, keys): (Store, Arc<Keys>),
        (accounts, devices): (Accounts, Devices),
        (decided, watch): (Decided, GatewayWatch),
        policy: OversightPolicy,
    ) -> Self {
        Self {
            store,
            keys,
            accounts,
            devices,
            decided,
            watch: Arc::new(watch),
            guard: policy.guard,
            code_lifetime: policy.code_lifetime,
            reveals_per_hour: policy.reveals_per_hour,
            searches_per_hour: policy.searches_per_hour,
        }
    }

    /// When an attempt that was started must have been approved to be so at all.
    #[must_use]
    pub fn expires(&self, attempt: &Attempt) -> Timestamp {
        attempt.started_at + self.code_lifetime
    }

    /// How far an attempt got, as it is shown: what is pending too long has expired.
    #[must_use]
    pub fn status<'a>(&self, attempt: &'a Attempt, now: Timestamp) -> &'a str {
        if attempt.status == "pending" && self.expires(attempt) <= now { "expired" } else { &attempt.status }
    }

    /// Narrows a filter to a prefix: the number less four digits, or less six; nothing deeper is kept.
    pub fn narrow(&self, filter: &mut AttemptFilter, prefix: &str) {
        filter.block = Some(self.block(prefix).as_bytes().to_vec());
    }

    /// Narrows a filter to the range that an address lies in: an IPv4 /24, or an IPv6 /56.
    pub fn narrow_to_range(&self, filter: &mut AttemptFilter, address: IpAddr) {
        filter.source = self.source(&Source::of(address)).map(|subject| subject.to_vec());
    }

    /// Narrows a filter to a status as it is shown.
    pub fn narrow_to_status(&self, filter: &mut AttemptFilter, status: &str, now: Timestamp) {
        let expired = (now - self.code_lifetime).as_millisecond();
        match status {
            "pending" => filter.from = filter.from.max(expired + 1),
            "expired" => filter.before.started_at = filter.before.started_at.min(expired),
            _ => {}
        }
        let kept = if status == "expired" { "pending" } else { status };
        filter.status = Some(kept.to_owned());
    }

    /// A page of attempts, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempts(&self, filter: &AttemptFilter, limit: i64) -> Result<Vec<Attempt>, Failure> {
        Ok(self.store.find_attempts(filter, limit).await?)
    }

    /// Writes down that attempts are taken out as a table, and by which filters: not whose, where they name somebody.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn taken_out(&self, filters: &[(&'static str, &str)], now: Timestamp) -> Result<(), Failure> {
        let personal = |name: &str| ["account", "prefix", "address"].contains(&name);
        let told = |(name, value): &(&'static str, &str)| {
            (*name, if personal(name) { "given".to_owned() } else { (*value).to_owned() })
        };
        let note =
            filters.iter().map(told).fold(Note::new(Action::VerificationsExported), |note, (name, value)| {
                note.change(name, None, Some(value))
            });
        Ok(self.store.note_look(note, now).await?)
    }

    /// An attempt with what happened to it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempt(&self, id: &[u8; 16]) -> Result<Option<(Attempt, Vec<AttemptStep>)>, Failure> {
        let Some(attempt) = self.store.attempt(id).await? else { return Ok(None) };
        Ok(Some((attempt, self.store.attempt_steps(id).await?)))
    }

    /// What admins have decided of countries and prefixes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policies(&self, now: Timestamp) -> Result<Vec<Policy>, Failure> {
        Ok(self.store.policies(now).await?)
    }

    /// Decides of a country or prefix: on this node at once, on others within a second.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_policy(&self, policy: &Policy) -> Result<(), Failure> {
        self.store.set_policy(policy).await?;
        self.decided.reload(&self.store, policy.set_at).await
    }

    /// Takes back what was decided; `false`: nothing was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_policy(
        &self,
        subject: &PolicySubject,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let removed = self.store.remove_policy(subject, reason, now).await?;
        self.decided.reload(&self.store, now).await?;
        Ok(removed)
    }

    /// Reads anew what other nodes have decided.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reload(&self, now: Timestamp) -> Result<(), Failure> {
        self.decided.reload(&self.store, now).await
    }

    /// Forgets attempts older than `kept`, sums and policies that are over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_old(&self, kept: Duration, now: Timestamp) -> Result<(), Failure> {
        self.store.forget_minutes(now - MINUTES_KEPT).await?;
        self.store.forget_policies(now).await?;
        self.store.forget_reveals(now).await?;
        while self.store.forget_attempts(now - kept, BATCH).await? > 0 {}
        Ok(())
    }

    fn block(&self, prefix: &str) -> Subject {
        Subject::derive(self.keys.subjects(), BLOCK, prefix)
    }

    fn blocks(&self, number: &PhoneNumber) -> [[u8; 16]; 2] {
        [BLOCK_DIGITS, RANGE_DIGITS].map(|digits| *self.block(number.less_digits(digits)).as_bytes())
    }
}

impl Oversight {
    /// Why and since when nothing is sent, if sending is stopped.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sending_pause(&self) -> Result<Option<SendingPause>, Failure> {
        Ok(self.store.sending_pause().await?)
    }

    /// Stops all sending.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pause_sending(&self, pause: &SendingPause) -> Result<(), Failure> {
        Ok(self.store.pause_sending(pause).await?)
    }

    /// Lets codes be sent again; `false` if they were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resume_sending(&self, now: Timestamp) -> Result<bool, Failure> {
        Ok(self.store.resume_sending(now).await?)
    }
}
