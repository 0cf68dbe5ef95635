//! `/v1/discovery`: the address book question.

use super::callers::Device;
use super::extract::{From, body_within, expect_content_type};
use super::lookup_binary::{self, BINARY, Binary};
use super::lookup_json::{Decoded, LookupBody, LookupView};
use super::meta::ProblemDocument;
use super::shedding::Class;
use super::{Problem, Services};
use crate::discovery::{Discovery, LookupRefused};
use crate::model::epoch::Epoch;
use crate::model::handle::BLAKE3_KEYED_128;
use axum::Json as Answer;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

const JSON: &str = "application/json";
/// The largest lookup: three times the handles that one may hold, in the longest form.
const LOOKUP_LIMIT: usize = 2 * 1024 * 1024;

/// The live epochs, in order of preference.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EpochsView {
    /// A client takes the first whose algorithm it knows.
    epochs: Vec<EpochView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct EpochView {
    id: u32,
    algorithm: &'static str,
    params: ParamsView,
    #[schema(value_type = String, format = DateTime)]
    valid_from: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ParamsView {
    /// 43 characters of base64url: the key of the keyed BLAKE3 hash.
    pepper: String,
}

impl EpochView {
    /// `None` for an epoch whose beginning is not known.
    fn new(epoch: &Epoch) -> Option<Self> {
        Some(Self {
            id: epoch.id,
            algorithm: BLAKE3_KEYED_128,
            params: ParamsView { pepper: epoch.pepper.to_base64url() },
            valid_from: epoch.life.valid_from?,
            valid_until: epoch.life.valid_until,
        })
    }
}

fn epoch_views(discovery: &Discovery, now: Timestamp) -> Vec<EpochView> {
    discovery.epochs(now).iter().filter_map(EpochView::new).collect()
}

/// `GET /v1/discovery/epochs`: how to make handles.
#[utoipa::path(get, path = "/v1/discovery/epochs", tag = "discovery", security(("device_token" = [])), responses(
    (status = 200, description = "The live epochs", body = EpochsView),
    (status = 401, description = "`token_invalid`", body = ProblemDocument),
))]
pub(super) async fn epochs(
    State(services): State<Arc<Services>>,
    Device(_caller): Device,
) -> Answer<EpochsView> {
    Answer(EpochsView { epochs: epoch_views(&services.discovery, services.clock.now()) })
}

/// `POST /v1/discovery/lookup`: which of these handles are accounts? The answer has the request's form.
#[utoipa::path(post, path = "/v1/discovery/lookup", tag = "discovery", security(("device_token" = [])),
    request_body(content((LookupBody = "application/json"), (Binary = "application/vnd.tuttu.lookup"))), responses(
    (status = 200, description = "The matches", content((LookupView = "application/json"), (Binary = "application/vnd.tuttu.lookup"))),
    (status = 400, description = "`json_invalid`, `field_invalid`, `body_invalid`, `too_many_handles`", body = ProblemDocument),
    (status = 401, description = "`token_invalid`", body = ProblemDocument),
    (status = 409, description = "`epoch_unknown` with the live `epochs`, `sync_token_invalid`", body = ProblemDocument),
    (status = 429, description = "`lookup_rate`, `lookup_budget_spent`; nothing was charged", body = ProblemDocument),
))]
pub(super) async fn lookup(
    State(services): State<Arc<Services>>,
    Device(caller): Device,
    From(source): From,
    request: Request,
) -> Result<Response, Problem> {
    let form = expect_content_type(request.headers(), &[JSON, BINARY])?;
    let bytes = body_within(request, LOOKUP_LIMIT).await?;
    let _admitted = services.shedding.admit(Class::Lookup)?;
    // A stranger's large body is not read, and a slow one does not outlive its sender's token.
    let now = services.clock.now();
    let caller = services.devices.again(&caller, now).await?.ok_or_else(Problem::token_invalid)?;
    if form == BINARY {
        let lookup = lookup_binary::read(&bytes)?;
        let found = services.discovery.lookup((&caller, &source), &lookup, now).await;
        let found = found.map_err(|refused| refusal(&services, &refused, now))?;
        return Ok(lookup_binary::answer(&found).into_response());
    }
    let decoded = Decoded::read(&bytes)?;
    let lookup = decoded.lookup()?;
    let found = services.discovery.lookup((&caller, &source), &lookup, now).await;
    let found = found.map_err(|refused| refusal(&services, &refused, now))?;
    Ok(Answer(LookupView::new(&lookup, &found)).into_response())
}

fn refusal(services: &Services, refused: &LookupRefused, now: Timestamp) -> Problem {
    let problem = Problem::lookup(refused, now);
    match refused {
        LookupRefused::EpochUnknown => problem.with("epochs", epoch_views(&services.discovery, now)),
        _ => problem,
    }
}
