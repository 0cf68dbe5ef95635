//! Authorisation is an extractor: a handler that names no right does not know who calls.

use super::cookies::Cookies;
use super::refused::{AdminRefused, Why};
use super::{API, forged};
use crate::admins::AdminCaller;
use crate::http::Services;
use crate::http::console::{Frame, Section};
use crate::http::extract::bearer;
use crate::store::Origin;
use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use jiff::Timestamp;
use std::marker::PhantomData;
use std::sync::Arc;

/// A permission as a type, for [`Permit`] and [`Fresh`].
pub(in crate::http) trait Right {
    /// The permission.
    const PERMISSION: crate::model::admin::Permission;
}

/// Each permission as a type.
pub(in crate::http) mod rights {
    use super::Right;
    use crate::model::admin::Permission;

    macro_rules! rights {
        ($($name:ident)+) => { $(
            #[doc = concat!("[`Permission::", stringify!($name), "`].")]
            #[allow(dead_code, reason = "not every right has a route of its own")]
            pub(in crate::http) struct $name;

            impl Right for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+ };
    }

    rights!(
        SeeNow SeeVerifications FilterByPrefix SearchByNumber SeeAccounts Reveal RevokeDevice LockAccount
        UnblockNumber EraseAccount ExportPerson SeeGuard ChangeGuard SwitchSending SeeGateways SeeAuditLog
        ExportAuditLog VerifyAuditLog SeeTeam ManageTeam
    );
}

/// Somebody who has signed in, or a machine with an API token, whatever they may do.
pub(in crate::http) struct SignedIn {
    /// Who calls.
    pub(in crate::http) caller: AdminCaller,
    /// When.
    pub(in crate::http) now: Timestamp,
    theme: &'static str,
}

/// Somebody who has signed in and has given a second factor just now.
pub(in crate::http) struct FreshlySignedIn(pub(in crate::http) SignedIn);

/// Somebody who is given the right `R`.
pub(in crate::http) struct Permit<R> {
    /// Who calls.
    pub(in crate::http) caller: AdminCaller,
    /// When.
    pub(in crate::http) now: Timestamp,
    theme: &'static str,
    right: PhantomData<fn() -> R>,
}

/// Somebody who is given the right `R` and has given a second factor just now.
pub(in crate::http) struct Fresh<R> {
    /// Who calls.
    pub(in crate::http) caller: AdminCaller,
    /// When.
    pub(in crate::http) now: Timestamp,
    theme: &'static str,
    right: PhantomData<fn() -> R>,
}

impl SignedIn {
    /// The frame of a page for whoever calls.
    pub(in crate::http) fn frame(&self, section: Section) -> Frame {
        Frame::new(&self.caller, section, self.theme, self.now)
    }
}

impl<R> Permit<R> {
    /// The frame of a page for whoever calls.
    pub(in crate::http) fn frame(&self, section: Section) -> Frame {
        Frame::new(&self.caller, section, self.theme, self.now)
    }
}

impl<R> Fresh<R> {
    /// The frame of a page for whoever calls.
    pub(in crate::http) fn frame(&self, section: Section) -> Frame {
        Frame::new(&self.caller, section, self.theme, self.now)
    }
}

impl FromRequestParts<Arc<Services>> for SignedIn {
    type Rejection = AdminRefused;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, AdminRefused> {
        let now = services.clock.now();
        let caller = caller(parts, services, now).await.map_err(|why| AdminRefused::new(why, parts))?;
        Ok(Self { caller, now, theme: Cookies::of(&parts.headers).theme })
    }
}

impl FromRequestParts<Arc<Services>> for FreshlySignedIn {
    type Rejection = AdminRefused;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, AdminRefused> {
        let signed_in = SignedIn::from_request_parts(parts, services).await?;
        if signed_in.caller.is_fresh(signed_in.now) {
            Ok(Self(signed_in))
        } else {
            Err(AdminRefused::new(Why::SecondFactorDue, parts))
        }
    }
}

impl<R: Right> FromRequestParts<Arc<Services>> for Permit<R> {
    type Rejection = AdminRefused;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, AdminRefused> {
        let SignedIn { caller, now, theme } = SignedIn::from_request_parts(parts, services).await?;
        if !caller.may(R::PERMISSION) {
            return Err(AdminRefused::new(Why::NotPermitted(R::PERMISSION), parts));
        }
        Ok(Self { caller, now, theme, right: PhantomData })
    }
}

impl<R: Right> FromRequestParts<Arc<Services>> for Fresh<R> {
    type Rejection = AdminRefused;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, AdminRefused> {
        let Permit { caller, now, theme, right } = Permit::<R>::from_request_parts(parts, services).await?;
        if !caller.is_fresh(now) {
            return Err(AdminRefused::new(Why::SecondFactorDue, parts));
        }
        Ok(Self { caller, now, theme, right })
    }
}

/// Who calls: by a session's cookie, or on the API by an API token.
async fn caller(parts: &Parts, services: &Services, now: Timestamp) -> Result<AdminCaller, Why> {
    if parts.uri.path().starts_with(API)
        && let Some(token) = bearer(&parts.headers)
    {
        let caller = services.admins.token(token, now).await?.ok_or(Why::NotSignedIn)?;
        Origin::act_as(caller.actor());
        return Ok(caller);
    }
    let secret = Cookies::of(&parts.headers).session.ok_or(Why::NotSignedIn)?;
    // Pages that refresh themselves ask so; nobody gains by saying so.
    let in_person = parts.method != Method::GET || !parts.headers.contains_key("hx-request");
    let caller = services.admins.session(&secret, in_person, now).await?.ok_or(Why::NotSignedIn)?;
    let own = caller.form_token().is_some_and(|token| forged::is_own(parts, token, services.public_host()));
    if !own {
        return Err(Why::Forged);
    }
    Origin::act_as(caller.actor());
    Ok(caller)
}
