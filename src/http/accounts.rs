//! `/v1/accounts` and `/v1/account`: what a grant buys.

use super::callers::Device;
use super::extract::{Json, Now};
use super::layers::unbroken;
use super::meta::ProblemDocument;
use super::{Problem, Services};
use crate::model::account::Platform;
use crate::model::id::{AccountId, DeviceId};
use crate::registration::{AccountState, RegisterRequest};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

const LONGEST_NAME: usize = 100;

/// A registration.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct RegisterBody {
    /// The grant of an approved check.
    grant: String,
    device: DeviceBody,
    /// Whether lookups may find the account; a new one yes, a known one as before.
    discoverable: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
struct DeviceBody {
    /// What its owner calls it, 1 to 100 characters.
    #[schema(example = "Anna's phone")]
    name: String,
    platform: Platform,
}

/// A registered device.
#[derive(Serialize, ToSchema)]
pub(super) struct RegisteredView {
    account_id: AccountId,
    device_id: DeviceId,
    /// Nobody is shown it again.
    device_token: String,
    /// Whether the account is new.
    created: bool,
}

/// What to change of an account.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ChangeBody {
    /// Whether lookups may find it.
    discoverable: bool,
}

/// An account, as its devices see it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountView {
    account_id: AccountId,
    /// Country code and last two digits.
    phone_number: String,
    discoverable: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<AccountState> for AccountView {
    fn from(AccountState { account, number }: AccountState) -> Self {
        Self {
            account_id: account.id,
            phone_number: number.masked(),
            discoverable: account.discoverable,
            created_at: account.created_at,
        }
    }
}

impl RegisterBody {
    fn read(self) -> Result<RegisterRequest, Problem> {
        let name = self.device.name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(Problem::field("device.name", "must be 1 to 100 characters"));
        }
        Ok(RegisterRequest {
            device_name: name.to_owned(),
            grant: self.grant,
            platform: self.device.platform,
            discoverable: self.discoverable,
        })
    }
}

/// `POST /v1/accounts`: spends a grant on a device.
#[utoipa::path(post, path = "/v1/accounts", tag = "accounts", request_body = RegisterBody, responses(
    (status = 201, description = "A new account", body = RegisteredView),
    (status = 200, description = "A known number: a device more", body = RegisteredView),
    (status = 400, description = "`grant_invalid`, `field_invalid`", body = ProblemDocument),
    (status = 409, description = "`grant_used`", body = ProblemDocument),
    (status = 410, description = "`grant_expired`", body = ProblemDocument),
    (status = 423, description = "`account_locked`: whoever runs the service has locked the number's account", body = ProblemDocument),
))]
pub(super) async fn register(
    State(services): State<Arc<Services>>,
    Now(now): Now,
    Json(body): Json<RegisterBody>,
) -> Result<(StatusCode, Answer<RegisteredView>), Problem> {
    let request = body.read()?;
    let accounts = services.accounts.clone();
    let registered = unbroken(&services, async move { accounts.register(&request, now).await }).await?;
    let registered = registered.map_err(|refused| Problem::register(&refused))?;
    let status = if registered.created { StatusCode::CREATED } else { StatusCode::OK };
    let view = RegisteredView {
        account_id: registered.account,
        device_id: registered.device,
        device_token: registered.token.expose(),
        created: registered.created,
    };
    Ok((status, Answer(view)))
}

/// `GET /v1/account`: the caller's account.
#[utoipa::path(get, path = "/v1/account", tag = "accounts", security(("device_token" = [])), responses(
    (status = 200, description = "The account", body = AccountView),
    (status = 401, description = "`token_invalid`", body = ProblemDocument),
))]
pub(super) async fn state(
    State(services): State<Arc<Services>>,
    Device(caller): Device,
) -> Result<Answer<AccountView>, Problem> {
    let state = services.accounts.state(&caller).await?.ok_or_else(Problem::token_invalid)?;
    Ok(Answer(state.into()))
}

/// `PATCH /v1/account`: lists or hides the caller's account.
#[utoipa::path(patch, path = "/v1/account", tag = "accounts", security(("device_token" = [])),
    request_body = ChangeBody, responses(
    (status = 200, description = "The account as it is now", body = AccountView),
    (status = 401, description = "`token_invalid`", body = ProblemDocument),
))]
pub(super) async fn change(
    State(services): State<Arc<Services>>,
    Device(caller): Device,
    Now(now): Now,
    Json(body): Json<ChangeBody>,
) -> Result<Answer<AccountView>, Problem> {
    let accounts = services.accounts.clone();
    let change = async move { accounts.set_discoverable(&caller, body.discoverable, now).await };
    let state = unbroken(&services, change).await??.ok_or_else(Problem::token_invalid)?;
    Ok(Answer(state.into()))
}

/// `DELETE /v1/account`: erases the caller's account with all its devices.
#[utoipa::path(delete, path = "/v1/account", tag = "accounts", security(("device_token" = [])), responses(
    (status = 204, description = "Erased"),
    (status = 401, description = "`token_invalid`", body = ProblemDocument),
))]
pub(super) async fn erase(
    State(services): State<Arc<Services>>,
    Device(caller): Device,
) -> Result<StatusCode, Problem> {
    let accounts = services.accounts.clone();
    let now = services.clock.now();
    let erased = unbroken(&services, async move { accounts.erase(&caller, now).await }).await??;
    if erased { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::token_invalid()) }
}
