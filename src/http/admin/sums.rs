//! `/admin/api/v1/{now,sending,gateways,countries}`: how sending fares, and its switch.

use super::{Permit, rights};
use crate::http::extract::Json;
use crate::http::meta::ProblemDocument;
use crate::http::{Problem, Services};
use crate::oversight::{GatewayHealth, Sum, by, without_number};
use crate::store::SendingPause;
use axum::Json as Answer;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Sums over verifications and their messages.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SumView {
    /// Verifications that were started.
    started: i64,
    /// Messages that a gateway took, or may have taken.
    sent: i64,
    /// Messages that arrived, as far as the gateway says so.
    delivered: i64,
    /// Messages that did not.
    failed: i64,
    /// Numbers that were proven.
    approved: i64,
    /// Starts and sends that were refused.
    refused: i64,
    /// What the messages cost, in millionths of the currency that the prices are in.
    spent_millionths: i64,
    /// Approvals of a hundred messages.
    conversion_percent: Option<i64>,
    /// How long a message took on the mean.
    delivery_ms: Option<i64>,
}

/// What happens now, on all nodes.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct NowView {
    hour: SumView,
    day: SumView,
    /// Why people were refused in 24 hours, the most frequent first.
    refusals: Vec<RefusalView>,
    /// The last hour, the oldest minute first.
    minutes: Vec<MinuteView>,
    sending: SendingView,
}

#[derive(Serialize, ToSchema)]
struct RefusalView {
    reason: String,
    number: i64,
}

#[derive(Serialize, ToSchema)]
struct MinuteView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    started: i64,
    sent: i64,
    approved: i64,
    refused: i64,
}

/// Whether codes are sent at all.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SendingView {
    paused: bool,
    /// Why not.
    reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
}

/// Whether codes shall be sent.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct SendingBody {
    paused: bool,
    /// Why not, for whoever looks next; needed to stop.
    reason: Option<String>,
}

/// The gateways, those of this node in order of preference first.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct GatewaysView {
    gateways: Vec<GatewayView>,
}

#[derive(Serialize, ToSchema)]
struct GatewayView {
    name: String,
    /// Nodes that use it.
    nodes: usize,
    /// Nodes that pass it over (an open circuit breaker), since it failed five times in a row.
    nodes_passing_over: usize,
    /// The most failures in a row that a node has seen.
    failures: u32,
    /// When the last of those nodes tries it again.
    #[schema(value_type = Option<String>, format = DateTime)]
    open_until: Option<Timestamp>,
    /// 24 hours.
    day: SumView,
}

/// Countries by what went there in 24 hours, those with most messages first.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct CountriesView {
    countries: Vec<CountryView>,
}

#[derive(Serialize, ToSchema)]
struct CountryView {
    /// ISO 3166; empty where a number is of none.
    country: String,
    day: SumView,
}

impl From<&Sum> for SumView {
    fn from(sum: &Sum) -> Self {
        Self {
            started: sum.started,
            sent: sum.sent,
            delivered: sum.delivered,
            failed: sum.failed,
            approved: sum.approved,
            refused: sum.refused,
            spent_millionths: sum.spent,
            conversion_percent: sum.conversion_percent(),
            delivery_ms: sum.delivery_ms(),
        }
    }
}

impl From<Option<SendingPause>> for SendingView {
    fn from(pause: Option<SendingPause>) -> Self {
        let (reason, since) = pause.map(|pause| (pause.reason, pause.at)).unzip();
        Self { paused: since.is_some(), reason, since }
    }
}

/// `GET /admin/api/v1/now`: what happens now, a second behind. Wants `see_now`.
#[utoipa::path(get, path = "/admin/api/v1/now", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "What happens", body = NowView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn now(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeNow>,
) -> Result<Answer<NowView>, Problem> {
    let (oversight, now) = (&services.oversight, permit.now);
    let (hour, day) = (oversight.counted(HOUR, now).await?, oversight.counted(DAY, now).await?);
    let all = |counted: &[_]| SumView::from(&by(counted, |_| "").into_iter().next().unwrap_or_default());
    let minute = |(at, sum): (Timestamp, Sum)| MinuteView {
        at,
        started: sum.started,
        sent: sum.sent,
        approved: sum.approved,
        refused: sum.refused,
    };
    Ok(Answer(NowView {
        hour: all(&hour),
        day: all(&day),
        refusals: refusals(&day).into_iter().map(|(reason, number)| RefusalView { reason, number }).collect(),
        minutes: oversight.minutes(HOUR, now).await?.into_iter().map(minute).collect(),
        sending: oversight.sending_pause().await?.into(),
    }))
}

/// Why people were refused, the most frequent first.
pub(in crate::http) fn refusals(counted: &[crate::store::Counted]) -> Vec<(String, i64)> {
    let refused: Vec<_> = counted.iter().filter(|one| one.kind == "refused").cloned().collect();
    let mut reasons: Vec<_> =
        by(&refused, |one| &one.reason).into_iter().map(|sum| (sum.name, sum.refused)).collect();
    reasons.sort_by_key(|(_, number)| -number);
    reasons
}

/// `PUT /admin/api/v1/sending`: stops all sending on every node, or lets it go on. Wants `switch_sending`.
#[utoipa::path(put, path = "/admin/api/v1/sending", tag = "admin", request_body = SendingBody,
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "It is so", body = SendingView),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
))]
pub(in crate::http) async fn switch(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SwitchSending>,
    Json(body): Json<SendingBody>,
) -> Result<Answer<SendingView>, Problem> {
    switch_sending(&services, body.paused, body.reason.as_deref().unwrap_or_default(), permit.now).await?;
    Ok(Answer(services.oversight.sending_pause().await?.into()))
}

/// Stops all sending for a reason, or lets it go on.
pub(in crate::http) async fn switch_sending(
    services: &Services,
    paused: bool,
    reason: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    if !paused {
        services.oversight.resume_sending(now).await?;
        return Ok(());
    }
    if reason.trim().is_empty() {
        return Err(Problem::field("reason", "must say why, for whoever looks next"));
    }
    let reason = without_number(reason.trim()).map_err(|cause| Problem::look(&cause, now))?;
    let pause = SendingPause { reason: reason.to_owned(), at: now };
    Ok(services.oversight.pause_sending(&pause).await?)
}

/// `GET /admin/api/v1/gateways`: who delivers, and how well. Wants `see_gateways`.
#[utoipa::path(get, path = "/admin/api/v1/gateways", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The gateways", body = GatewaysView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn gateways(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeGateways>,
) -> Result<Answer<GatewaysView>, Problem> {
    let faring = faring(&services, permit.now).await?;
    let view = |(health, sum): (GatewayHealth, Sum)| GatewayView {
        day: SumView::from(&sum),
        name: health.name,
        nodes: health.nodes,
        nodes_passing_over: health.open,
        failures: health.failures,
        open_until: health.open_until,
    };
    Ok(Answer(GatewaysView { gateways: faring.into_iter().map(view).collect() }))
}

/// Every gateway with its health and what it did in 24 hours; those that delivered and are no longer configured last.
pub(in crate::http) async fn faring(
    services: &Services,
    now: Timestamp,
) -> Result<Vec<(GatewayHealth, Sum)>, Problem> {
    let health = services.oversight.gateway_health(now).await?;
    let mut sums = by(&services.oversight.counted(DAY, now).await?, |one| &one.gateway);
    sums.retain(|sum| !sum.name.is_empty() && sum.name != "none");
    let mut faring = Vec::with_capacity(health.len());
    for one in health {
        let place = sums.iter().position(|sum| sum.name == one.name);
        let sum = place.map(|place| sums.remove(place)).unwrap_or_default();
        faring.push((one, sum));
    }
    faring.extend(sums.into_iter().map(|sum| (GatewayHealth::unseen(&sum.name), sum)));
    Ok(faring)
}

/// `GET /admin/api/v1/countries`: where codes went. Wants `see_guard`.
#[utoipa::path(get, path = "/admin/api/v1/countries", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The countries", body = CountriesView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
))]
pub(in crate::http) async fn countries(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeGuard>,
) -> Result<Answer<CountriesView>, Problem> {
    let sums = by(&services.oversight.counted(DAY, permit.now).await?, |one| &one.country);
    let view = |sum: &Sum| CountryView { country: sum.name.clone(), day: SumView::from(sum) };
    Ok(Answer(CountriesView { countries: sums.iter().map(view).collect() }))
}
