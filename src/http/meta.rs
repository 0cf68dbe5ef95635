//! The document of the API itself, and what is not there.

use super::Problem;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, PathItem, RefOr};
use utoipa::{Modify, ToSchema};

const JSON: &str = "application/json";
/// Where the document has the schema of problems.
const PROBLEM: &str = "#/components/schemas/Problem";

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

/// Names the content type of problems, which is not that of other answers.
pub(super) fn name_problems(document: &mut utoipa::openapi::OpenApi) {
    let operations = document.paths.paths.values_mut().flat_map(|path| {
        let PathItem { get, put, post, delete, patch, .. } = path;
        [get, put, post, delete, patch].into_iter().flatten()
    });
    let responses = operations.flat_map(|operation| operation.responses.responses.values_mut());
    let is_problem = |content: &RefOr<Content>| {
        let RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) = content else { return false };
        schema.ref_location == PROBLEM
    };
    for response in responses {
        let RefOr::T(response) = response else { continue };
        if response.content.get(JSON).is_some_and(is_problem)
            && let Some(problem) = response.content.shift_remove(JSON)
        {
            response.content.insert("application/problem+json".to_owned(), problem);
        }
    }
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
    ([(header::CONTENT_TYPE, JSON)], document.to_owned())
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
