//! The team: admins with their roles, and API tokens.

use super::{Frame, Page, PageRefused, Section, again};
use crate::admins::{MadeApiToken, TokenRequest};
use crate::http::admin::{Fields, Fresh, Permit, enrol_link, rights};
use crate::http::extract::Name;
use crate::http::{Problem, Services};
use crate::model::admin::{AdminName, Role};
use crate::model::id::{AdminId, ApiTokenId};
use crate::store::{Admin, KeptApiToken, ResetBy};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

const PAGE: &str = "/admin/team";
const DAY: Duration = Duration::from_hours(24);

#[derive(Template)]
#[template(path = "team.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct TeamPage {
    frame: Frame,
    admins: Vec<Admin>,
    tokens: Vec<KeptApiToken>,
    roles: &'static [Role],
    you: Option<AdminId>,
    now: Timestamp,
    error: String,
}

/// What is shown once.
#[derive(Template)]
#[template(path = "shown-once.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct OncePage {
    frame: Frame,
    title: &'static str,
    told: String,
    secret: String,
}

impl TeamPage {
    async fn new(
        services: &Services,
        (frame, you): (Frame, Option<AdminId>),
        now: Timestamp,
        error: String,
    ) -> Result<Self, Problem> {
        let (admins, tokens) = (services.admins.team().await?, services.admins.tokens().await?);
        Ok(Self { frame, admins, tokens, roles: Role::ALL, you, now, error })
    }

    /// Whether the admin may change the team just now.
    fn may_change(&self) -> bool {
        self.frame.fresh && self.frame.may("manage_team")
    }

    /// Whether an admin may still take up the invitation.
    fn is_invited(&self, admin: &Admin) -> bool {
        admin.invited_until.is_some_and(|until| self.now < until)
    }

    /// Whether that is the admin who looks.
    fn is_you(&self, admin: &Admin) -> bool {
        self.you == Some(admin.id)
    }

    /// What a role is there for.
    #[expect(clippy::unused_self, reason = "templates ask the page")]
    const fn told(&self, role: Role) -> &'static str {
        match role {
            Role::Viewer => "sees what goes on, numbers masked",
            Role::Support => "helps people: reveals numbers, revokes devices, unblocks numbers",
            Role::Fraud => "keeps abuse out: countries, prefixes, the kill switch",
            Role::Auditor => "reads, exports and verifies the audit log; sees no personal data",
            Role::Admin => "all of it, and the team",
        }
    }

    /// The name of whoever made a token.
    fn maker(&self, token: &KeptApiToken) -> String {
        let maker = self.admins.iter().find(|admin| admin.id == token.made_by);
        maker.map_or_else(|| "somebody".to_owned(), |admin| admin.name.to_string())
    }
}

/// `GET /admin/team`.
pub(in crate::http) async fn page(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeTeam>,
) -> Result<Page<TeamPage>, PageRefused> {
    let frame = (permit.frame(Section::Team), permit.caller.admin());
    Ok(Page(TeamPage::new(&services, frame, permit.now, String::new()).await?))
}

/// `POST /admin/team/invite`.
pub(in crate::http) async fn invite(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let Some(name) = AdminName::parse(fields.text("name")) else {
        return refused(&services, &permit, &Problem::admin_name()).await;
    };
    let told = format!("The link is for {name} alone. It works once, within an hour.");
    match services.admins.invite(&permit.caller, name, fields.roles(), permit.now).await {
        Ok(secret) => {
            let secret = enrol_link(&services, &headers, &secret);
            Ok(once(&permit, "An invitation", told, secret))
        }
        Err(cause) => refused(&services, &permit, &Problem::team(&cause)).await,
    }
}

/// `POST /admin/team/{id}/roles`.
pub(in crate::http) async fn set_roles(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Name(id): Name,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let id = AdminId::parse(&id).ok_or_else(Problem::not_found)?;
    let set = services.admins.set_roles(&permit.caller, id, &fields.roles(), permit.now).await;
    ended(&services, &permit, set.map_err(|cause| Problem::team(&cause))).await
}

/// `POST /admin/team/{id}/disable`.
pub(in crate::http) async fn disable(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Name(id): Name,
) -> Result<Response, PageRefused> {
    let id = AdminId::parse(&id).ok_or_else(Problem::not_found)?;
    let disabled = services.admins.disable(id, permit.now).await;
    ended(&services, &permit, disabled.map_err(|cause| Problem::team(&cause))).await
}

/// `POST /admin/team/{id}/enable`.
pub(in crate::http) async fn enable(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Name(id): Name,
) -> Result<Response, PageRefused> {
    let id = AdminId::parse(&id).ok_or_else(Problem::not_found)?;
    let enabled = services.admins.enable(id, permit.now).await;
    ended(&services, &permit, enabled.map_err(|cause| Problem::team(&cause))).await
}

/// `POST /admin/team/{id}/end-sessions`.
pub(in crate::http) async fn end_sessions(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Name(id): Name,
) -> Result<Response, PageRefused> {
    let id = AdminId::parse(&id).ok_or_else(Problem::not_found)?;
    let all = services.admins.end_sessions(id, permit.now).await;
    ended(&services, &permit, all.map_err(Problem::from)).await
}

/// `POST /admin/team/{id}/reset`.
pub(in crate::http) async fn reset(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Name(id): Name,
    headers: HeaderMap,
) -> Result<Response, PageRefused> {
    let id = AdminId::parse(&id).ok_or_else(Problem::not_found)?;
    match services.admins.reset(id, ResetBy::Admin, permit.now).await {
        Ok(secret) => {
            let told =
                "The old password, second factor and sessions are void. The link works once, within an hour.";
            Ok(once(&permit, "A new beginning", told.to_owned(), enrol_link(&services, &headers, &secret)))
        }
        Err(cause) => refused(&services, &permit, &Problem::team(&cause)).await,
    }
}

/// `POST /admin/team/tokens`.
pub(in crate::http) async fn make_token(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let days = fields.text("days").parse::<u32>().unwrap_or(0).min(10_000);
    let name = fields.text("name").trim().to_owned();
    let request = TokenRequest { name, roles: fields.roles(), lifetime: DAY * days };
    let made = if let Some(problem) = Problem::token_request(&request) {
        Err(problem)
    } else {
        let made = services.admins.make_token(&permit.caller, request, permit.now).await;
        made.map_err(|cause| Problem::token(&cause))
    };
    match made {
        Ok(MadeApiToken { token, expires_at }) => {
            let told = format!("Nobody is shown it again. It works until {expires_at:.0}.");
            Ok(once(&permit, "An API token", told, token.expose()))
        }
        Err(problem) => refused(&services, &permit, &problem).await,
    }
}

/// `POST /admin/team/tokens/{id}/revoke`.
pub(in crate::http) async fn revoke_token(
    State(services): State<Arc<Services>>,
    permit: Fresh<rights::ManageTeam>,
    Name(id): Name,
) -> Result<Response, PageRefused> {
    let id = ApiTokenId::parse(&id).ok_or_else(Problem::not_found)?;
    let revoked = services.admins.revoke_token(id, permit.now).await;
    let revoked =
        revoked.map_err(Problem::from).and_then(|done| done.then_some(()).ok_or_else(Problem::not_found));
    ended(&services, &permit, revoked).await
}

/// Back to the page, or the page with why nothing was done.
async fn ended(
    services: &Services,
    permit: &Fresh<rights::ManageTeam>,
    outcome: Result<(), Problem>,
) -> Result<Response, PageRefused> {
    match outcome {
        Ok(()) => Ok(Redirect::to(PAGE).into_response()),
        Err(problem) => refused(services, permit, &problem).await,
    }
}

async fn refused(
    services: &Services,
    permit: &Fresh<rights::ManageTeam>,
    problem: &Problem,
) -> Result<Response, PageRefused> {
    let frame = (permit.frame(Section::Team), permit.caller.admin());
    let page = TeamPage::new(services, frame, permit.now, problem.detail().to_owned()).await?;
    Ok(again(page, problem))
}

fn once(permit: &Fresh<rights::ManageTeam>, title: &'static str, told: String, secret: String) -> Response {
    Page(OncePage { frame: permit.frame(Section::Team), title, told, secret }).into_response()
}
