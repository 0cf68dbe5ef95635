//! What a form of a page holds.

use crate::http::extract::{body, expect_content_type};
use crate::http::{Problem, Services, console};
use crate::model::admin::{Role, Roles};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use std::sync::Arc;

/// The fields of a form, in their order; a name may come more than once.
pub(in crate::http) struct Fields(Vec<(String, String)>);

impl FromRequest<Arc<Services>> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, _: &Arc<Services>) -> Result<Self, Response> {
        read(request).await.map_err(|problem| console::problem(&problem).into_response())
    }
}

async fn read(request: Request) -> Result<Fields, Problem> {
    expect_content_type(request.headers(), &["application/x-www-form-urlencoded"])?;
    let bytes = body(request).await?;
    Ok(Fields(form_urlencoded::parse(&bytes).into_owned().collect()))
}

impl Fields {
    /// The first value of a name; empty where there is none.
    pub(in crate::http) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// The roles that are ticked; words that are none are left out.
    pub(in crate::http) fn roles(&self) -> Roles {
        let ticked = self.0.iter().filter(|(name, _)| name == "role");
        let roles: Vec<Role> = ticked.filter_map(|(_, word)| Role::parse(word)).collect();
        Roles::of(&roles)
    }
}

/// A time in RFC 3339, or a day, which begins at midnight UTC.
pub(in crate::http) fn time(field: &'static str, text: &str) -> Result<Timestamp, Problem> {
    let day = || format!("{text}T00:00:00Z").parse();
    let read = text.parse().or_else(|_| format!("{text}:00Z").parse()).or_else(|_| day());
    read.map_err(|_| Problem::field(field, "must be a time like 2026-11-25T12:00:00Z"))
}
