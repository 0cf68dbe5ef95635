//! `/admin/api/v1/accounts`: registered numbers, and what admins do for them and to them.

use super::verifications::{NumberBody, ReasonBody, RevealedView};
use super::{Fresh, Permit, rights};
use crate::devices::NamedDevice;
use crate::http::extract::{Json, Name, Names};
use crate::http::meta::ProblemDocument;
use crate::http::{Problem, Services};
use crate::model::id::{AccountId, DeviceId};
use crate::oversight::{FoundAccount, PersonExport};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What a number leads to.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct FoundView {
    /// Its account, if it has one.
    account_id: Option<AccountId>,
}

/// An account.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AccountView {
    account_id: AccountId,
    /// Masked: country code and last two digits.
    phone_number: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Whether lookups find it.
    discoverable: bool,
    /// Why and since when its devices are refused.
    lock: Option<LockView>,
    /// The oldest first.
    devices: Vec<DeviceView>,
}

#[derive(Serialize, ToSchema)]
struct LockView {
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    reason: String,
}

#[derive(Serialize, ToSchema)]
struct DeviceView {
    id: DeviceId,
    name: String,
    platform: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// To the day.
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: Timestamp,
}

impl From<NamedDevice> for DeviceView {
    fn from(named: NamedDevice) -> Self {
        Self {
            id: named.device.id,
            name: named.name,
            platform: named.device.platform.as_str().to_owned(),
            created_at: named.device.created_at,
            last_seen_at: named.device.last_seen_at,
        }
    }
}

impl From<FoundAccount> for AccountView {
    fn from(found: FoundAccount) -> Self {
        let account = &found.state.account;
        Self {
            account_id: account.id,
            phone_number: found.state.number.masked(),
            created_at: account.created_at,
            discoverable: account.discoverable,
            lock: found.lock.map(|lock| LockView { since: lock.at, reason: lock.reason }),
            devices: found.devices.into_iter().map(DeviceView::from).collect(),
        }
    }
}

/// The account that a path names.
fn account(id: &str) -> Result<AccountId, Problem> {
    AccountId::parse(id).ok_or_else(Problem::not_found)
}

/// `POST /admin/api/v1/accounts/search`: the account of a whole number; the search is written to the audit log. Wants
/// `search_by_number`.
#[utoipa::path(post, path = "/admin/api/v1/accounts/search", tag = "admin", request_body = NumberBody,
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The account, or null", body = FoundView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
    (status = 422, description = "`number_invalid`", body = ProblemDocument),
    (status = 429, description = "`rate_limited`: searched as often as an hour allows", body = ProblemDocument),
))]
pub(in crate::http) async fn search(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SearchByNumber>,
    Json(body): Json<NumberBody>,
) -> Result<Answer<FoundView>, Problem> {
    let index = services.oversight.search(&permit.caller, &body.number()?, permit.now).await;
    let index = index.map_err(|cause| Problem::look(&cause, permit.now))?;
    Ok(Answer(FoundView { account_id: services.oversight.account_of(&index).await? }))
}

/// `GET /admin/api/v1/accounts/{id}`: an account with its devices. Wants `see_accounts`.
#[utoipa::path(get, path = "/admin/api/v1/accounts/{id}", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 200, description = "The account", body = AccountView),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
))]
pub(in crate::http) async fn one(
    State(services): State<Arc<Services>>,
    _: Permit<rights::SeeAccounts>,
    Name(id): Name,
) -> Result<Answer<AccountView>, Problem> {
    let found = services.oversight.account(account(&id)?).await?.ok_or_else(Problem::not_found)?;
    Ok(Answer(found.into()))
}

/// `POST /admin/api/v1/accounts/{id}/reveal`: its whole number. Wants `reveal` and a fresh second factor.
#[utoipa::path(post, path = "/admin/api/v1/accounts/{id}/reveal", tag = "admin",
    security(("admin_session" = [])), request_body = ReasonBody, responses(
    (status = 200, description = "The number", body = RevealedView),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `second_factor_due`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
    (status = 429, description = "`rate_limited`: shown as many as an hour allows", body = ProblemDocument),
))]
pub(in crate::http) async fn reveal(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::Reveal>,
    Name(id): Name,
    Json(body): Json<ReasonBody>,
) -> Result<Answer<RevealedView>, Problem> {
    let shown =
        services.oversight.reveal_account(&permit.caller, account(&id)?, &body.reason, permit.now).await;
    let number = shown.map_err(|cause| Problem::look(&cause, permit.now))?;
    Ok(Answer(RevealedView { phone_number: number.e164().to_owned() }))
}

/// `POST /admin/api/v1/accounts/{id}/lock`: its devices are refused on every node within a second, and no new one is
/// registered. Wants `lock_account`.
#[utoipa::path(post, path = "/admin/api/v1/accounts/{id}/lock", tag = "admin", request_body = ReasonBody,
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 204, description = "Locked"),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
    (status = 409, description = "`unchanged`: it is locked", body = ProblemDocument),
))]
pub(in crate::http) async fn lock(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::LockAccount>,
    Name(id): Name,
    Json(body): Json<ReasonBody>,
) -> Result<StatusCode, Problem> {
    let done = services.oversight.lock(account(&id)?, &body.reason, permit.now).await;
    done.map_err(|cause| Problem::look(&cause, permit.now))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /admin/api/v1/accounts/{id}/unlock`: it may go on. Wants `lock_account`.
#[utoipa::path(post, path = "/admin/api/v1/accounts/{id}/unlock", tag = "admin", request_body = ReasonBody,
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 204, description = "Unlocked"),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
    (status = 409, description = "`unchanged`: it is not locked", body = ProblemDocument),
))]
pub(in crate::http) async fn unlock(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::LockAccount>,
    Name(id): Name,
    Json(body): Json<ReasonBody>,
) -> Result<StatusCode, Problem> {
    let done = services.oversight.unlock(account(&id)?, &body.reason, permit.now).await;
    done.map_err(|cause| Problem::look(&cause, permit.now))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /admin/api/v1/accounts/{id}/export`: all that is kept of its person. Wants `export_person` and a fresh second
/// factor.
#[utoipa::path(post, path = "/admin/api/v1/accounts/{id}/export", tag = "admin",
    security(("admin_session" = [])), request_body = ReasonBody, responses(
    (status = 200, description = "All that is kept", body = PersonExport),
    (status = 400, description = "`field_invalid`", body = ProblemDocument),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `second_factor_due`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
    (status = 429, description = "`rate_limited`: shown as many as an hour allows", body = ProblemDocument),
))]
pub(in crate::http) async fn export(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ExportPerson>,
    Name(id): Name,
    Json(body): Json<ReasonBody>,
) -> Result<Answer<PersonExport>, Problem> {
    let exported = services.oversight.export(&permit.caller, account(&id)?, &body.reason, permit.now).await;
    exported.map(Answer).map_err(|cause| Problem::look(&cause, permit.now))
}

/// `DELETE /admin/api/v1/accounts/{id}`: erases it with all that is kept of its person, for good. Wants `erase_account` and
/// a fresh second factor.
#[utoipa::path(delete, path = "/admin/api/v1/accounts/{id}", tag = "admin",
    security(("admin_session" = [])), responses(
    (status = 204, description = "Erased"),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `second_factor_due`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
))]
pub(in crate::http) async fn erase(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::EraseAccount>,
    Name(id): Name,
) -> Result<StatusCode, Problem> {
    let erased = services.oversight.erase(account(&id)?, permit.now).await;
    erased.map_err(|cause| Problem::look(&cause, permit.now))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /admin/api/v1/accounts/{id}/devices/{device}`: ends a device, on every node within a second. Wants
/// `revoke_device`.
#[utoipa::path(delete, path = "/admin/api/v1/accounts/{id}/devices/{device}", tag = "admin",
    security(("admin_session" = []), ("api_token" = [])), responses(
    (status = 204, description = "Revoked"),
    (status = 401, description = "`not_signed_in`", body = ProblemDocument),
    (status = 403, description = "`not_permitted`, `request_forged`", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
))]
pub(in crate::http) async fn revoke(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::RevokeDevice>,
    Names(id, device): Names,
) -> Result<StatusCode, Problem> {
    let device = DeviceId::parse(&device).ok_or_else(Problem::not_found)?;
    let revoked = services.oversight.revoke(account(&id)?, device, permit.now).await;
    revoked.map_err(|cause| Problem::look(&cause, permit.now))?;
    Ok(StatusCode::NO_CONTENT)
}
