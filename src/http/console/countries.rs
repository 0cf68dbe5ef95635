//! Where codes go, by whom, and what admins decide of it.

use super::sums::DAY;
use super::{Frame, Page, PageRefused, Section};
use crate::http::admin::policies::PolicyBody;
use crate::http::admin::sums::faring;
use crate::http::admin::{Fields, Permit, rights};
use crate::http::{Problem, Services};
use crate::model::policy::{Policy, PolicySubject, Verdict};
use crate::oversight::{GatewayHealth, GuardState, Sum, by};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use std::sync::Arc;

/// Countries that are shown, those with most messages first.
const MOST: usize = 60;

/// What else the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Asked {
    prefix: String,
}

#[derive(Template)]
#[template(path = "countries.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct CountriesPage {
    frame: Frame,
    countries: Vec<(Sum, Option<GuardState>)>,
    /// A prefix that was asked for, with how the guard stands there.
    asked: String,
    guards: Vec<GuardState>,
    policies: Vec<Policy>,
    verdicts: [Verdict; 3],
    error: String,
}

async fn countries_page(
    services: &Services,
    frame: Frame,
    now: Timestamp,
    error: String,
) -> Result<CountriesPage, Problem> {
    let mut countries = Vec::new();
    for sum in by(&services.oversight.counted(DAY, now).await?, |one| &one.country).into_iter().take(MOST) {
        let guards = match PolicySubject::parse(&sum.name) {
            Some(country) => services.oversight.guard_states(&country, now).await?,
            None => Vec::new(),
        };
        countries.push((sum, guards.into_iter().next()));
    }
    let policies = services.oversight.policies(now).await?;
    let verdicts = [Verdict::Block, Verdict::Allow, Verdict::Monitor];
    let (asked, guards) = (String::new(), Vec::new());
    Ok(CountriesPage { frame, countries, asked, guards, policies, verdicts, error })
}

/// `GET /admin/countries`.
pub(in crate::http) async fn page(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeGuard>,
    Query(asked): Query<Asked>,
) -> Result<Page<CountriesPage>, PageRefused> {
    let frame = permit.frame(Section::Countries);
    let may_prefix = frame.may("filter_by_prefix");
    let mut page = countries_page(&services, frame, permit.now, String::new()).await?;
    match PolicySubject::parse(&asked.prefix).filter(|subject| subject.kind() == "prefix") {
        Some(prefix) if may_prefix => {
            page.guards =
                services.oversight.guard_states(&prefix, permit.now).await.map_err(Problem::from)?;
            prefix.as_str().clone_into(&mut page.asked);
        }
        _ if asked.prefix.is_empty() => {}
        _ => "A prefix is a plus sign and at most 11 digits, for roles that may filter by it."
            .clone_into(&mut page.error),
    }
    Ok(Page(page))
}

/// What a form decides of a country or prefix.
fn decision(fields: &Fields, by: &str, now: Timestamp) -> Result<Policy, Problem> {
    let hours = fields.text("hours").trim();
    let body = PolicyBody {
        verdict: fields.text("verdict").to_owned(),
        reason: fields.text("reason").to_owned(),
        hours: (!hours.is_empty()).then(|| hours.parse().unwrap_or(0)),
    };
    body.decision(fields.text("subject"), by, now)
}

/// `POST /admin/countries/policy`.
pub(in crate::http) async fn set_policy(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::ChangeGuard>,
    fields: Fields,
) -> Result<Response, PageRefused> {
    match decision(&fields, &permit.caller.signature(), permit.now) {
        Ok(policy) => {
            services.oversight.set_policy(&policy).await.map_err(Problem::from)?;
            Ok(Redirect::to("/admin/countries").into_response())
        }
        Err(problem) => {
            let (frame, detail) = (permit.frame(Section::Countries), problem.detail().to_owned());
            Ok(Page(countries_page(&services, frame, permit.now, detail).await?).into_response())
        }
    }
}

/// `POST /admin/countries/remove`.
pub(in crate::http) async fn remove_policy(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::ChangeGuard>,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let subject = PolicySubject::parse(fields.text("subject")).ok_or_else(Problem::not_found)?;
    services.oversight.remove_policy(&subject, "taken back", permit.now).await.map_err(Problem::from)?;
    Ok(Redirect::to("/admin/countries").into_response())
}

#[derive(Template)]
#[template(path = "gateways.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct GatewaysPage {
    frame: Frame,
    gateways: Vec<(GatewayHealth, Sum)>,
}

/// `GET /admin/gateways`.
pub(in crate::http) async fn gateways(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeGateways>,
) -> Result<Page<GatewaysPage>, PageRefused> {
    let gateways = faring(&services, permit.now).await?;
    Ok(Page(GatewaysPage { frame: permit.frame(Section::Gateways), gateways }))
}
