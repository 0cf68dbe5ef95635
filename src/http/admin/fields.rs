//! What a form of a page holds.

use crate::http::extract::{body, expect_content_type};
use crate::http::{Problem, Services, console};
use crate::model::admin::{Role, Roles};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse as _, Response};
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
