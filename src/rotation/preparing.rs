//! Everybody's row in a new epoch: read in the order of accounts, written in the order of handles.
//!
//! Handles are random, so rows written as they are read would touch a page of the table each. They are collected
//! into runs, and each run is sorted first: then a page is written once in a run.

use super::{BREATH, LEASE, Rotation};
use crate::model::account::Account;
use crate::model::epoch::Epoch;
use crate::model::handle::Handle;
use crate::model::id::AccountId;
use crate::model::keys::Keys;
use crate::model::sealed::{SealBroken, open};
use crate::store::{DiscoverableAccount, EpochLease, EpochProgress, NewRow, Relisting};
use crate::verification::Failure;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Rows of a run: 160 MB. The more there are, the fewer times a page of the table is written.
const RUN: usize = 4_000_000;
/// Accounts that are read at once.
const PAGE: i64 = 4_000;
/// Rows of one transaction.
const CHUNK: usize = 4_000;
/// How often others hear how far it is.
const REPORT: Duration = Duration::from_secs(1);

/// A node that prepares an epoch.
pub(super) struct Preparation<'a> {
    rotation: &'a Rotation,
    epoch: Arc<Epoch>,
    lease: EpochLease,
    progress: EpochProgress,
    report_at: Timestamp,
    stop: &'a CancellationToken,
}

/// Rows in the order of handles, and the last account that they were made from.
struct Run {
    relisting: Relisting,
    rows: Vec<NewRow>,
    accounts: u64,
    to: Option<AccountId>,
}

impl<'a> Preparation<'a> {
    /// Goes on where the last who held the lease stopped.
    pub(super) async fn resume(
        rotation: &'a Rotation,
        epoch: &Epoch,
        lease: EpochLease,
        stop: &'a CancellationToken,
    ) -> Result<Self, Failure> {
        let mut progress = rotation.store.epoch_progress(epoch.id).await?.unwrap_or_default();
        progress.done = progress.passed;
        if progress.accounts.is_none() {
            progress.accounts = Some(rotation.store.count_discoverable().await?);
        }
        let epoch = Arc::new(epoch.clone());
        Ok(Self { rotation, epoch, lease, progress, report_at: Timestamp::MIN, stop })
    }

    /// Writes every row; `false` if it was stopped or somebody else has taken over.
    pub(super) async fn run(mut self) -> Result<bool, Failure> {
        let EpochProgress { accounts, passed, .. } = self.progress;
        tracing::info!(epoch = self.epoch.id, accounts, passed, "an epoch is being prepared");
        loop {
            let Some(run) = self.collect().await? else { return Ok(false) };
            if run.accounts == 0 {
                break;
            }
            if !self.write(run).await? {
                return Ok(false);
            }
        }
        self.progress.accounts = Some(self.progress.done);
        self.report().await
    }

    /// The next run; `None` if it was stopped.
    async fn collect(&mut self) -> Result<Option<Run>, Failure> {
        let relisting = self.rotation.store.begin_relisting(self.epoch.id).await?;
        let mut run = Run { relisting, rows: Vec::new(), accounts: 0, to: self.progress.passed_to };
        while run.rows.len() < RUN {
            if !self.goes_on().await? {
                return Ok(None);
            }
            let page = self.rotation.store.discoverable_accounts(run.to, PAGE).await?;
            let Some(last) = page.last() else { break };
            run.to = Some(last.id);
            run.accounts += u64::try_from(page.len()).unwrap_or(0);
            let (keys, epoch) = (self.rotation.keys.clone(), self.epoch.clone());
            let rows = spawn_blocking(move || {
                page.iter().filter_map(|account| row(&keys, &epoch, account)).collect::<Vec<_>>()
            });
            run.rows.extend(rows.await.map_err(|_| Failure::CutOff)?);
        }
        let sorted = spawn_blocking(move || {
            run.rows.sort_unstable_by_key(|row| row.handle);
            run
        });
        Ok(Some(sorted.await.map_err(|_| Failure::CutOff)?))
    }

    /// Writes a run, or leaves the rest of it to the next one; `false` if it was stopped.
    async fn write(&mut self, mut run: Run) -> Result<bool, Failure> {
        for chunk in run.rows.chunks(CHUNK) {
            if !self.goes_on().await? {
                return Ok(false);
            }
            if self.rotation.store.add_epoch_rows(&mut run.relisting, chunk).await?.is_none() {
                tracing::warn!(
                    epoch = self.epoch.id,
                    "accounts are read again: the feed has forgotten what changed since"
                );
                self.progress.done = self.progress.passed;
                return Ok(true);
            }
            self.progress.done += u64::try_from(chunk.len()).unwrap_or(0);
            sleep(BREATH).await;
        }
        self.progress.passed += run.accounts;
        self.progress.done = self.progress.passed;
        self.progress.passed_to = run.to;
        self.report().await
    }

    async fn goes_on(&mut self) -> Result<bool, Failure> {
        if self.stop.is_cancelled() {
            return Ok(false);
        }
        if self.rotation.clock.now() < self.report_at { Ok(true) } else { self.report().await }
    }

    /// Says how far it is and holds the lease longer; `false` if it is lost.
    #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
    async fn report(&mut self) -> Result<bool, Failure> {
        let now = self.rotation.clock.now();
        self.report_at = now + REPORT;
        self.lease.until = now + LEASE;
        metrics::gauge!("tuttu_epoch_rows_prepared").set(self.progress.done as f64);
        metrics::gauge!("tuttu_epoch_rows_to_prepare").set(self.progress.accounts.unwrap_or(0) as f64);
        Ok(self.rotation.store.keep_epoch_work(&self.lease, &self.progress).await?)
    }
}

/// The row of an account. One whose number does not open is left out: it must not stop everybody else's.
fn row(keys: &Keys, epoch: &Epoch, account: &DiscoverableAccount) -> Option<NewRow> {
    let place = Account::number_place(&account.id);
    let opened = open(keys.number(), &place, &account.number_sealed).map_err(Failure::from);
    let derived = opened.and_then(|plain| {
        let number = std::str::from_utf8(&plain).map_err(|_| SealBroken)?;
        Ok(Handle::derive_stored(&epoch.pepper, number)?)
    });
    let derived = derived.inspect_err(|cause| {
        metrics::counter!("tuttu_epoch_rows_skipped_total").increment(1);
        tracing::error!(account = %account.id, %cause, "a new epoch goes without an account");
    });
    let key = keys.directory(epoch.id);
    let handle = key.store_handle(derived.ok()?);
    let tag = key.tag(epoch.id, handle, account.id);
    Some(NewRow { handle, account: account.id, tag })
}
