//! Where codes go, by whom, and what admins decide of it.

use super::sums::{DAY, HOUR, Sum, by, sums};
use super::{Frame, Page, PageRefused, Section};
use crate::http::admin::{Fields, Permit, rights};
use crate::http::{Problem, Services};
use crate::model::policy::{Policy, PolicySubject, Verdict};
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
    let countries = by(&sums(services, DAY, now).await?, |one| &one.country);
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
    let unread = || {
        Problem::field("subject", "must be a country like FI, or a prefix like +35840 of at most 11 digits")
    };
    let reason = fields.text("reason").trim();
    if reason.chars().count() < crate::oversight::SHORTEST_REASON {
        return Err(Problem::field("reason", "must say why in at least 10 characters"));
    }
    let hours: Option<u64> = fields.text("hours").parse().ok().filter(|hours| *hours > 0);
    Ok(Policy {
        subject: PolicySubject::parse(fields.text("subject")).ok_or_else(unread)?,
        verdict: Verdict::parse(fields.text("verdict"))
            .ok_or_else(|| Problem::field("verdict", "must be block, allow or monitor"))?,
        reason: reason.to_owned(),
        set_by: by.to_owned(),
        set_at: now,
        expires_at: hours.map(|hours| now + HOUR * u32::try_from(hours.min(100_000)).unwrap_or(1)),
    })
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
    gateways: Vec<Sum>,
}

/// `GET /admin/gateways`.
pub(in crate::http) async fn gateways(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeGateways>,
) -> Result<Page<GatewaysPage>, PageRefused> {
    let counted = sums(&services, DAY, permit.now).await?;
    let gateways = by(&counted, |one| &one.gateway).into_iter().filter(|sum| !sum.name.is_empty()).collect();
    Ok(Page(GatewaysPage { frame: permit.frame(Section::Gateways), gateways }))
}
