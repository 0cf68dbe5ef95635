//! Signing in.

use super::{Outside, Page};
use askama::Template;

#[derive(Template)]
#[template(path = "sign-in.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct SignIn {
    frame: Outside,
}

/// `GET /admin/sign-in`.
pub(in crate::http) async fn page() -> Page<SignIn> {
    Page(SignIn { frame: Outside::new("Sign in") })
}
