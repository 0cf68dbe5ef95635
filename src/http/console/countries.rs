//! Where codes go, by whom, and what admins decide of it.

use super::sums::DAY;
use super::{Frame, Page, PageRefused, Section};
use crate::http::admin::policies::PolicyBody;
use crate::http::admin::sums::faring;
use crate::http::admin::{Fields, Permit, rights};
use crate::http::{Problem, Services};
use crate::model::policy::{Policy, PolicySubject, Verdict};
use crate::oversight::{GatewayHealth, Sum, by};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "countries.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct CountriesPage {
    frame: Frame,
    countries: Vec<Sum>,
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
    let countries = by(&services.oversight.counted(DAY, now).await?, |one| &one.country);
    let policies = services.oversight.policies(now).await?;
    let verdicts = [Verdict::Block, Verdict::Allow, Verdict::Monitor];
    Ok(CountriesPage { frame, countries, policies, verdicts, error })
}

/// `GET /admin/countries`.
pub(in crate::http) async fn page(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeGuard>,
) -> Result<Page<CountriesPage>, PageRefused> {
    Ok(Page(countries_page(&services, permit.frame(Section::Countries), permit.now, String::new()).await?))
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
    match decision(&fields, &permit.caller.name, permit.now) {
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
