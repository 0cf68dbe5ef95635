//! Enrolling: a one-time secret, taken up once, sets a password and a second factor.

use super::hashing::HashingBusy;
use super::{AdminCaller, Admins};
use crate::model::admin::{
    AdminName, INVITATION_LIFETIME, Lane, Password, PasswordWeak, RECOVERY_CODES, RecoveryCode, Roles,
    SecondFactor,
};
use crate::model::audit::Actor;
use crate::model::id::AdminId;
use crate::model::sealed::seal;
use crate::model::secret::PlainSecret;
use crate::store::{Admin, Enrolment, Invitation, NewAdmin, Origin, StoreError};
use crate::verification::Failure;
use jiff::Timestamp;
use thiserror::Error;

/// By what changes of a password are counted.
const PASSWORDS: &str = "admin password";

/// What somebody with an invitation is offered.
#[derive(Debug)]
pub struct Offer {
    /// Who is invited.
    pub name: AdminName,
    /// What they will be there for.
    pub roles: Roles,
    /// What their phone is to read.
    pub second_factor: SecondFactor,
}

/// What somebody who has enrolled is shown once.
#[derive(Debug)]
pub struct Enrolled {
    /// Who it is.
    pub name: AdminName,
    /// Each works once in place of a code.
    pub recovery: Vec<RecoveryCode>,
    /// What the browser is known by from now on, so that strangers cannot hold up the first sign-in.
    pub browser: PlainSecret,
}

/// Why nobody was enrolled.
#[derive(Debug, Error)]
pub enum EnrolRefused {
    /// The secret is unknown, over, or was taken up.
    #[error("the invitation is unknown or over")]
    Unknown,
    /// The password.
    #[error(transparent)]
    Password(#[from] PasswordWeak),
    /// The code is not one of the second factor that was offered.
    #[error("the code is wrong")]
    CodeWrong,
    /// Too many attempts have failed: judged again from then on.
    #[error("too many attempts have failed")]
    Early(Timestamp),
    /// Too much to do just now.
    #[error(transparent)]
    Busy(#[from] HashingBusy),
    /// The database failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for EnrolRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}

impl Admins {
    /// Makes an admin on the host; the secret is for them alone. `None` where the name is taken.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create(
        &self,
        name: AdminName,
        roles: Roles,
        on_host: bool,
        now: Timestamp,
    ) -> Result<Option<PlainSecret>, Failure> {
        let (secret, invitation) = invitation(now);
        let admin = NewAdmin { id: AdminId::random(), name, roles, on_host };
        Ok(self.store.create_admin(&admin, &invitation, now).await?.then_some(secret))
    }

    /// What an invitation offers; `None` where it is unknown, over, or was taken up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn offer(
        &self,
        (invitation, nonce): (&PlainSecret, &PlainSecret),
        now: Timestamp,
    ) -> Result<Option<Offer>, Failure> {
        let Some(admin) = self.store.invited_admin(&invitation.hash(), now).await? else { return Ok(None) };
        let second_factor = self.offered(&admin, invitation, nonce);
        Ok(Some(Offer { name: admin.name, roles: admin.roles, second_factor }))
    }

    /// Takes up an invitation.
    ///
    /// # Errors
    /// [`EnrolRefused`].
    pub async fn enrol(
        &self,
        (invitation, nonce): (&PlainSecret, &PlainSecret),
        password: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<Enrolled, EnrolRefused> {
        let invited = self.store.invited_admin(&invitation.hash(), now).await?;
        let admin = invited.ok_or(EnrolRefused::Unknown)?;
        let password = Password::chosen(password, &admin.name)?;
        let factor = self.offered(&admin, invitation, nonce);
        let totp_step = factor.step(code, now).ok_or(EnrolRefused::CodeWrong)?;
        let place = SecondFactor::place(&admin.id);
        let totp_sealed = seal(self.keys.number(), &place, factor.expose_bytes()).map_err(Failure::from)?;
        let recovery: Vec<RecoveryCode> = recovery_codes();
        let browser = PlainSecret::random();
        let enrolment = Enrolment {
            browser: browser.hash(),
            password: self.hashing.hash(password).await?,
            totp_sealed,
            totp_step,
            recovery: recovery.iter().map(RecoveryCode::hash).collect(),
        };
        Origin::act_as(Actor::Admin(admin.id.to_string()));
        if !self.store.enrol_admin(admin.id, &invitation.hash(), &enrolment, now).await? {
            return Err(EnrolRefused::Unknown);
        }
        Ok(Enrolled { name: admin.name, recovery, browser })
    }

    /// Gives the caller another password, who has to show the old one; of their sessions only this one goes on.
    ///
    /// # Errors
    /// [`EnrolRefused`]: a wrong old password is [`EnrolRefused::CodeWrong`].
    pub async fn change_password(
        &self,
        caller: &AdminCaller,
        session: &PlainSecret,
        (old, new): (&str, &str),
        now: Timestamp,
    ) -> Result<(), EnrolRefused> {
        let admin = caller.admin().ok_or(EnrolRefused::Unknown)?;
        let name = AdminName::parse(&caller.name).ok_or(EnrolRefused::Unknown)?;
        let new = Password::chosen(new, &name)?;
        // Whoever has taken a session must not find the password out by it.
        let lanes = [(Lane::Session, self.subject(PASSWORDS, &admin.to_string()))];
        self.store.count_attempt(&lanes, now).await?.map_err(EnrolRefused::Early)?;
        let auth = self.store.admin_auth_of(admin).await?.ok_or(EnrolRefused::Unknown)?;
        let old = Password::typed(old).ok_or(EnrolRefused::CodeWrong)?;
        if !self.hashing.fits(old, auth.password).await? {
            self.store.note_failed_sign_in(Some(admin), "password", now).await?;
            return Err(EnrolRefused::CodeWrong);
        }
        let new = self.hashing.hash(new).await?;
        let changed = self.store.set_admin_password(admin, (&new, &lanes), &session.hash(), now).await?;
        changed.then_some(()).ok_or(EnrolRefused::Unknown)
    }

    /// Gives the caller other recovery codes; the old ones are void. A machine has none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew_recovery_codes(
        &self,
        caller: &AdminCaller,
        now: Timestamp,
    ) -> Result<Vec<RecoveryCode>, Failure> {
        let Some(admin) = caller.admin() else { return Ok(Vec::new()) };
        let codes = recovery_codes();
        let hashes: Vec<[u8; 32]> = codes.iter().map(RecoveryCode::hash).collect();
        self.store.set_recovery_codes(admin, &hashes, now).await?;
        Ok(codes)
    }

    /// How many recovery codes the caller has left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recovery_codes_left(&self, caller: &AdminCaller) -> Result<u64, Failure> {
        match caller.admin() {
            Some(admin) => Ok(self.store.recovery_codes_left(admin).await?),
            None => Ok(0),
        }
    }

    /// The second factor that an invitation offers. It is not kept: it is made again of the invitation and a key that
    /// the database has not.
    fn offered(&self, admin: &Admin, invitation: &PlainSecret, nonce: &PlainSecret) -> SecondFactor {
        SecondFactor::of_invitation(&self.keys.code().in_use(), admin.id, &invitation.hash(), &nonce.hash())
    }
}

/// A fresh secret, and the invitation that it takes up.
pub(super) fn invitation(now: Timestamp) -> (PlainSecret, Invitation) {
    let secret = PlainSecret::random();
    let invitation = Invitation { secret: secret.hash(), expires_at: now + INVITATION_LIFETIME };
    (secret, invitation)
}

fn recovery_codes() -> Vec<RecoveryCode> {
    std::iter::repeat_with(RecoveryCode::random).take(RECOVERY_CODES).collect()
}
