//! The team: who is in it, and what an admin does with others.

use super::enrolling::invitation;
use super::{AdminCaller, Admins};
use crate::model::admin::{AdminName, Roles};
use crate::model::id::AdminId;
use crate::model::secret::PlainSecret;
use crate::store::{Admin, ResetBy, StoreError, TeamChange};
use crate::verification::Failure;
use jiff::Timestamp;
use thiserror::Error;

/// Why the team stays as it is.
#[derive(Debug, Error)]
pub enum TeamRefused {
    /// There is no such admin, or nothing to change.
    #[error("there is no such admin, or nothing to change")]
    NotFound,
    /// Another admin has the name.
    #[error("the name is taken")]
    NameTaken,
    /// Nobody would be left who manages the team.
    #[error("nobody would be left who manages the team")]
    LastAdmin,
    /// The caller has less than they would hand out.
    #[error("nobody hands out more than they have")]
    Exceeds,
    /// The database failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for TeamRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}

impl Admins {
    /// Every admin, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn team(&self) -> Result<Vec<Admin>, Failure> {
        Ok(self.store.admins().await?)
    }

    /// Invites somebody: the secret is for them alone.
    ///
    /// # Errors
    /// [`TeamRefused`].
    pub async fn invite(
        &self,
        caller: &AdminCaller,
        name: AdminName,
        roles: Roles,
        now: Timestamp,
    ) -> Result<PlainSecret, TeamRefused> {
        covered(caller, &roles)?;
        self.create(name, roles, false, now).await?.ok_or(TeamRefused::NameTaken)
    }

    /// Changes what an admin is there for.
    ///
    /// # Errors
    /// [`TeamRefused`].
    pub async fn set_roles(
        &self,
        caller: &AdminCaller,
        admin: AdminId,
        roles: &Roles,
        now: Timestamp,
    ) -> Result<(), TeamRefused> {
        covered(caller, roles)?;
        done(self.store.set_admin_roles(admin, roles, now).await?)
    }

    /// Lets an admin do nothing any more, at once.
    ///
    /// # Errors
    /// [`TeamRefused`].
    pub async fn disable(&self, admin: AdminId, now: Timestamp) -> Result<(), TeamRefused> {
        done(self.store.disable_admin(admin, now).await?)
    }

    /// Lets a disabled admin sign in again.
    ///
    /// # Errors
    /// [`TeamRefused`].
    pub async fn enable(&self, admin: AdminId, now: Timestamp) -> Result<(), TeamRefused> {
        done(self.store.enable_admin(admin, now).await?)
    }

    /// Ends every session of an admin.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_sessions(&self, admin: AdminId, now: Timestamp) -> Result<(), Failure> {
        self.store.end_admin_sessions(admin, now).await?;
        Ok(())
    }

    /// Voids an admin's password and second factor and invites them anew: the secret is for them alone. Whoever is
    /// disabled is not found, unless enabled with it.
    ///
    /// # Errors
    /// [`TeamRefused`].
    pub async fn reset(
        &self,
        admin: AdminId,
        by: ResetBy,
        now: Timestamp,
    ) -> Result<PlainSecret, TeamRefused> {
        let (secret, invitation) = invitation(now);
        done(self.store.recover_admin(admin, &invitation, by, now).await?)?;
        Ok(secret)
    }
}

fn done(change: TeamChange) -> Result<(), TeamRefused> {
    match change {
        TeamChange::Done => Ok(()),
        TeamChange::NotFound => Err(TeamRefused::NotFound),
        TeamChange::LastAdmin => Err(TeamRefused::LastAdmin),
    }
}

/// Nobody hands out more than they have.
fn covered(caller: &AdminCaller, roles: &Roles) -> Result<(), TeamRefused> {
    if caller.roles.cover(roles) { Ok(()) } else { Err(TeamRefused::Exceeds) }
}
