//! Admins: made, enrolled, found.

use super::admin_attempts::forgive;
use super::admin_recovery::{ADD_RECOVERY, FORGET_RECOVERY};
use super::admin_sessions::KNOW_BROWSER;
use super::error::Table;
use super::{Ending, Store, StoreError, note, read, run, transact};
use crate::model::admin::{AdminName, BROWSER_LIFETIME, HashedPassword, Lane, Roles};
use crate::model::audit::{Action, Note, Owner};
use crate::model::guard::Subject;
use crate::model::id::AdminId;
use crate::model::secret::HashedSecret;
use crate::store::error::millis;
use jiff::Timestamp;

const TABLE: Table = Table("admins");

/// An admin, as the team sees them.
#[derive(Debug, Clone)]
pub struct Admin {
    /// The admin.
    pub id: AdminId,
    /// What they sign in with.
    pub name: AdminName,
    /// What they are there for.
    pub roles: Roles,
    /// When they were invited.
    pub created_at: Timestamp,
    /// When they set their password and second factor.
    pub enrolled_at: Option<Timestamp>,
    /// Since when they may do nothing.
    pub disabled_at: Option<Timestamp>,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
    /// Until when they may take up an invitation.
    pub invited_until: Option<Timestamp>,
}

/// What it takes to sign an admin in.
#[derive(Debug, Clone)]
pub struct AdminAuth {
    /// The admin.
    pub id: AdminId,
    /// The password, if one is set.
    pub password: Option<HashedPassword>,
    /// The sealed secret of the second factor, if one is set.
    pub totp_sealed: Option<Vec<u8>>,
    /// Whether they may do nothing.
    pub disabled: bool,
}

/// An admin to be made.
#[derive(Debug, Clone)]
pub struct NewAdmin {
    /// The admin.
    pub id: AdminId,
    /// What they will sign in with.
    pub name: AdminName,
    /// What they will be there for.
    pub roles: Roles,
    /// Whether they are made on the host, not by another admin.
    pub on_host: bool,
}

/// The one secret with which an admin sets a password and a second factor.
#[derive(Debug, Clone, Copy)]
pub struct Invitation {
    /// Its digest.
    pub secret: HashedSecret,
    /// Until when it may be taken up.
    pub expires_at: Timestamp,
}

/// What an admin sets with an invitation.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The password.
    pub password: HashedPassword,
    /// The sealed secret of the second factor.
    pub totp_sealed: Vec<u8>,
    /// The time step whose code was shown.
    pub totp_step: i64,
    /// The digests of the recovery codes.
    pub recovery: Vec<[u8; 32]>,
    /// By what the browser is known from now on.
    pub browser: HashedSecret,
}

#[derive(sqlx::FromRow)]
struct Row {
    admin_id: Vec<u8>,
    name: String,
    roles: String,
    created_at: i64,
    enrolled_at: Option<i64>,
    disabled_at: Option<i64>,
    signed_in_at: Option<i64>,
    expires_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Admin, StoreError> {
        Ok(Admin {
            id: TABLE.some("admin_id", AdminId::from_slice(&self.admin_id))?,
            name: TABLE.some("name", AdminName::parse(&self.name))?,
            roles: TABLE.some("roles", Roles::parse(&self.roles))?,
            created_at: TABLE.time("created_at", self.created_at)?,
            enrolled_at: TABLE.time_if("enrolled_at", self.enrolled_at)?,
            disabled_at: TABLE.time_if("disabled_at", self.disabled_at)?,
            signed_in_at: TABLE.time_if("signed_in_at", self.signed_in_at)?,
            invited_until: Table("admin_invitations").time_if("expires_at", self.expires_at)?,
        })
    }
}

/// Admin, password, second factor, since when disabled.
type AuthRow = (Vec<u8>, Option<String>, Option<Vec<u8>>, Option<i64>);

const LIST: &str = "SELECT a.admin_id, a.name, a.roles, a.created_at, a.enrolled_at, a.disabled_at, a.signed_in_at,
    i.expires_at FROM admins AS a LEFT JOIN admin_invitations AS i ON i.admin_id = a.admin_id ORDER BY a.name";
const AUTH: &str = "SELECT admin_id, password_hash, totp_sealed, disabled_at FROM admins WHERE name = $1";
const AUTH_OF: &str =
    "SELECT admin_id, password_hash, totp_sealed, disabled_at FROM admins WHERE admin_id = $1";
const INVITED: &str =
    "SELECT a.admin_id, a.name, a.roles, a.created_at, a.enrolled_at, a.disabled_at, a.signed_in_at,
    i.expires_at FROM admins AS a JOIN admin_invitations AS i ON i.admin_id = a.admin_id
    WHERE i.secret_hash = $1 AND i.expires_at > $2 AND a.disabled_at IS NULL";
const MAKE: &str =
    "INSERT INTO admins (admin_id, name, roles, totp_step, created_at) VALUES ($1, $2, $3, 0, $4)
    ON CONFLICT DO NOTHING";
pub(super) const INVITE: &str = "INSERT INTO admin_invitations (admin_id, secret_hash, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT (admin_id) DO UPDATE SET secret_hash = excluded.secret_hash, expires_at = excluded.expires_at";
const TAKE_UP: &str = "DELETE FROM admin_invitations
    WHERE admin_id = $1 AND secret_hash = $2 AND expires_at > $3";
const ENROL: &str = "UPDATE admins SET password_hash = $2, totp_sealed = $3, totp_step = $4, enrolled_at = $5
    WHERE admin_id = $1 AND disabled_at IS NULL";
const SET_PASSWORD: &str =
    "UPDATE admins SET password_hash = $2 WHERE admin_id = $1 AND enrolled_at IS NOT NULL";
pub(super) const END_SESSIONS: &str = "DELETE FROM admin_sessions WHERE admin_id = $1";
const END_OTHERS: &str = "DELETE FROM admin_sessions WHERE admin_id = $1 AND secret_hash <> $2";
pub(super) const FORGET_BROWSERS: &str = "DELETE FROM admin_browsers WHERE admin_id = $1";

impl Store {
    /// Every admin, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn admins(&self) -> Result<Vec<Admin>, StoreError> {
        let rows: Vec<Row> = read!(self, conn => sqlx::query_as(LIST).fetch_all(conn).await?);
        rows.into_iter().map(Row::read).collect()
    }

    /// What it takes to sign in the admin of a name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn admin_auth(&self, name: &AdminName) -> Result<Option<AdminAuth>, StoreError> {
        let row: Option<AuthRow> =
            read!(self, conn => sqlx::query_as(AUTH).bind(name.as_str()).fetch_optional(conn).await?);
        row.map(auth).transpose()
    }

    /// What it takes to ask an admin for the second factor or the password again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn admin_auth_of(&self, id: AdminId) -> Result<Option<AdminAuth>, StoreError> {
        let id = id.as_bytes().as_slice();
        let row: Option<AuthRow> =
            read!(self, conn => sqlx::query_as(AUTH_OF).bind(id).fetch_optional(conn).await?);
        row.map(auth).transpose()
    }

    /// The admin who may take up an invitation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn invited_admin(
        &self,
        invitation: &HashedSecret,
        now: Timestamp,
    ) -> Result<Option<Admin>, StoreError> {
        let row: Option<Row> = read!(self, conn => {
            let invited = sqlx::query_as(INVITED).bind(invitation.as_bytes().as_slice());
            invited.bind(now.as_millisecond()).fetch_optional(conn).await?
        });
        row.map(Row::read).transpose()
    }

    /// Makes an admin, who has yet to take up the invitation; `false` where the name is taken.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_admin(
        &self,
        admin: &NewAdmin,
        invitation: &Invitation,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, roles) = (admin.id.as_bytes().as_slice(), admin.roles.to_string());
        Ok(transact!(self, tx => {
            if run!(tx, MAKE, id, admin.name.as_str(), &roles, now.as_millisecond()) == 0 {
                return Ok(Ending::Rollback(false));
            }
            run!(tx, INVITE, id, invitation.secret.as_bytes().as_slice(), invitation.expires_at.as_millisecond());
            let action = if admin.on_host { Action::AdminCreated } else { Action::AdminInvited };
            note!(self, tx, now, of_admin(action, admin.id).change("roles", None, Some(roles.clone())));
            Ok(Ending::Commit(true))
        }))
    }

    /// Takes up an invitation, once: the admin can sign in from now on, and no other session of theirs goes on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enrol_admin(
        &self,
        admin: AdminId,
        invitation: &HashedSecret,
        enrolment: &Enrolment,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, at) = (admin.as_bytes().as_slice(), now.as_millisecond());
        let Enrolment { password, totp_sealed, totp_step, recovery, browser } = enrolment;
        Ok(transact!(self, tx => {
            let taken = run!(tx, TAKE_UP, id, invitation.as_bytes().as_slice(), at);
            if taken == 0 || run!(tx, ENROL, id, password.as_str(), totp_sealed, totp_step, at) == 0 {
                return Ok(Ending::Rollback(false));
            }
            run!(tx, FORGET_RECOVERY, id);
            for code in recovery {
                run!(tx, ADD_RECOVERY, id, code.as_slice());
            }
            run!(tx, END_SESSIONS, id);
            run!(tx, FORGET_BROWSERS, id);
            let until = at.saturating_add(millis(BROWSER_LIFETIME));
            run!(tx, KNOW_BROWSER, browser.as_bytes().as_slice(), id, until);
            note!(self, tx, now, of_admin(Action::AdminEnrolled, admin));
            Ok(Ending::Commit(true))
        }))
    }

    /// Gives an admin another password and ends their sessions but one; `false` where there is none to replace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_admin_password(
        &self,
        admin: AdminId,
        (password, lanes): (&HashedPassword, &[(Lane, Subject)]),
        kept: &HashedSecret,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = admin.as_bytes().as_slice();
        Ok(transact!(self, tx => {
            if run!(tx, SET_PASSWORD, id, password.as_str()) == 0 {
                return Ok(Ending::Rollback(false));
            }
            run!(tx, END_OTHERS, id, kept.as_bytes().as_slice());
            forgive!(tx, lanes, now.as_millisecond());
            note!(self, tx, now, of_admin(Action::AdminPasswordChanged, admin));
            Ok(Ending::Commit(true))
        }))
    }
}

/// The event of something that was done to an admin, whose key seals what is personal in it.
pub(super) fn of_admin(action: Action, admin: AdminId) -> Note {
    let mut note = Note::new(action).target("admin", admin.to_string());
    note.owner = Some(Owner::Admin(*admin.as_bytes()));
    note
}

fn auth((id, password, totp_sealed, disabled_at): AuthRow) -> Result<AdminAuth, StoreError> {
    Ok(AdminAuth {
        id: TABLE.some("admin_id", AdminId::from_slice(&id))?,
        password: password.map(HashedPassword::stored),
        totp_sealed,
        disabled: disabled_at.is_some(),
    })
}
