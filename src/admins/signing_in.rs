//! Signing in: a password and a second factor, counted before they are judged, with one answer to all that is wrong.

use super::{AdminCaller, Admins, Shown};
use crate::model::admin::{AdminName, Lane, Password, RecoveryCode, SecondFactor};
use crate::model::audit::Actor;
use crate::model::guard::Subject;
use crate::model::id::{AdminId, AdminSessionId};
use crate::model::sealed::open;
use crate::model::secret::PlainSecret;
use crate::model::source::Source;
use crate::store::{AdminAuth, Origin, Proof, SignIn, StepUp, StoreError};
use crate::verification::Failure;
use jiff::Timestamp;
use thiserror::Error;

const NAMES: &str = "admin sign-in name";
const RANGES: &str = "admin sign-in range";
const BROWSERS: &str = "admin sign-in browser";
const SESSIONS: &str = "admin second factor";

/// What somebody types to sign in.
#[derive(Debug)]
pub struct SignInRequest {
    /// The name.
    pub name: String,
    /// The password.
    pub password: Option<Password>,
    /// A code of the second factor, or a recovery code.
    pub code: String,
    /// Where they are.
    pub source: Source,
    /// What the browser is known by, if it has signed in before.
    pub browser: Option<PlainSecret>,
    /// The session that the browser has.
    pub session: Option<PlainSecret>,
}

/// What the browser holds from now on.
#[derive(Debug)]
pub struct SignedIn {
    /// The session's secret.
    pub session: PlainSecret,
    /// What the browser is known by.
    pub browser: PlainSecret,
}

/// Why nobody was signed in.
#[derive(Debug, Error)]
pub enum SignInRefused {
    /// Too many attempts have failed: judged again from then on.
    #[error("too many attempts have failed")]
    Early(Timestamp),
    /// Name, password or code are wrong; nobody is told which.
    #[error("name, password or code are wrong")]
    Wrong,
    /// Too much to do just now; nothing was judged.
    #[error("too much to do")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for SignInRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}

impl From<super::hashing::HashingBusy> for SignInRefused {
    fn from(_: super::hashing::HashingBusy) -> Self {
        Self::Busy
    }
}

impl Admins {
    /// Signs an admin in.
    ///
    /// # Errors
    /// [`SignInRefused`].
    pub async fn sign_in(&self, request: SignInRequest, now: Timestamp) -> Result<SignedIn, SignInRefused> {
        let signed_in = self.prove(request, now).await;
        let outcome = match &signed_in {
            Ok(_) => "success",
            Err(SignInRefused::Wrong) => "wrong",
            Err(SignInRefused::Early(_)) => "early",
            Err(SignInRefused::Busy | SignInRefused::Failed(_)) => "failed",
        };
        metrics::counter!("tuttu_admin_sign_ins_total", "outcome" => outcome).increment(1);
        signed_in
    }

    async fn prove(&self, request: SignInRequest, now: Timestamp) -> Result<SignedIn, SignInRefused> {
        let name = AdminName::parse(&request.name);
        let auth = match &name {
            Some(name) => self.store.admin_auth(name).await?,
            None => None,
        };
        let lanes = self.lanes(&request, auth.as_ref(), now).await?;
        self.store.count_attempt(&lanes, now).await?.map_err(SignInRefused::Early)?;
        let (id, proof) = match self.judge(auth, request.password, &request.code, now).await? {
            Ok(proven) => proven,
            Err(tried) => return self.failed(tried, now).await,
        };
        let signed_in = SignedIn {
            session: PlainSecret::random(),
            browser: request.browser.unwrap_or_else(PlainSecret::random),
        };
        let sign_in = SignIn {
            admin: id,
            proof,
            session: AdminSessionId::random(),
            secret: signed_in.session.hash(),
            instead_of: request.session.map(|session| session.hash()),
            browser: signed_in.browser.hash(),
            lanes,
        };
        Origin::act_as(Actor::Admin(id.to_string()));
        if self.store.sign_in(&sign_in, now).await? {
            Ok(signed_in)
        } else {
            self.failed(Some(id), now).await
        }
    }

    /// A second factor is given again: the session goes on under another secret.
    ///
    /// # Errors
    /// [`SignInRefused`].
    pub async fn step_up(
        &self,
        caller: &AdminCaller,
        session: &PlainSecret,
        code: &str,
        now: Timestamp,
    ) -> Result<PlainSecret, SignInRefused> {
        let Shown::Session { admin, .. } = caller.shown else { return Err(SignInRefused::Wrong) };
        let lanes = vec![(Lane::Session, self.subject(SESSIONS, &admin.to_string()))];
        self.store.count_attempt(&lanes, now).await?.map_err(SignInRefused::Early)?;
        let auth = self.store.admin_auth_of(admin).await?.ok_or(SignInRefused::Wrong)?;
        let Some(proof) = self.proof(&auth, code, now)? else { return self.factor_wrong(admin, now).await };
        let renewed = PlainSecret::random();
        let step_up = StepUp { admin, proof, old: session.hash(), new: renewed.hash(), lanes };
        if self.store.step_up(&step_up, now).await? {
            Ok(renewed)
        } else {
            self.factor_wrong(admin, now).await
        }
    }

    async fn factor_wrong<T>(&self, admin: AdminId, now: Timestamp) -> Result<T, SignInRefused> {
        self.store.note_failed_sign_in(Some(admin), "second_factor", now).await?;
        Err(SignInRefused::Wrong)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_out(&self, session: &PlainSecret, now: Timestamp) -> Result<(), Failure> {
        self.store.sign_out(&session.hash(), now).await?;
        Ok(())
    }

    /// Ends every session of the caller.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_out_everywhere(&self, caller: &AdminCaller, now: Timestamp) -> Result<(), Failure> {
        if let Some(admin) = caller.admin() {
            self.store.end_admin_sessions(admin, now).await?;
        }
        Ok(())
    }

    /// By what an attempt is counted: a browser that has signed in before as this admin by itself, whatever strangers
    /// do meanwhile; any other by the name, whether there is such an admin or not, and by its range.
    async fn lanes(
        &self,
        request: &SignInRequest,
        auth: Option<&AdminAuth>,
        now: Timestamp,
    ) -> Result<Vec<(Lane, Subject)>, SignInRefused> {
        if let (Some(browser), Some(auth)) = (&request.browser, auth) {
            let hash = browser.hash();
            if self.store.knows_browser(&hash, auth.id, now).await? {
                return Ok(vec![(Lane::Browser, self.subject(BROWSERS, &hex::encode(hash.as_bytes())))]);
            }
        }
        let name = request.name.trim().to_ascii_lowercase();
        let mut lanes = vec![(Lane::Name, self.subject(NAMES, &name))];
        let range = request.source.range();
        lanes.extend(range.map(|range| (Lane::Range, self.subject(RANGES, &range.to_string()))));
        Ok(lanes)
    }

    /// Judges password and code, with the same work whoever it is: the admin and what is to be spent, or whose attempt
    /// has failed.
    async fn judge(
        &self,
        auth: Option<AdminAuth>,
        password: Option<Password>,
        code: &str,
        now: Timestamp,
    ) -> Result<Result<(AdminId, Proof), Option<AdminId>>, SignInRefused> {
        let id = auth.as_ref().map(|auth| auth.id);
        let stored = auth.as_ref().and_then(|auth| auth.password.clone());
        let typed = password.or_else(|| Password::typed(""));
        let fits = match typed {
            Some(typed) => self.hashing.fits(typed, stored).await?,
            None => false,
        };
        let proof = match &auth {
            Some(auth) => self.proof(auth, code, now)?,
            None => SecondFactor::nobodys().step(code, now).map(Proof::Step),
        };
        let disabled = auth.is_none_or(|auth| auth.disabled);
        Ok(match (id, proof) {
            (Some(id), Some(proof)) if fits && !disabled => Ok((id, proof)),
            _ => Err(id),
        })
    }

    /// What a code proves, without spending it.
    pub(super) fn proof(
        &self,
        auth: &AdminAuth,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<Proof>, Failure> {
        if let Some(recovery) = RecoveryCode::parse(code) {
            return Ok(Some(Proof::Recovery(recovery.hash())));
        }
        let factor = match &auth.totp_sealed {
            Some(sealed) => {
                let secret = open(self.keys.number(), &SecondFactor::place(&auth.id), sealed)?;
                SecondFactor::from_slice(&secret)
            }
            None => None,
        };
        Ok(factor.unwrap_or_else(SecondFactor::nobodys).step(code, now).map(Proof::Step))
    }

    async fn failed<T>(&self, admin: Option<AdminId>, now: Timestamp) -> Result<T, SignInRefused> {
        self.store.note_failed_sign_in(admin, "credentials", now).await?;
        Err(SignInRefused::Wrong)
    }

    pub(super) fn subject(&self, purpose: &str, text: &str) -> Subject {
        Subject::derive(self.keys.subjects(), purpose, text)
    }
}
