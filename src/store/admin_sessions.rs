//! Sessions of admins: begun, read, ended.

use super::error::Table;
use super::{Ending, Store, StoreError, read, run, transact};
use crate::model::admin::{AdminName, Roles, SESSION_IDLE, SESSION_LIFETIME};
use crate::model::id::{AdminId, AdminSessionId};
use crate::model::secret::HashedSecret;
use crate::store::error::millis;
use jiff::Timestamp;

const TABLE: Table = Table("admin_sessions");

/// A session with whom it is of.
#[derive(Debug, Clone)]
pub struct AdminSession {
    /// Its public name.
    pub id: AdminSessionId,
    /// Whose it is.
    pub admin: AdminId,
    /// The admin's name.
    pub name: AdminName,
    /// The admin's roles, as they are now.
    pub roles: Roles,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last seen, to the minute.
    pub seen_at: Timestamp,
    /// When a second factor was last given.
    pub second_factor_at: Timestamp,
}

/// A session to be begun.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its public name.
    pub id: AdminSessionId,
    /// Whose it is.
    pub admin: AdminId,
    /// The digest of its secret.
    pub secret: HashedSecret,
    /// When it began.
    pub at: Timestamp,
    /// When the second factor was given.
    pub second_factor_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    session_id: Vec<u8>,
    admin_id: Vec<u8>,
    name: String,
    roles: String,
    created_at: i64,
    seen_at: i64,
    second_factor_at: i64,
}

impl Row {
    fn read(self) -> Result<AdminSession, StoreError> {
        Ok(AdminSession {
            id: TABLE.some("session_id", AdminSessionId::from_slice(&self.session_id))?,
            admin: TABLE.some("admin_id", AdminId::from_slice(&self.admin_id))?,
            name: Table("admins").some("name", AdminName::parse(&self.name))?,
            roles: Table("admins").some("roles", Roles::parse(&self.roles))?,
            created_at: TABLE.time("created_at", self.created_at)?,
            seen_at: TABLE.time("seen_at", self.seen_at)?,
            second_factor_at: TABLE.time("second_factor_at", self.second_factor_at)?,
        })
    }
}

/// Binds: secret, seen after, begun after.
const LIVE: &str =
    "SELECT s.session_id, s.admin_id, a.name, a.roles, s.created_at, s.seen_at, s.second_factor_at
    FROM admin_sessions AS s JOIN admins AS a ON a.admin_id = s.admin_id
    WHERE s.secret_hash = $1 AND s.seen_at > $2 AND s.created_at > $3
    AND a.disabled_at IS NULL AND a.enrolled_at IS NOT NULL";
const SEE: &str = "UPDATE admin_sessions SET seen_at = $2 WHERE secret_hash = $1 AND seen_at < $2";
pub(super) const BEGIN: &str = "INSERT INTO admin_sessions
    (secret_hash, session_id, admin_id, created_at, seen_at, second_factor_at) VALUES ($1, $2, $3, $4, $4, $5)";

impl Store {
    /// The session of a secret, if it is live and its admin may still work.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn admin_session(
        &self,
        secret: &HashedSecret,
        now: Timestamp,
    ) -> Result<Option<AdminSession>, StoreError> {
        let now = now.as_millisecond();
        let row: Option<Row> = read!(self, conn => {
            sqlx::query_as(LIVE)
                .bind(secret.as_bytes().as_slice())
                .bind(now.saturating_sub(millis(SESSION_IDLE)))
                .bind(now.saturating_sub(millis(SESSION_LIFETIME)))
                .fetch_optional(conn)
                .await?
        });
        row.map(Row::read).transpose()
    }

    /// Writes that a session was seen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn see_admin_session(&self, secret: &HashedSecret, now: Timestamp) -> Result<(), StoreError> {
        transact!(self, tx => {
            run!(tx, SEE, secret.as_bytes().as_slice(), now.as_millisecond());
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// Begins a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_admin_session(&self, session: &NewSession) -> Result<(), StoreError> {
        transact!(self, tx => {
            run!(
                tx,
                BEGIN,
                session.secret.as_bytes().as_slice(),
                session.id.as_bytes().as_slice(),
                session.admin.as_bytes().as_slice(),
                session.at.as_millisecond(),
                session.second_factor_at.as_millisecond(),
            );
            Ok(Ending::Commit(()))
        });
        Ok(())
    }
}
