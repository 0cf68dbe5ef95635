//! Accounts: looked up, their devices revoked, locked, exported, erased.

use super::{Frame, Page, PageRefused, Section};
use crate::http::admin::{Fields, Fresh, Permit, rights};
use crate::http::extract::Name;
use crate::http::{Problem, Services};
use crate::model::id::{AccountId, DeviceId};
use crate::model::number::PhoneNumber;
use crate::oversight::{FoundAccount, LookRefused};
use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "accounts.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct SearchPage {
    frame: Frame,
    error: String,
}

/// `GET /admin/accounts`.
pub(in crate::http) async fn page(permit: Permit<rights::SeeAccounts>) -> Page<SearchPage> {
    Page(SearchPage { frame: permit.frame(Section::Accounts), error: String::new() })
}

/// `POST /admin/accounts/search`: by a whole number or an account's id.
pub(in crate::http) async fn search(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SearchByNumber>,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let text = fields.text("wanted").trim();
    let found = match AccountId::parse(text) {
        Some(id) => Ok(Some(id)),
        None => match PhoneNumber::parse(text, None) {
            Err(cause) => {
                Err(format!("This is no number: {cause}. Type it with its country code, like +358…"))
            }
            Ok(number) => match services.oversight.search(&permit.caller, &number, permit.now).await {
                Ok(index) => Ok(services.oversight.account_of(&index).await.map_err(Problem::from)?),
                Err(cause) => Err(Problem::look(&cause, permit.now).detail().to_owned()),
            },
        },
    };
    let error = match found {
        Ok(Some(id)) => return Ok(Redirect::to(&format!("/admin/accounts/{id}")).into_response()),
        Ok(None) => "No account has this number.".to_owned(),
        Err(error) => error,
    };
    Ok(Page(SearchPage { frame: permit.frame(Section::Accounts), error }).into_response())
}

#[derive(Template)]
#[template(path = "account.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct AccountPage {
    frame: Frame,
    id: AccountId,
    found: FoundAccount,
    revealed: String,
    told: &'static str,
    error: String,
}

fn id(text: &str) -> Result<AccountId, Problem> {
    AccountId::parse(text).ok_or_else(Problem::not_found)
}

async fn account(services: &Services, frame: Frame, id: AccountId) -> Result<AccountPage, Problem> {
    let found = services.oversight.account(id).await?.ok_or_else(Problem::not_found)?;
    Ok(AccountPage { frame, id, found, revealed: String::new(), told: "", error: String::new() })
}

/// The page after something was done, or not.
async fn after(
    services: &Services,
    (frame, id): (Frame, AccountId),
    done: Result<&'static str, LookRefused>,
    now: Timestamp,
) -> Result<Response, PageRefused> {
    let mut page = account(services, frame, id).await?;
    match done {
        Ok(told) => page.told = told,
        Err(cause) => Problem::look(&cause, now).detail().clone_into(&mut page.error),
    }
    Ok(Page(page).into_response())
}

/// `GET /admin/accounts/{id}`.
pub(in crate::http) async fn one(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeAccounts>,
    Name(name): Name,
) -> Result<Page<AccountPage>, PageRefused> {
    Ok(Page(account(&services, permit.frame(Section::Accounts), id(&name)?).await?))
}

/// `POST /admin/accounts/{id}/reveal`.
pub(in crate::http) async fn reveal(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::Reveal>,
    Name(name): Name,
    fields: Fields,
) -> Result<Page<AccountPage>, PageRefused> {
    let mut page = account(&services, permit.frame(Section::Accounts), id(&name)?).await?;
    let shown = services.oversight.reveal_account(&permit.caller, page.id, fields.text("reason"), permit.now);
    match shown.await {
        Ok(number) => number.e164().clone_into(&mut page.revealed),
        Err(cause) => Problem::look(&cause, permit.now).detail().clone_into(&mut page.error),
    }
    Ok(Page(page))
}

/// `POST /admin/accounts/{id}/revoke`.
pub(in crate::http) async fn revoke(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::RevokeDevice>,
    Name(name): Name,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let id = id(&name)?;
    let device = DeviceId::parse(fields.text("device")).ok_or_else(Problem::not_found)?;
    let done = services.oversight.revoke(id, device, permit.now).await.map(|()| "The device is revoked.");
    after(&services, (permit.frame(Section::Accounts), id), done, permit.now).await
}

/// `POST /admin/accounts/{id}/lock`.
pub(in crate::http) async fn lock(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::LockAccount>,
    Name(name): Name,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let id = id(&name)?;
    let done = services.oversight.lock(id, fields.text("reason"), permit.now).await;
    let done = done.map(|()| "The account is locked: its devices are refused.");
    after(&services, (permit.frame(Section::Accounts), id), done, permit.now).await
}

/// `POST /admin/accounts/{id}/unlock`.
pub(in crate::http) async fn unlock(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::LockAccount>,
    Name(name): Name,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let id = id(&name)?;
    let done = services.oversight.unlock(id, fields.text("reason"), permit.now).await;
    let done = done.map(|()| "The account may go on.");
    after(&services, (permit.frame(Section::Accounts), id), done, permit.now).await
}

/// `POST /admin/accounts/{id}/erase`.
pub(in crate::http) async fn erase(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::EraseAccount>,
    Name(name): Name,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let id = id(&name)?;
    if fields.text("sure") != "yes" {
        let problem = Problem::field("sure", "must be ticked: an erasure cannot be undone");
        let mut page = account(&services, permit.frame(Section::Accounts), id).await?;
        problem.detail().clone_into(&mut page.error);
        return Ok(Page(page).into_response());
    }
    let erased = services.oversight.erase(id, permit.now).await;
    erased.map_err(|cause| Problem::look(&cause, permit.now))?;
    let error = "The account is erased, with all that was kept of its person.".to_owned();
    Ok(Page(SearchPage { frame: permit.frame(Section::Accounts), error }).into_response())
}

/// `POST /admin/accounts/{id}/export`: all that is kept of a person, as JSON.
pub(in crate::http) async fn export(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ExportPerson>,
    Name(name): Name,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let exported =
        services.oversight.export(&permit.caller, id(&name)?, fields.text("reason"), permit.now).await;
    let exported = exported.map_err(|cause| Problem::look(&cause, permit.now))?;
    let named = [(header::CONTENT_DISPOSITION, "attachment; filename=\"person.json\"")];
    Ok((named, Json(exported)).into_response())
}
