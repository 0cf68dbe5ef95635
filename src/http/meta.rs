//! The document of the API itself, and what is not there.

use super::Problem;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, ToSchema};

/// A problem details object (RFC 9457), `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemDocument {
    /// `urn:tuttu:problem:` and the code.
    r#type: String,
    title: String,
    status: u16,
    /// What was wrong and what to do.
    detail: String,
    /// Stable: what programs act on.
    code: String,
}

/// Adds the kinds of bearer credentials.
pub(super) struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        for (name, description) in [
            ("device_token", "The token of a device, `tut_...`."),
            ("verification_secret", "The `secret` of the verification."),
            ("api_token", "An API token of the admin API, `tua_...`."),
            ("development_key", "The key that `serve` prints while the inbox gateway is on."),
        ] {
            let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description));
            components.add_security_scheme(name, SecurityScheme::Http(bearer.build()));
        }
        let session = ApiKeyValue::with_description(
            "__Host-tuttu-admin",
            "The cookie of a signed-in admin. What changes something also shows the header `X-Form-Token` of its page.",
        );
        components.add_security_scheme("admin_session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        let signature = ApiKeyValue::with_description(
            "X-Twilio-Signature",
            "The gateway's signature of the request; a webhook gateway's is `webhook-signature` (Standard Webhooks).",
        );
        let scheme = SecurityScheme::ApiKey(ApiKey::Header(signature));
        components.add_security_scheme("gateway_signature", scheme);
    }
}

/// `GET /openapi.json`.
pub(super) fn document(document: &str) -> impl IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "application/json")], document.to_owned())
}

/// A path that leads nowhere.
pub(super) async fn not_found() -> Problem {
    Problem::not_found()
}

/// A path that has other methods; axum has named them in `Allow`.
pub(super) async fn method_not_allowed() -> Problem {
    let detail = "This path does not answer this method; see the Allow header.";
    Problem::new(405, "method_not_allowed", "Method not allowed", detail)
}
