//! Signing in and out, and giving the second factor again.

use super::{Frame, Outside, Page, PageRefused, Section, again};
use crate::admins::SignInRequest;
use crate::http::admin::{Cookies, Fields, SignedIn, begin, comes_from_here, end, is_local, know};
use crate::http::extract::{From, Now};
use crate::http::{Problem, Services};
use crate::model::admin::Password;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "sign-in.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct SignInPage {
    frame: Outside,
    next: String,
    name: String,
    error: String,
}

#[derive(Template)]
#[template(path = "confirm.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct ConfirmPage {
    frame: Frame,
    next: String,
    error: String,
}

/// `GET /admin/sign-in`.
pub(in crate::http) async fn page(cookies: Cookies, RawQuery(query): RawQuery) -> Page<SignInPage> {
    Page(sign_in_page(&cookies, next(query.as_deref()), String::new(), String::new()))
}

/// `POST /admin/sign-in`.
pub(in crate::http) async fn sign_in(
    State(services): State<Arc<Services>>,
    (Now(now), From(source)): (Now, From),
    cookies: Cookies,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageRefused> {
    if !comes_from_here(&headers, services.public_host()) {
        return Err(Problem::forged().into());
    }
    let next = local(fields.text("next"));
    let theme = Cookies { session: None, browser: None, theme: cookies.theme };
    let request = SignInRequest {
        name: fields.text("name").to_owned(),
        password: Password::typed(fields.text("password")),
        code: fields.text("code").to_owned(),
        source,
        browser: cookies.browser,
        session: cookies.session,
    };
    match services.admins.sign_in(request, now).await {
        Ok(signed_in) => {
            let cookies = AppendHeaders([begin(&signed_in.session), know(&signed_in.browser)]);
            Ok((cookies, Redirect::to(&next)).into_response())
        }
        Err(refused) => {
            let problem = Problem::sign_in(&refused, now);
            let page =
                sign_in_page(&theme, next, fields.text("name").to_owned(), problem.detail().to_owned());
            Ok(again(page, &problem))
        }
    }
}

/// `POST /admin/sign-out`.
pub(in crate::http) async fn sign_out(
    State(services): State<Arc<Services>>,
    signed_in: SignedIn,
    cookies: Cookies,
) -> Result<Response, PageRefused> {
    if let Some(session) = cookies.session {
        services.admins.sign_out(&session, signed_in.now).await?;
    }
    Ok((AppendHeaders([end()]), Redirect::to("/admin/sign-in")).into_response())
}

/// `GET /admin/confirm`: the second factor, again.
pub(in crate::http) async fn confirm_page(
    signed_in: SignedIn,
    RawQuery(query): RawQuery,
) -> Page<ConfirmPage> {
    let frame = signed_in.frame(Section::Own);
    Page(ConfirmPage { frame, next: next(query.as_deref()), error: String::new() })
}

/// `POST /admin/confirm`.
pub(in crate::http) async fn confirm(
    State(services): State<Arc<Services>>,
    signed_in: SignedIn,
    cookies: Cookies,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let next = local(fields.text("next"));
    let session = cookies.session.ok_or_else(Problem::not_signed_in)?;
    let code = fields.text("code");
    match services.admins.step_up(&signed_in.caller, &session, code, signed_in.now).await {
        Ok(renewed) => Ok((AppendHeaders([begin(&renewed)]), Redirect::to(&next)).into_response()),
        Err(refused) => {
            let problem = Problem::confirm(&refused, signed_in.now);
            let frame = signed_in.frame(Section::Own);
            Ok(again(ConfirmPage { frame, next, error: problem.detail().to_owned() }, &problem))
        }
    }
}

fn sign_in_page(cookies: &Cookies, next: String, name: String, error: String) -> SignInPage {
    SignInPage { frame: Outside { title: "Sign in", theme: cookies.theme }, next, name, error }
}

/// Where to go on, of a query.
fn next(query: Option<&str>) -> String {
    let query = query.unwrap_or_default().as_bytes();
    let next = form_urlencoded::parse(query).find(|(name, _)| name == "next");
    local(&next.map(|(_, path)| path).unwrap_or_default())
}

/// A path of the console, whatever was asked for.
fn local(path: &str) -> String {
    if is_local(path) { path.to_owned() } else { "/admin".to_owned() }
}
