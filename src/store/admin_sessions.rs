//! Sessions of admins: begun, read, ended.

use super::admin_attempts::forgive;
use super::admins::of_admin;
use super::error::Table;
use super::{Ending, Store, StoreError, note, read, run, transact};
use crate::model::admin::{AdminName, BROWSER_LIFETIME, Lane, Roles, SESSION_IDLE, SESSION_LIFETIME};
use crate::model::audit::{Action, Note};
use crate::model::guard::Subject;
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

/// A second factor that was right, to be spent.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The time step of a code.
    Step(i64),
    /// The digest of a recovery code.
    Recovery([u8; 32]),
}

/// A session to be begun.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Whose it is.
    pub admin: AdminId,
    /// The second factor.
    pub proof: Proof,
    /// Its public name.
    pub session: AdminSessionId,
    /// The digest of its secret.
    pub secret: HashedSecret,
    /// The session of the same browser that it takes the place of.
    pub instead_of: Option<HashedSecret>,
    /// By what the browser is known from now on.
    pub browser: HashedSecret,
    /// By what the attempt was counted.
    pub lanes: Vec<(Lane, Subject)>,
}

/// A second factor that was shown again.
#[derive(Debug, Clone)]
pub struct StepUp {
    /// Whose session it is.
    pub admin: AdminId,
    /// The second factor.
    pub proof: Proof,
    /// The digest of the session's secret.
    pub old: HashedSecret,
    /// That of the secret it goes on under.
    pub new: HashedSecret,
    /// By what the attempt was counted.
    pub lanes: Vec<(Lane, Subject)>,
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
const OF_ADMIN: &str =
    "SELECT s.session_id, s.admin_id, a.name, a.roles, s.created_at, s.seen_at, s.second_factor_at
    FROM admin_sessions AS s JOIN admins AS a ON a.admin_id = s.admin_id
    WHERE s.admin_id = $1 AND s.seen_at > $2 AND s.created_at > $3 ORDER BY s.created_at, s.session_id";
const SEE: &str = "UPDATE admin_sessions SET seen_at = $2 WHERE secret_hash = $1 AND seen_at < $2";
const SPEND_STEP: &str = "UPDATE admins SET totp_step = $2
    WHERE admin_id = $1 AND totp_step < $2 AND disabled_at IS NULL AND enrolled_at IS NOT NULL";
const SPEND_RECOVERY: &str = "UPDATE admin_recovery_codes SET used_at = $3
    WHERE admin_id = $1 AND code_hash = $2 AND used_at IS NULL
    AND EXISTS (SELECT 1 FROM admins WHERE admin_id = $1 AND disabled_at IS NULL AND enrolled_at IS NOT NULL)";
const MARK_SIGNED_IN: &str = "UPDATE admins SET signed_in_at = $2 WHERE admin_id = $1";
const BEGIN: &str = "INSERT INTO admin_sessions
    (secret_hash, session_id, admin_id, created_at, seen_at, second_factor_at) VALUES ($1, $2, $3, $4, $4, $4)";
const RENEW: &str = "UPDATE admin_sessions SET secret_hash = $2, seen_at = $3, second_factor_at = $3
    WHERE secret_hash = $1";
const END: &str = "DELETE FROM admin_sessions WHERE secret_hash = $1";
const END_ALL: &str = "DELETE FROM admin_sessions WHERE admin_id = $1";
pub(super) const KNOW_BROWSER: &str =
    "INSERT INTO admin_browsers (secret_hash, admin_id, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT (secret_hash, admin_id) DO UPDATE SET expires_at = excluded.expires_at";
const KNOWN_BROWSER: &str =
    "SELECT COUNT(*) FROM admin_browsers WHERE secret_hash = $1 AND admin_id = $2 AND expires_at > $3";

/// Spends a second factor in the transaction `$tx`: whether it was still good.
macro_rules! spend {
    ($tx:ident, $admin:expr, $proof:expr, $at:expr) => {
        match $proof {
            Proof::Step(step) => run!($tx, SPEND_STEP, $admin, step) == 1,
            Proof::Recovery(code) => run!($tx, SPEND_RECOVERY, $admin, code.as_slice(), $at) == 1,
        }
    };
}

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
        let (seen, begun) = live_since(now);
        let row: Option<Row> = read!(self, conn => {
            let live = sqlx::query_as(LIVE).bind(secret.as_bytes().as_slice());
            live.bind(seen).bind(begun).fetch_optional(conn).await?
        });
        row.map(Row::read).transpose()
    }

    /// The live sessions of an admin, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn admin_sessions(
        &self,
        admin: AdminId,
        now: Timestamp,
    ) -> Result<Vec<AdminSession>, StoreError> {
        let (seen, begun) = live_since(now);
        let rows: Vec<Row> = read!(self, conn => {
            let all = sqlx::query_as(OF_ADMIN).bind(admin.as_bytes().as_slice());
            all.bind(seen).bind(begun).fetch_all(conn).await?
        });
        rows.into_iter().map(Row::read).collect()
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

    /// Whether a browser has signed in before as this admin.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn knows_browser(
        &self,
        browser: &HashedSecret,
        admin: AdminId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let known: i64 = read!(self, conn => {
            let known = sqlx::query_scalar(KNOWN_BROWSER).bind(browser.as_bytes().as_slice());
            known.bind(admin.as_bytes().as_slice()).bind(now.as_millisecond()).fetch_one(conn).await?
        });
        Ok(known > 0)
    }

    /// Signs an admin in: spends the second factor, begins the session, and forgets what had failed before. `false`
    /// where the second factor was spent already; nothing has changed then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_in(&self, sign_in: &SignIn, now: Timestamp) -> Result<bool, StoreError> {
        let (admin, at) = (sign_in.admin.as_bytes().as_slice(), now.as_millisecond());
        Ok(transact!(self, tx => {
            if !spend!(tx, admin, &sign_in.proof, at) {
                return Ok(Ending::Rollback(false));
            }
            run!(tx, MARK_SIGNED_IN, admin, at);
            if let Some(old) = &sign_in.instead_of {
                run!(tx, END, old.as_bytes().as_slice());
            }
            run!(tx, BEGIN, sign_in.secret.as_bytes().as_slice(), sign_in.session.as_bytes().as_slice(), admin, at);
            let until = at.saturating_add(millis(BROWSER_LIFETIME));
            run!(tx, KNOW_BROWSER, sign_in.browser.as_bytes().as_slice(), admin, until);
            forgive!(tx, &sign_in.lanes, at);
            note!(self, tx, now, of_admin(Action::AdminSignedIn, sign_in.admin).change("session", None, Some(sign_in.session.to_string())));
            Ok(Ending::Commit(true))
        }))
    }

    /// Writes down that somebody failed to sign in: as this admin, or under a name that nobody has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_failed_sign_in(
        &self,
        admin: Option<AdminId>,
        reason: &'static str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let note = admin.map_or_else(
            || Note::new(Action::AdminSignInFailed),
            |admin| of_admin(Action::AdminSignInFailed, admin),
        );
        self.write_event(note.refused(reason), now).await
    }

    /// Shows a second factor again: the session goes on under another secret. `false` where the factor was spent
    /// already or the session is over; nothing has changed then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn step_up(&self, step_up: &StepUp, now: Timestamp) -> Result<bool, StoreError> {
        let (admin, at) = (step_up.admin.as_bytes().as_slice(), now.as_millisecond());
        Ok(transact!(self, tx => {
            let (old, new) = (step_up.old.as_bytes().as_slice(), step_up.new.as_bytes().as_slice());
            if !spend!(tx, admin, &step_up.proof, at) || run!(tx, RENEW, old, new, at) == 0 {
                return Ok(Ending::Rollback(false));
            }
            forgive!(tx, &step_up.lanes, at);
            note!(self, tx, now, of_admin(Action::AdminSteppedUp, step_up.admin));
            Ok(Ending::Commit(true))
        }))
    }

    /// Ends a session; `false` where it was over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_out(&self, session: &HashedSecret, now: Timestamp) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            if run!(tx, END, session.as_bytes().as_slice()) == 0 {
                return Ok(Ending::Rollback(false));
            }
            note!(self, tx, now, Note::new(Action::AdminSignedOut));
            Ok(Ending::Commit(true))
        }))
    }

    /// Ends every session of an admin: how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_admin_sessions(&self, admin: AdminId, now: Timestamp) -> Result<u64, StoreError> {
        Ok(transact!(self, tx => {
            let ended = run!(tx, END_ALL, admin.as_bytes().as_slice());
            if ended == 0 {
                return Ok(Ending::Rollback(0));
            }
            note!(self, tx, now, of_admin(Action::AdminSessionsEnded, admin).change("sessions", Some(ended.to_string()), Some("0".to_owned())));
            Ok(Ending::Commit(ended))
        }))
    }
}

/// After when a session that is live was seen, and after when it began.
fn live_since(now: Timestamp) -> (i64, i64) {
    let ago = |life| now.as_millisecond().saturating_sub(millis(life));
    (ago(SESSION_IDLE), ago(SESSION_LIFETIME))
}
