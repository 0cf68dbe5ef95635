//! Taking up an invitation: a password, a second factor, recovery codes.

use super::{Outside, Page, PageRefused, again};
use crate::admins::{EnrolRefused, Offer};
use crate::http::admin::{Cookies, Fields, comes_from_here, know};
use crate::http::extract::Now;
use crate::http::{Problem, Services};
use crate::model::admin::{RecoveryCode, SHORTEST_PASSWORD};
use crate::model::secret::PlainSecret;
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "invited.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct InvitedPage {
    frame: Outside,
    error: String,
}

#[derive(Template)]
#[template(path = "enrol.html", config = "src/http/console/askama.toml")]
struct EnrolPage {
    frame: Outside,
    secret: String,
    /// What the second factor is made of beside it.
    nonce: String,
    name: String,
    roles: String,
    picture: String,
    typed: String,
    shortest: usize,
    error: String,
}

#[derive(Template)]
#[template(path = "enrolled.html", config = "src/http/console/askama.toml")]
struct EnrolledPage {
    frame: Outside,
    name: String,
    codes: Vec<String>,
}

const TITLE: &str = "Your account";

/// `GET /admin/enrol`: where an invitation is shown.
pub(in crate::http) async fn page(cookies: Cookies) -> Page<InvitedPage> {
    Page(InvitedPage { frame: outside(&cookies), error: String::new() })
}

/// `POST /admin/enrol`: what the invitation offers.
pub(in crate::http) async fn offer(
    State(services): State<Arc<Services>>,
    Now(now): Now,
    cookies: Cookies,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageRefused> {
    own(&headers, &services)?;
    let text = fields.text("secret").trim();
    let nonce = PlainSecret::random();
    let offer = match PlainSecret::parse(text) {
        Some(secret) => services.admins.offer((&secret, &nonce), now).await?,
        None => None,
    };
    Ok(match offer {
        Some(offer) => {
            Page(enrol_page(&cookies, (text, &nonce.expose()), &offer, String::new())).into_response()
        }
        None => unknown(&cookies, now),
    })
}

/// `POST /admin/enrol/finish`: sets the password and the second factor.
pub(in crate::http) async fn finish(
    State(services): State<Arc<Services>>,
    Now(now): Now,
    cookies: Cookies,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageRefused> {
    own(&headers, &services)?;
    let text = fields.text("secret");
    let shown = PlainSecret::parse(text).zip(PlainSecret::parse(fields.text("nonce")));
    let Some((secret, nonce)) = shown else { return Ok(unknown(&cookies, now)) };
    let enrolled =
        services.admins.enrol((&secret, &nonce), fields.text("password"), fields.text("code"), now).await;
    let refused = match enrolled {
        Ok(enrolled) => {
            let codes = enrolled.recovery.iter().map(RecoveryCode::expose).collect();
            let frame = outside(&cookies);
            let page = Page(EnrolledPage { frame, name: enrolled.name.to_string(), codes });
            return Ok((AppendHeaders([know(&enrolled.browser)]), page).into_response());
        }
        Err(EnrolRefused::Unknown) => return Ok(unknown(&cookies, now)),
        Err(refused) => refused,
    };
    let problem = Problem::enrol(&refused, now);
    let offer = services.admins.offer((&secret, &nonce), now).await?;
    let Some(offer) = offer else { return Ok(unknown(&cookies, now)) };
    let hidden = (text, fields.text("nonce"));
    Ok(again(enrol_page(&cookies, hidden, &offer, problem.detail().to_owned()), &problem))
}

fn own(headers: &HeaderMap, services: &Services) -> Result<(), Problem> {
    if comes_from_here(headers, services.public_host()) { Ok(()) } else { Err(Problem::forged()) }
}

fn unknown(cookies: &Cookies, now: Timestamp) -> Response {
    let problem = Problem::enrol(&EnrolRefused::Unknown, now);
    again(InvitedPage { frame: outside(cookies), error: problem.detail().to_owned() }, &problem)
}

fn enrol_page(cookies: &Cookies, (secret, nonce): (&str, &str), offer: &Offer, error: String) -> EnrolPage {
    let picture = offer.second_factor.picture(&offer.name).unwrap_or_default();
    EnrolPage {
        frame: outside(cookies),
        secret: secret.to_owned(),
        nonce: nonce.to_owned(),
        name: offer.name.to_string(),
        roles: offer.roles.to_string(),
        picture: format!("data:image/svg+xml;base64,{}", STANDARD.encode(picture)),
        typed: offer.second_factor.typed(),
        shortest: SHORTEST_PASSWORD,
        error,
    }
}

fn outside(cookies: &Cookies) -> Outside {
    Outside { title: TITLE, theme: cookies.theme }
}
