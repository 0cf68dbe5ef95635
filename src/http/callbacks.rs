//! `/callbacks`: what gateways report, and what calls ask. Whoever signs it may ask; no limit by address applies.

use super::extract::{Now, body};
use super::meta::ProblemDocument;
use super::{Problem, Services};
use crate::model::audit::Actor;
use crate::model::id::DeliveryId;
use crate::sender::Callback;
use crate::store::Origin;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use jiff::Timestamp;
use std::sync::Arc;

/// A callback as it came: its signature covers every byte.
pub(super) struct Called {
    gateway: String,
    /// None where the path holds no id; that is judged after the signature.
    delivery: Option<DeliveryId>,
    path_and_query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl FromRequest<Arc<Services>> for Called {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Services>) -> Result<Self, Problem> {
        let mut path = request.uri().path().split('/').skip(2);
        let gateway = path.next().unwrap_or_default().to_owned();
        let delivery = path.next().and_then(DeliveryId::parse);
        let path_and_query = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let headers = request.headers().clone();
        Ok(Self { gateway, delivery, path_and_query, headers, body: body(request).await? })
    }
}

impl Called {
    fn callback(&self, at: Timestamp) -> Callback<'_> {
        Callback { path_and_query: &self.path_and_query, headers: &self.headers, body: &self.body, at }
    }
}

/// `POST /callbacks/{gateway}/{delivery_id}`: a gateway reports how far a delivery got.
#[utoipa::path(post, path = "/callbacks/{gateway}/{delivery_id}", tag = "callbacks",
    params(("gateway" = String, Path, description = "The gateway's configured name"),
        ("delivery_id" = String, Path, description = "The delivery")),
    security(("gateway_signature" = [])), responses(
    (status = 204, description = "Taken down, or not known"),
    (status = 403, description = "`signature_invalid`", body = ProblemDocument),
    (status = 404, description = "`not_found`: no such gateway", body = ProblemDocument),
))]
pub(super) async fn report(
    State(services): State<Arc<Services>>,
    Now(now): Now,
    called: Called,
) -> Result<StatusCode, Problem> {
    Origin::act_as(Actor::Gateway(called.gateway.clone()));
    let reported = services.reports.report(&called.gateway, called.delivery, &called.callback(now)).await;
    reported.map(|()| StatusCode::NO_CONTENT).map_err(|refused| Problem::report(&refused))
}

/// `POST /callbacks/{gateway}/{delivery_id}/voice`: a call asks what to say.
#[utoipa::path(post, path = "/callbacks/{gateway}/{delivery_id}/voice", tag = "callbacks",
    params(("gateway" = String, Path, description = "The gateway's configured name"),
        ("delivery_id" = String, Path, description = "The delivery")),
    security(("gateway_signature" = [])), responses(
    (status = 200, description = "What to say, in the gateway's own form: a key is asked for, then the code is read",
        content_type = "text/xml", body = String),
    (status = 403, description = "`signature_invalid`", body = ProblemDocument),
    (status = 404, description = "`not_found`: no such gateway", body = ProblemDocument),
))]
pub(super) async fn voice(
    State(services): State<Arc<Services>>,
    Now(now): Now,
    called: Called,
) -> Result<impl IntoResponse + use<>, Problem> {
    let told = services.reports.call(&called.gateway, called.delivery, &called.callback(now)).await;
    let answer = told.map_err(|refused| Problem::report(&refused))?;
    Ok(([(header::CONTENT_TYPE, answer.content_type)], answer.body))
}
