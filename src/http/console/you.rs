//! What an admin has of their own: sessions, password, recovery codes.

use super::{Frame, Page, PageRefused, Section, again};
use crate::http::admin::{Cookies, Fields, FreshlySignedIn, SignedIn, end};
use crate::http::{Problem, Services};
use crate::model::admin::{RecoveryCode, SHORTEST_PASSWORD};
use askama::Template;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "you.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct YouPage {
    frame: Frame,
    sessions: Vec<SessionRow>,
    codes_left: u64,
    shortest: usize,
    error: String,
    done: String,
}

struct SessionRow {
    begun: Timestamp,
    seen: Timestamp,
}

#[derive(Template)]
#[template(path = "recovery-codes.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct CodesPage {
    frame: Frame,
    codes: Vec<String>,
}

/// `GET /admin/you`.
pub(in crate::http) async fn page(
    State(services): State<Arc<Services>>,
    signed_in: SignedIn,
) -> Result<Page<YouPage>, PageRefused> {
    Ok(Page(you(&services, &signed_in, String::new(), String::new()).await?))
}

/// `POST /admin/you/password`.
pub(in crate::http) async fn change_password(
    State(services): State<Arc<Services>>,
    FreshlySignedIn(signed_in): FreshlySignedIn,
    cookies: Cookies,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let session = cookies.session.ok_or_else(Problem::not_signed_in)?;
    let (caller, now) = (&signed_in.caller, signed_in.now);
    let passwords = (fields.text("old"), fields.text("password"));
    match services.admins.change_password(caller, &session, passwords, now).await {
        Ok(()) => {
            let done = "Your password is changed, and your other sessions have ended.".to_owned();
            Ok(Page(you(&services, &signed_in, String::new(), done).await?).into_response())
        }
        Err(refused) => {
            let problem = Problem::password(&refused, now);
            let error = problem.detail().to_owned();
            Ok(again(you(&services, &signed_in, error, String::new()).await?, &problem))
        }
    }
}

/// `POST /admin/you/recovery-codes`.
pub(in crate::http) async fn renew_codes(
    State(services): State<Arc<Services>>,
    FreshlySignedIn(signed_in): FreshlySignedIn,
) -> Result<Page<CodesPage>, PageRefused> {
    let codes = services.admins.renew_recovery_codes(&signed_in.caller, signed_in.now).await?;
    let codes = codes.iter().map(RecoveryCode::expose).collect();
    Ok(Page(CodesPage { frame: signed_in.frame(Section::Own), codes }))
}

/// `POST /admin/you/sign-out-everywhere`.
pub(in crate::http) async fn sign_out_everywhere(
    State(services): State<Arc<Services>>,
    signed_in: SignedIn,
) -> Result<Response, PageRefused> {
    services.admins.sign_out_everywhere(&signed_in.caller, signed_in.now).await?;
    Ok((AppendHeaders([end()]), Redirect::to("/admin/sign-in")).into_response())
}

async fn you(
    services: &Services,
    signed_in: &SignedIn,
    error: String,
    done: String,
) -> Result<YouPage, Problem> {
    let sessions = services.admins.sessions(&signed_in.caller, signed_in.now).await?;
    Ok(YouPage {
        frame: signed_in.frame(Section::Own),
        sessions: sessions
            .into_iter()
            .map(|session| SessionRow { begun: session.created_at, seen: session.seen_at })
            .collect(),
        codes_left: services.admins.recovery_codes_left(&signed_in.caller).await?,
        shortest: SHORTEST_PASSWORD,
        error,
        done,
    })
}
