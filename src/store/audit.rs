//! Events of the audit log: written in the transaction of the change that they speak of, then put in order.
//!
//! `note!` writes one, if the store has been given a pen; [`Origin`] says who asks. A sequencer takes what is pending
//! into the log (`sequencing`), where it stays as it is: the role that serves can neither alter nor take away a row.

mod anchors;
mod log;
mod mixed;
mod origin;
mod sequencing;
mod subjects;

pub use anchors::Anchored;
pub use log::{LogFilter, LogPage, LoggedEntry, SearchedBy};
pub use origin::Origin;
pub use sequencing::{Appended, Head, LogRow, PendingEvent};
pub(in crate::store) use subjects::DESTROY_NAMED;
pub use subjects::KeptSubject;

use super::{Ending, Store, StoreError, transact};
use crate::model::audit::{Actor, Note, Owner, Pen, Subject, SubjectKey, Who, Written};
use jiff::Timestamp;

/// Binds: owner, a fresh subject with its key, time. Whoever has one keeps it.
pub(super) const SUBJECT: &str = "INSERT INTO audit_subjects (owner, subject, key_sealed, seen_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT (owner) DO UPDATE SET seen_at = excluded.seen_at
    RETURNING subject, key_sealed";
pub(super) const ADD: &str = "INSERT INTO audit_pending (event_id, at, entry, mac) VALUES ($1, $2, $3, $4)";

/// An event about to be written.
pub(super) struct Draft<'a> {
    pen: &'a Pen,
    note: Note,
    who: Who,
    at: Timestamp,
}

impl<'a> Draft<'a> {
    /// The draft of a note; `None` where the store has no pen.
    pub(super) fn of(store: &'a Store, mut note: Note, at: Timestamp) -> Option<Self> {
        let pen = store.pen.get()?;
        let who = Origin::who();
        if let (None, Actor::Admin(id)) = (&note.owner, &who.actor) {
            note.owner = uuid::Uuid::try_parse(id).ok().map(|id| Owner::Admin(id.into_bytes()));
        }
        Some(Self { pen, note, who, at })
    }

    /// Whom it is about, and a subject for whoever has none yet.
    pub(super) fn owner(&self) -> Result<Option<KeptSubject>, StoreError> {
        let Some(owner) = &self.note.owner else { return Ok(None) };
        let (subject, key_sealed) = self.pen.draw_subject(owner).map_err(|_| broken())?;
        Ok(Some(KeptSubject { subject, owner: owner.as_bytes().to_vec(), key_sealed }))
    }

    /// The event as it is stored.
    pub(super) fn write(&self, subject: Option<(Subject, SubjectKey)>) -> Result<Written, StoreError> {
        self.pen.write(&self.note, &self.who, subject, self.at).map_err(|_| broken())
    }

    /// A subject with its key, as the database has them.
    pub(super) fn subject(
        &self,
        owner: &[u8],
        subject: &[u8],
        key: &[u8],
    ) -> Result<(Subject, SubjectKey), StoreError> {
        let key = self.pen.subject_key(owner, key).map_err(|_| broken())?;
        Ok((Subject(subject.try_into().map_err(|_| broken())?), key))
    }

    pub(super) fn at(&self) -> i64 {
        self.at.as_millisecond()
    }
}

fn broken() -> StoreError {
    StoreError::unreadable("audit_subjects", "key_sealed")
}

/// Writes the event of a change in the transaction `$tx` of the change.
macro_rules! note {
    ($store:expr, $tx:ident, $at:expr, $note:expr) => {
        if let Some(draft) = $crate::store::audit::Draft::of(&$store, $note, $at) {
            let mut about = None;
            if let Some($crate::store::audit::KeptSubject { owner, subject, key_sealed }) = draft.owner()? {
                let kept: (Vec<u8>, Vec<u8>) = sqlx::query_as($crate::store::audit::SUBJECT)
                    .bind(&owner)
                    .bind(subject.0.as_slice())
                    .bind(&key_sealed)
                    .bind(draft.at())
                    .fetch_one(&mut *$tx)
                    .await?;
                about = Some(draft.subject(&owner, &kept.0, &kept.1)?);
            }
            let event = draft.write(about)?;
            sqlx::query($crate::store::audit::ADD)
                .bind(event.id.as_slice())
                .bind(draft.at())
                .bind(&event.entry)
                .bind(&event.mac)
                .execute(&mut *$tx)
                .await?;
        }
    };
}
pub(super) use note;

impl Store {
    /// Writes an event of something that changes nothing: a refusal, or that something was shown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_event(&self, event: Note, now: Timestamp) -> Result<(), StoreError> {
        if self.pen.get().is_none() {
            return Ok(());
        }
        transact!(self, tx => {
            note!(self, tx, now, event.clone());
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// From now on every effect of this store and its clones is written to the audit log with this pen; the first that
    /// is given stays.
    pub fn write_with(&self, pen: Pen) {
        let _given = self.pen.set(pen);
    }
}
