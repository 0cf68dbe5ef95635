//! Verifying the log in the database.

use super::{Damage, Verification, Verified};
use crate::audit::{AuditLog, row};
use crate::model::audit::{Entry, TileRoot, leaf_hash};
use crate::store::{LoggedEntry, PendingEvent, SearchedBy};
use crate::verification::Failure;

const PAGE: i64 = 1_000;

impl Verification {
    /// Verifies the log of a database: every entry against its hash and what it is searched by, every checkpoint and
    /// tile against the entries.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_database(mut self, log: &AuditLog) -> Result<Verified, Failure> {
        // What is signed while this reads is not looked at: its entries may have been read too early.
        let signed = log.checkpoint().await?.map_or(0, |head| head.edge.size());
        let (mut from, mut checkpointed) = (0, 0);
        loop {
            let entries = log.store().audit_entries((from, u64::MAX), PAGE).await?;
            let columns = log.store().audit_search_columns(from, PAGE).await?;
            let Some(last) = entries.last() else { break };
            from = last.idx + 1;
            self.checkpoints_until(log, &mut checkpointed, from).await?;
            for (entry, columns) in entries.iter().zip(&columns) {
                for full in self.logged(entry, columns) {
                    self.kept_tile(log, full).await?;
                }
            }
        }
        self.checkpoints_until(log, &mut checkpointed, signed.max(from)).await?;
        Ok(self.end())
    }

    fn logged(&mut self, logged: &LoggedEntry, columns: &SearchedBy) -> Vec<TileRoot> {
        let leaf = leaf_hash(logged.entry.as_bytes());
        if leaf != logged.leaf {
            self.found.add(Damage::Altered(logged.idx));
        }
        if !says(logged, columns) {
            self.found.add(Damage::Mislabelled(logged.idx));
        }
        self.leaf(logged.idx, leaf)
    }

    /// Reads the checkpoints that the database keeps of logs up to a size.
    async fn checkpoints_until(&mut self, log: &AuditLog, after: &mut u64, size: u64) -> Result<(), Failure> {
        while *after < size {
            let kept = log.store().audit_checkpoints(*after, PAGE).await?;
            let Some((last, _)) = kept.last() else { return Ok(()) };
            let (last, reached) = (*last, kept.iter().any(|(kept, _)| *kept >= size));
            for (kept, note) in kept.iter().filter(|(kept, _)| *kept <= size) {
                self.checkpoint(*kept, note);
            }
            *after = last.min(size);
            if reached {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn kept_tile(&mut self, log: &AuditLog, full: TileRoot) -> Result<(), Failure> {
        let kept = log.store().audit_tile_roots(full.level, full.tile, full.tile + 1).await?;
        self.tile(full, kept.first().copied());
        Ok(())
    }
}

/// Whether an entry is searched by what it says.
fn says(logged: &LoggedEntry, columns: &SearchedBy) -> bool {
    let Some(entry) = Entry::parse(&logged.entry) else { return false };
    let Some(event) = entry.parties().map(|parties| parties.event) else { return false };
    let at = entry.time.as_millisecond();
    let pending = PendingEvent {
        pending_id: 0,
        id: event.to_vec(),
        entry: String::new(),
        mac: Vec::new(),
        logged: false,
    };
    let row = row(logged.idx, pending, logged.leaf, entry);
    let expected = SearchedBy {
        idx: row.idx,
        at,
        area: row.area,
        action: row.action,
        outcome: row.outcome.to_owned(),
        actor: row.actor,
        subject: row.subject,
        country: row.country,
    };
    logged.id == event && expected == *columns
}
