//! Countries and prefixes of which an admin has decided otherwise than the configuration.

use super::error::Table;
use super::{Ending, Store, StoreError, note, read, run, transact};
use crate::model::audit::{Action, Note};
use crate::model::policy::{Policy, PolicySubject, Verdict};
use jiff::Timestamp;

const TABLE: Table = Table("policies");
const SET: &str = "INSERT INTO policies (subject, verdict, reason, set_by, set_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (subject) DO UPDATE SET verdict = excluded.verdict,
    reason = excluded.reason, set_by = excluded.set_by, set_at = excluded.set_at, expires_at = excluded.expires_at";
const FIND: &str = "SELECT verdict FROM policies WHERE subject = $1";
const REMOVE: &str = "DELETE FROM policies WHERE subject = $1 RETURNING verdict";
const ALL: &str = "SELECT subject, verdict, reason, set_by, set_at, expires_at FROM policies
    WHERE expires_at IS NULL OR expires_at > $1 ORDER BY subject";
const FORGET: &str = "DELETE FROM policies WHERE expires_at <= $1";

type Row = (String, String, String, String, i64, Option<i64>);

fn policy((subject, verdict, reason, set_by, set_at, expires_at): Row) -> Result<Policy, StoreError> {
    Ok(Policy {
        subject: TABLE.some("subject", PolicySubject::parse(&subject))?,
        verdict: TABLE.some("verdict", Verdict::parse(&verdict))?,
        reason,
        set_by,
        set_at: TABLE.time("set_at", set_at)?,
        expires_at: TABLE.time_if("expires_at", expires_at)?,
    })
}

impl Store {
    /// Sets what is to become of a country or prefix.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_policy(&self, policy: &Policy) -> Result<(), StoreError> {
        let (subject, at) = (policy.subject.as_str(), policy.set_at);
        transact!(self, tx => {
            let before: Option<String> =
                sqlx::query_scalar(FIND).bind(subject).fetch_optional(&mut *tx).await?;
            run!(tx, SET, subject, policy.verdict.as_str(), &policy.reason, &policy.set_by, at.as_millisecond(),
                policy.expires_at.map(Timestamp::as_millisecond));
            let note = Note::new(Action::PolicySet).target(policy.subject.kind(), subject.to_owned());
            let note = note.because(policy.reason.clone()).change("verdict", before, Some(policy.verdict.as_str().to_owned()));
            note!(self, tx, at, note);
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// Takes back what was set of a country or prefix; `false`: nothing was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_policy(
        &self,
        subject: &PolicySubject,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            let before: Option<String> =
                sqlx::query_scalar(REMOVE).bind(subject.as_str()).fetch_optional(&mut *tx).await?;
            if before.is_none() {
                return Ok(Ending::Rollback(false));
            }
            let note = Note::new(Action::PolicyRemoved).target(subject.kind(), subject.as_str().to_owned());
            note!(self, tx, now, note.because(reason.to_owned()).change("verdict", before, None));
            Ok(Ending::Commit(true))
        }))
    }

    /// What is set of countries and prefixes and not over, by their names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policies(&self, now: Timestamp) -> Result<Vec<Policy>, StoreError> {
        let rows: Vec<Row> =
            read!(self, conn => sqlx::query_as(ALL).bind(now.as_millisecond()).fetch_all(conn).await?);
        rows.into_iter().map(policy).collect()
    }

    /// Forgets what is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_policies(&self, now: Timestamp) -> Result<(), StoreError> {
        transact!(self, tx => {
            run!(tx, FORGET, now.as_millisecond());
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
