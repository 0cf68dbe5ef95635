//! Who calls: authorisation is an extractor, and a use case demands what it yields.

use super::extract::{Name, bearer};
use super::{Problem, Services};
use crate::devices::Caller;
use crate::model::audit::Actor;
use crate::model::id::VerificationId;
use crate::model::secret::PlainSecret;
use crate::store::Origin;
use crate::verification::Starter;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use std::sync::Arc;

/// A device that has shown its token.
pub(super) struct Device(pub(super) Caller);

impl FromRequestParts<Arc<Services>> for Device {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, Problem> {
        device(&parts.headers, services).await.map(Self)
    }
}

/// The device whose token the headers show, as of now.
pub(super) async fn device(headers: &HeaderMap, services: &Services) -> Result<Caller, Problem> {
    let token = bearer(headers).ok_or_else(Problem::token_invalid)?;
    let caller = services.devices.authenticate(token, services.clock.now()).await?;
    Origin::act_as(Actor::Device);
    caller.ok_or_else(Problem::token_invalid)
}

/// A device that has shown its token, or nobody where no credentials were sent.
pub(super) struct AnyDevice(pub(super) Option<Caller>);

impl FromRequestParts<Arc<Services>> for AnyDevice {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, Problem> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            device(&parts.headers, services).await.map(|caller| Self(Some(caller)))
        } else {
            Ok(Self(None))
        }
    }
}

/// Whoever started the verification in the path and has shown its secret; everybody else gets 404.
pub(super) struct Starts(pub(super) Starter);

impl FromRequestParts<Arc<Services>> for Starts {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, Problem> {
        let Name(id) = Name::from_request_parts(parts, services).await?;
        let id = VerificationId::parse(&id).ok_or_else(Problem::not_found)?;
        let secret = bearer(&parts.headers).and_then(PlainSecret::parse).ok_or_else(Problem::not_found)?;
        let starter = services.verifications.authorize(id, &secret).await?;
        starter.map(Self).ok_or_else(Problem::not_found)
    }
}
