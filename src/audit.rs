//! The audit log: put in order, signed, proven, verified, exported.
//!
//! The node that holds the lead takes what is pending into the log every half second ([`AuditLog::sequence`]): an entry
//! that no node has written is refused, and each batch ends with a signed checkpoint. Whoever has the public key can
//! verify ([`Verification`]) the whole log, a part of it with its proofs, or that one checkpoint extends another.
//! Without a checkpoint that was kept elsewhere that only shows what somebody without the key has altered: so
//! checkpoints go out of the house ([`Anchors`]).

mod anchors;
mod export;
mod proofs;
mod reading;
mod schema;
mod tiles;
mod verify;

pub use anchors::Anchors;
pub(crate) use export::{CSV, cell};
pub use export::{ExportFormat, ExportHeader, ExportTrailer, ExportedEntry, Exporter};
pub use proofs::{Proof, ProofRefused, Prover, extends};
pub use schema::schema;
pub use tiles::TilePath;
pub use verify::{Damage, Verification, Verified};

use crate::model::audit::{
    Action, Checkpoint, Entry, Frontier, Hash, LogKey, LogSigner, Note, Pen, leaf_hash,
};
use crate::model::keys::Keys;
use crate::store::{Appended, Head, LogFilter, LogRow, PendingEvent, Store, StoreError};
use crate::verification::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// How many entries become one batch at most.
const BATCH: i64 = 2_000;
/// How soon it is looked again whether another node is done.
const TURN: Duration = Duration::from_millis(20);

/// The use cases of the audit log; clones share it.
#[derive(Debug, Clone)]
pub struct AuditLog {
    store: Store,
    keys: Arc<Keys>,
    pen: Pen,
    /// The name of a log that has no checkpoint yet.
    origin: Arc<str>,
    /// The head that this node has seen last: a log that has become shorter since is not ours.
    seen: Arc<Mutex<Option<(u64, Hash)>>>,
}

impl AuditLog {
    /// The log of this database; `origin` is its name if it has none yet.
    #[must_use]
    pub fn new(store: Store, keys: Arc<Keys>, origin: &str) -> Self {
        let pen = Pen::new(&keys, "");
        Self { store, keys, pen, origin: origin.into(), seen: Arc::default() }
    }

    /// The database.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Takes everything that is pending into the log: how much. `None` while another node is at it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sequence(&self, now: Timestamp) -> Result<Option<usize>, Failure> {
        let mut taken = 0;
        loop {
            let added = Mutex::new(None);
            let append = |head, pending| {
                let appended = self.append(head, pending, now)?;
                *lock(&added) = Some(size_and_root(&appended.head));
                Ok(appended)
            };
            let Some(batch) = self.store.append_to_audit_log(BATCH, append).await? else { return Ok(None) };
            if let Some(head) = *lock(&added) {
                *lock(&self.seen) = Some(head);
            }
            taken += batch;
            metrics::counter!("tuttu_audit_entries_total").increment(batch as u64);
            if i64::try_from(batch).is_ok_and(|batch| batch < BATCH) {
                return Ok(Some(taken));
            }
        }
    }

    /// Takes everything that is pending into the log, or waits until the node that is at it has done so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle(&self, now: Timestamp) -> Result<(), Failure> {
        while self.sequence(now).await?.is_none() {
            sleep(TURN).await;
        }
        Ok(())
    }

    /// What a batch adds to the log.
    fn append(
        &self,
        head: Option<Head>,
        pending: Vec<PendingEvent>,
        now: Timestamp,
    ) -> Result<Appended, StoreError> {
        self.goes_on(head.as_ref())?;
        let origin = head.as_ref().map(|head| self.trusted(head)).transpose()?;
        let mut edge = head.map_or_else(Frontier::default, |head| head.edge);
        let (mut rows, mut refused, mut tiles) = (Vec::new(), Vec::new(), Vec::new());
        let mut named = HashSet::new();
        for event in pending {
            // A row that was copied would be refused by the log for ever, and all behind it with it.
            let fresh = !event.logged && named.insert(event.id.clone());
            let known = fresh && self.pen.wrote(&event.id, &event.entry, &event.mac);
            let Some(entry) = Entry::parse(&event.entry).filter(|_| known) else {
                metrics::counter!("tuttu_audit_refused_total").increment(1);
                tracing::error!(
                    "a row of audit_pending was written by no node, or copied: it is kept in audit_refused"
                );
                refused.push(event);
                continue;
            };
            let leaf = leaf_hash(event.entry.as_bytes());
            let idx = edge.size();
            tiles.extend(edge.push(leaf));
            rows.push(row(idx, event, leaf, entry));
        }
        let signer = self.signer(origin.as_deref())?;
        let note = signer.sign(edge.size(), edge.root()).map_err(|_| unsigned())?;
        Ok(Appended { rows, refused, tiles, head: Head { note, edge, signed_at: now } })
    }

    /// Whether the log goes on from the head that this node has seen last. Nothing is added to one that was cut, emptied
    /// or written anew meanwhile: that would sign a past that never was. A restart after a restore sees the log as new.
    fn goes_on(&self, head: Option<&Head>) -> Result<(), StoreError> {
        let (seen, now) = (*lock(&self.seen), head.map(size_and_root));
        let sound = match (seen, now) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((size, root)), Some((now, now_root))) => size < now || (size == now && root == now_root),
        };
        if !sound {
            metrics::counter!("tuttu_audit_rolled_back_total").increment(1);
            tracing::error!(
                "the audit log is not the one that this node has seen: somebody has cut it or written it anew. Nothing \
                 is added to it; restore it, or start the node again if you did that"
            );
            return Err(unsigned());
        }
        Ok(())
    }

    /// The name of the log whose head this is. Nothing is added to a head that is not signed with one of our keys, or
    /// whose edge is of another tree: that would lend our signature to what somebody has made of the log.
    fn trusted(&self, head: &Head) -> Result<String, StoreError> {
        let origin = head.note.lines().next().unwrap_or_default();
        let opened = Checkpoint::open(&head.note, &self.keys_of(origin)).map_err(|cause| {
            tracing::error!(%cause, "the newest checkpoint of the audit log is not ours: nothing is added to it");
            unsigned()
        })?;
        let fits = opened.size == head.edge.size() && opened.root == head.edge.root();
        if fits { Ok(opened.origin) } else { Err(unsigned()) }
    }

    fn keys_of(&self, origin: &str) -> Vec<LogKey> {
        let ring = self.keys.audit();
        let keys = std::iter::once(ring.in_use()).chain(ring.others());
        let public = keys.filter_map(|key| LogSigner::new(origin, &key)).map(|signer| signer.public());
        public.filter_map(|text| LogKey::parse(&text)).collect()
    }

    fn signer(&self, origin: Option<&str>) -> Result<LogSigner, StoreError> {
        LogSigner::new(origin.unwrap_or(&self.origin), &self.keys.audit().in_use()).ok_or_else(unsigned)
    }

    /// The public keys of the log, the one in use first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn public_keys(&self) -> Result<Vec<LogKey>, Failure> {
        let head = self.store.audit_head().await?;
        Ok(self.keys_of(head.as_ref().and_then(|head| head.note.lines().next()).unwrap_or(&self.origin)))
    }

    /// The newest signed checkpoint; `None` while the log is empty.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(&self) -> Result<Option<Head>, Failure> {
        Ok(self.store.audit_head().await?)
    }

    /// Writes down that entries were exported, and which.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn exported(
        &self,
        filter: &LogFilter,
        format: ExportFormat,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let mut note =
            Note::new(Action::AuditExported).change("format", None, Some(format.as_str().to_owned()));
        for (field, value) in [
            ("action", filter.action.clone().or_else(|| filter.area.clone())),
            ("outcome", filter.outcome.clone()),
            ("actor", filter.actor.clone()),
            ("subject", filter.subject.as_ref().map(|subject| URL_SAFE_NO_PAD.encode(subject))),
            ("country", filter.country.clone()),
            ("from", filter.from.map(|time| time.to_string())),
            ("until", filter.until.map(|time| time.to_string())),
        ] {
            note = if value.is_some() { note.change(field, None, value) } else { note };
        }
        Ok(self.store.write_event(note, now).await?)
    }

    /// Destroys the keys of numbers without an account that were not spoken of since a time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_subjects(&self, seen: Timestamp) -> Result<(), Failure> {
        while self.store.forget_audit_subjects(seen, BATCH).await? > 0 {}
        Ok(())
    }

    /// Tells the metrics how the log fares.
    ///
    /// # Errors
    /// When the database fails.
    #[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
    pub async fn report(&self, now: Timestamp) -> Result<(), Failure> {
        let (waiting, oldest) = self.store.audit_waiting().await?;
        let age = |since: Timestamp| now.duration_since(since).as_secs_f64().max(0.0);
        metrics::gauge!("tuttu_audit_pending").set(waiting as f64);
        metrics::gauge!("tuttu_audit_oldest_pending_seconds").set(oldest.map_or(0.0, age));
        if let Some(head) = self.store.audit_head().await? {
            metrics::gauge!("tuttu_audit_size").set(head.edge.size() as f64);
            metrics::gauge!("tuttu_audit_checkpoint_age_seconds").set(age(head.signed_at));
        }
        Ok(())
    }
}

fn row(idx: u64, event: PendingEvent, leaf: Hash, entry: Entry) -> LogRow {
    let subject = entry.parties().and_then(|parties| parties.subject).map(|subject| subject.0.to_vec());
    let actor = match &entry.actor.id {
        Some(id) => format!("{}:{id}", entry.actor.kind),
        None => entry.actor.kind,
    };
    LogRow {
        idx,
        at: entry.time.as_millisecond(),
        leaf,
        area: entry.action.split('.').next().unwrap_or_default().to_owned(),
        action: entry.action,
        outcome: entry.outcome.as_str(),
        actor,
        subject,
        country: entry.context.country,
        event,
    }
}

fn size_and_root(head: &Head) -> (u64, Hash) {
    (head.edge.size(), head.edge.root())
}

/// Two numbers are whole even if a thread that held them panicked.
fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unsigned() -> StoreError {
    StoreError::unreadable("audit_checkpoints", "note")
}
