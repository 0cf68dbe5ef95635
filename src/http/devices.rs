//! `/v1/devices`: the devices of an account.

use super::callers::Device;
use super::extract::{Name, Now};
use super::layers::unbroken;
use super::meta::ProblemDocument;
use super::{Problem, Services};
use crate::devices::NamedDevice;
use crate::model::account::Platform;
use crate::model::id::DeviceId;
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The devices of an account, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DevicesView {
    devices: Vec<DeviceView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DeviceView {
    device_id: DeviceId,
    name: String,
    platform: Platform,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// To the day.
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: Timestamp,
    /// Whether it is the one that asks.
    current: bool,
}

impl DeviceView {
    fn new(NamedDevice { device, name }: NamedDevice, caller: DeviceId) -> Self {
        Self {
            device_id: device.id,
            name,
            platform: device.platform,
            created_at: device.created_at,
            last_seen_at: device.last_seen_at,
            current: device.id == caller,
        }
    }
}

/// `GET /v1/devices`: the devices of the caller's account.
#[utoipa::path(get, path = "/v1/devices", tag = "devices", security(("device_token" = [])), responses(
    (status = 200, description = "The devices", body = DevicesView),
    (status = 401, description = "`token_invalid`", body = ProblemDocument),
))]
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    Device(caller): Device,
) -> Result<Answer<DevicesView>, Problem> {
    let devices = services.devices.list(&caller).await?;
    let devices = devices.into_iter().map(|device| DeviceView::new(device, caller.device())).collect();
    Ok(Answer(DevicesView { devices }))
}

/// `DELETE /v1/devices/{id}`: ends a device; its token is refused from now on.
#[utoipa::path(delete, path = "/v1/devices/{id}", tag = "devices", security(("device_token" = [])),
    params(("id" = String, Path, description = "The device")), responses(
    (status = 204, description = "Revoked"),
    (status = 401, description = "`token_invalid`", body = ProblemDocument),
    (status = 404, description = "`not_found`: the account has no such device", body = ProblemDocument),
))]
pub(super) async fn revoke(
    State(services): State<Arc<Services>>,
    Device(caller): Device,
    Now(now): Now,
    Name(id): Name,
) -> Result<StatusCode, Problem> {
    let id = DeviceId::parse(&id).ok_or_else(Problem::not_found)?;
    let devices = services.devices.clone();
    let revoked = unbroken(&services, async move { devices.revoke(&caller, id, now).await }).await??;
    if revoked { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}
