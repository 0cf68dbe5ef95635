//! The team: changed, let go, invited anew. The last admin is never taken away.

use super::admin_recovery::FORGET_RECOVERY;
use super::admins::{END_SESSIONS, FORGET_BROWSERS, INVITE, Invitation, of_admin};
use super::{Ending, Store, StoreError, note, run, transact};
use crate::model::admin::Roles;
use crate::model::audit::Action;
use crate::model::id::AdminId;
use jiff::Timestamp;

/// What became of a change to the team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TeamChange {
    /// It was done.
    Done,
    /// There is no such admin, or nothing to change.
    NotFound,
    /// Nobody would be left who manages the team.
    LastAdmin,
}

/// Who resets an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetBy {
    /// Another admin, who cannot reset the last one.
    Admin,
    /// Whoever is on the host: somebody must be able to come back.
    Operator {
        /// Whether an admin who is disabled is enabled with it.
        enable: bool,
    },
}

const LOCK_TEAM: &str = "INSERT INTO admin_team (name, changed_at) VALUES ('team', $1)
    ON CONFLICT (name) DO UPDATE SET changed_at = excluded.changed_at";
const MANAGERS: &str = "SELECT COUNT(*) FROM admins WHERE disabled_at IS NULL AND enrolled_at IS NOT NULL
    AND (' ' || roles || ' ') LIKE '% admin %'";
const ROLES_OF: &str = "SELECT roles FROM admins WHERE admin_id = $1";
const SET_ROLES: &str = "UPDATE admins SET roles = $2 WHERE admin_id = $1 AND roles <> $2";
const DISABLE: &str = "UPDATE admins SET disabled_at = $2 WHERE admin_id = $1 AND disabled_at IS NULL";
const ENABLE: &str = "UPDATE admins SET disabled_at = NULL WHERE admin_id = $1 AND disabled_at IS NOT NULL";
const RESET: &str = "UPDATE admins SET password_hash = NULL, totp_sealed = NULL, enrolled_at = NULL
    WHERE admin_id = $1 AND disabled_at IS NULL";
const UNINVITE: &str = "DELETE FROM admin_invitations WHERE admin_id = $1";

/// Changes the team in the transaction `$tx`, which is to be undone if that takes away the last who manages it.
macro_rules! change_team {
    ($tx:ident, $now:expr, $change:block) => {{
        run!($tx, LOCK_TEAM, $now.as_millisecond());
        let before: i64 = sqlx::query_scalar(MANAGERS).fetch_one(&mut *$tx).await?;
        let changed: u64 = $change;
        let after: i64 = sqlx::query_scalar(MANAGERS).fetch_one(&mut *$tx).await?;
        match (changed, before > 0 && after == 0) {
            (0, _) => TeamChange::NotFound,
            (_, true) => TeamChange::LastAdmin,
            (_, false) => TeamChange::Done,
        }
    }};
}

const fn ending(change: TeamChange) -> Ending<TeamChange> {
    match change {
        TeamChange::Done => Ending::Commit(change),
        TeamChange::NotFound | TeamChange::LastAdmin => Ending::Rollback(change),
    }
}

impl Store {
    /// Changes what an admin is there for, from the next request on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_admin_roles(
        &self,
        admin: AdminId,
        roles: &Roles,
        now: Timestamp,
    ) -> Result<TeamChange, StoreError> {
        let (id, roles) = (admin.as_bytes().as_slice(), roles.to_string());
        Ok(transact!(self, tx => {
            let change = change_team!(tx, now, {
                let before: Option<String> =
                    sqlx::query_scalar(ROLES_OF).bind(id).fetch_optional(&mut *tx).await?;
                let changed = run!(tx, SET_ROLES, id, &roles);
                let note = of_admin(Action::AdminRolesChanged, admin);
                note!(self, tx, now, note.change("roles", before, Some(roles.clone())));
                changed
            });
            Ok(ending(change))
        }))
    }

    /// Lets an admin do nothing any more: every session of theirs is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn disable_admin(&self, admin: AdminId, now: Timestamp) -> Result<TeamChange, StoreError> {
        let id = admin.as_bytes().as_slice();
        Ok(transact!(self, tx => {
            let change = change_team!(tx, now, {
                let changed = run!(tx, DISABLE, id, now.as_millisecond());
                run!(tx, END_SESSIONS, id);
                run!(tx, FORGET_BROWSERS, id);
                run!(tx, UNINVITE, id);
                note!(self, tx, now, of_admin(Action::AdminDisabled, admin));
                changed
            });
            Ok(ending(change))
        }))
    }

    /// Lets a disabled admin sign in again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enable_admin(&self, admin: AdminId, now: Timestamp) -> Result<TeamChange, StoreError> {
        let id = admin.as_bytes().as_slice();
        Ok(transact!(self, tx => {
            let change = change_team!(tx, now, {
                let changed = run!(tx, ENABLE, id);
                note!(self, tx, now, of_admin(Action::AdminEnabled, admin));
                changed
            });
            Ok(ending(change))
        }))
    }

    /// Voids the password, second factor, recovery codes and sessions of an admin, who is not disabled or enabled with
    /// it, and invites them anew. On the host this works for the last admin, too: somebody must be able to come back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recover_admin(
        &self,
        admin: AdminId,
        invitation: &Invitation,
        by: ResetBy,
        now: Timestamp,
    ) -> Result<TeamChange, StoreError> {
        let id = admin.as_bytes().as_slice();
        Ok(transact!(self, tx => {
            let change = change_team!(tx, now, {
                if by == (ResetBy::Operator { enable: true }) && run!(tx, ENABLE, id) > 0 {
                    note!(self, tx, now, of_admin(Action::AdminEnabled, admin));
                }
                let changed = run!(tx, RESET, id);
                if changed > 0 {
                    run!(tx, INVITE, id, invitation.secret.as_bytes().as_slice(), invitation.expires_at.as_millisecond());
                }
                run!(tx, FORGET_RECOVERY, id);
                run!(tx, END_SESSIONS, id);
                run!(tx, FORGET_BROWSERS, id);
                note!(self, tx, now, of_admin(Action::AdminRecovered, admin));
                changed
            });
            Ok(ending(if by != ResetBy::Admin && change == TeamChange::LastAdmin { TeamChange::Done } else { change }))
        }))
    }
}
