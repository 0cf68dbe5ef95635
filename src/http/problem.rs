//! Refusals and failures as problem details (RFC 9457). Only this file and its folder know status codes.

mod admin;
mod limits;
mod lookup;
mod number;
mod reports;

pub(super) use lookup::too_many_handles;

use crate::registration::RegisterRefused;
use crate::verification::{CheckRefused, DestinationRefused, Failure, SendRefused};
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// How soon to come back when something below failed.
const AFTER_FAILURE: i64 = 2;
/// How soon to come back when there was too much to do.
const AFTER_SHEDDING: i64 = 1;

/// A problem details object, with a stable `code` and what else the client can act on.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    retry_after: Option<i64>,
    members: Map<String, Value>,
}

impl Problem {
    /// A problem with its stable code, its title and what to do about it.
    #[must_use]
    pub fn new(status: u16, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, title, detail: detail.into(), retry_after: None, members: Map::new() }
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.members.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// To be tried again once `until` is reached: whole seconds from `now`, rounded up, so that waiting works.
    #[must_use]
    pub fn until(mut self, until: Timestamp, now: Timestamp) -> Self {
        let ms = until.as_millisecond().saturating_sub(now.as_millisecond()).max(1);
        self.retry_after = Some(ms.saturating_add(999) / 1_000);
        self
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// What it is called.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.title
    }

    /// What to do about it.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The seconds to wait before trying again, if waiting helps.
    #[must_use]
    pub const fn retry_after(&self) -> Option<i64> {
        self.retry_after
    }

    /// A field that is missing or not of its form.
    #[must_use]
    pub fn field(field: &str, problem: &str) -> Self {
        Self::new(400, "field_invalid", "A field is invalid", format!("`{field}` {problem}."))
            .with("field", field)
    }

    /// A body that is not what its content type says.
    #[must_use]
    pub fn body(problem: &str) -> Self {
        Self::new(400, "body_invalid", "The body is invalid", problem)
    }

    /// Nothing there, or nothing for this caller.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "not_found", "Not found", "There is nothing here, or nothing that you may see.")
    }

    /// A device token that is missing, malformed, revoked or expired.
    #[must_use]
    pub fn token_invalid() -> Self {
        let detail = "Send the device token as `Authorization: Bearer ...`. If it was revoked, register this device again.";
        Self::new(401, "token_invalid", "The device token is not valid", detail)
    }

    /// Too many requests of one address.
    #[must_use]
    pub fn rate_limited(limit: u32, until: Timestamp, now: Timestamp) -> Self {
        let detail = format!("More than {limit} requests came from your address within a minute.");
        Self::new(429, "rate_limited", "Too many requests", detail)
            .with("limit", "requests_per_minute")
            .until(until, now)
    }

    /// A failure below: the cause is logged here, once, in the request's span.
    #[must_use]
    pub fn unavailable(cause: &dyn std::error::Error) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::overloaded()
    }

    /// Nothing that the client did wrong; trying again may work.
    #[must_use]
    pub fn overloaded() -> Self {
        let detail = "The server cannot answer just now. Nothing was lost: try again.";
        let mut problem = Self::new(503, "unavailable", "Try again", detail);
        problem.retry_after = Some(AFTER_FAILURE);
        problem
    }

    /// More requests than this node can answer; nothing was done.
    #[must_use]
    pub fn busy() -> Self {
        let detail = "The server has more to do than it can. Nothing was done: try again in a moment.";
        let mut problem = Self::new(503, "unavailable", "Try again", detail);
        problem.retry_after = Some(AFTER_SHEDDING);
        problem
    }

    /// No code was sent.
    #[must_use]
    pub fn send(refused: &SendRefused, now: Timestamp) -> Self {
        match refused {
            SendRefused::NumberInvalid(cause) => Self::number(*cause),
            SendRefused::NumberType { voice } => {
                let detail = if *voice {
                    "This is a landline: ask for the code with channel `voice`."
                } else {
                    "Codes are not sent to this kind of number. Use a mobile number."
                };
                Self::new(422, "number_type_not_allowed", "This kind of number gets no code", detail)
            }
            SendRefused::Destination(DestinationRefused::Denied | DestinationRefused::NotAllowed) => {
                let detail = "This server sends no codes to the country of this number.";
                Self::new(403, "destination_not_allowed", "No codes are sent to this country", detail)
                    .with("limit", "countries")
            }
            SendRefused::SmsFirst => Self::field(
                "channel",
                "must be `sms` at first: a call can carry the code 60 s after it, or at once if it is rejected",
            ),
            SendRefused::ChannelUnavailable => {
                Self::field("channel", "is not one that this server can send by")
            }
            SendRefused::Origin => {
                let detail = "`app_hash` and `web_origin` must be in the server's configured lists.";
                Self::new(422, "origin_not_allowed", "This app or page is not configured", detail)
            }
            SendRefused::Limit(refusal) => limits::refused(*refusal, now),
            SendRefused::ChallengeDue(limit) => Self::challenge_required(*limit),
            SendRefused::ChallengeIncorrect => {
                let detail =
                    "This does not solve the open challenge. Fetch the verification for a fresh one.";
                Self::new(422, "challenge_incorrect", "The challenge is not solved", detail)
            }
            SendRefused::ChallengeClosed => limits::challenge_closed(),
            SendRefused::Over => over(),
            SendRefused::StartAgain => {
                let detail = "The code has less than two minutes left, so it is not sent again. It can still be \
                    checked; or start a new verification.";
                Self::new(410, "start_again", "Too late to send again", detail)
            }
            SendRefused::Failed(cause) => Self::unavailable(cause),
        }
    }

    /// A check approved nothing.
    #[must_use]
    pub fn check(refused: &CheckRefused) -> Self {
        match refused {
            CheckRefused::Malformed { digits } => {
                Self::field("code", &format!("must be the {digits} digits of the message"))
            }
            CheckRefused::Wrong => {
                Self::new(422, "code_incorrect", "The code is wrong", "Check the message and try again.")
            }
            CheckRefused::Exhausted => {
                let detail = "Every check of this verification is spent. Start a new one.";
                Self::new(429, "checks_exhausted", "No checks left", detail).with("limit", "checks_per_code")
            }
            CheckRefused::Unsent => {
                let detail =
                    "No code was sent yet: solve one of the open challenges first. This cost no check.";
                Self::new(428, "challenge_required", "A challenge must be solved", detail)
            }
            CheckRefused::Undelivered => {
                let detail = "The code reached nobody: its message was refused. Send it again, another way if \
                    `channels` has one, or start a new verification. This cost no check.";
                Self::new(410, "start_again", "The code was not delivered", detail)
            }
            CheckRefused::Over => over(),
            CheckRefused::Failed(cause) => Self::unavailable(cause),
        }
    }

    /// A grant bought nothing.
    #[must_use]
    pub fn register(refused: &RegisterRefused) -> Self {
        let again = "Start a new verification of the number.";
        match refused {
            RegisterRefused::GrantInvalid => Self::new(
                400,
                "grant_invalid",
                "This is not a grant",
                "Send the `grant` of an approved check, unchanged.",
            ),
            RegisterRefused::GrantExpired => Self::new(410, "grant_expired", "The grant is over", again),
            RegisterRefused::GrantUsed => Self::new(409, "grant_used", "The grant is spent", again),
            RegisterRefused::AccountLocked => Self::new(
                423,
                "account_locked",
                "The account is locked",
                "The account of this number was locked by whoever runs the service. Ask them.",
            ),
            RegisterRefused::Contended => Self::overloaded(),
            RegisterRefused::Failed(cause) => Self::unavailable(cause),
        }
    }
}

fn over() -> Problem {
    let detail = "This verification has ended. Start a new one.";
    Problem::new(410, "verification_over", "The verification is over", detail)
}

/// The members in the order in which RFC 9457 lists them.
#[derive(Serialize)]
struct Body {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl From<Failure> for Problem {
    fn from(cause: Failure) -> Self {
        Self::unavailable(&cause)
    }
}

impl Problem {
    /// Its status, headers and body.
    pub(super) fn encode(self) -> (StatusCode, HeaderMap, Bytes) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let body = Body {
            r#type: format!("urn:tuttu:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code,
            members: self.members,
        };
        (self.status, headers, serde_json::to_vec(&body).unwrap_or_default().into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        metrics::counter!("tuttu_problems_total", "code" => self.code).increment(1);
        self.encode().into_response()
    }
}
