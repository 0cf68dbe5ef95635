//! `/v1/inbox`: the development gateway's messages, for this machine alone.

use super::extract::bearer;
use super::meta::ProblemDocument;
use super::{Development, Problem, Services};
use crate::model::delivery::Channel;
use crate::model::id::DeliveryId;
use crate::model::number::PhoneNumber;
use crate::model::secret::PlainSecret;
use crate::sender::InboxMessage;
use axum::Json as Answer;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

const FORWARDING: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// A request of this machine to a server in development; everybody else finds nothing here.
pub(super) struct Local(Arc<Development>);

impl FromRequestParts<Arc<Services>> for Local {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, Problem> {
        let forwarded = FORWARDING.iter().any(|name| parts.headers.contains_key(*name));
        let development =
            services.development.clone().filter(|_| !forwarded && host_is_loopback(&parts.headers));
        development.map(Self).ok_or_else(Problem::not_found)
    }
}

/// A page of another site that resolves to this machine (DNS rebinding) has another `Host`.
fn host_is_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Whose messages.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Whose {
    /// The number in E.164; `+` is written `%2B`.
    phone_number: String,
}

/// The last 20 messages to a number, the newest last.
#[derive(Serialize, ToSchema)]
pub(super) struct MessagesView {
    messages: Vec<MessageView>,
}

#[derive(Serialize, ToSchema)]
struct MessageView {
    id: DeliveryId,
    channel: Channel,
    to: String,
    text: String,
    #[schema(value_type = String, format = DateTime)]
    sent_at: Timestamp,
}

impl MessageView {
    fn new(message: &InboxMessage, to: &PhoneNumber) -> Self {
        Self {
            id: message.delivery,
            channel: message.channel,
            to: to.e164().to_owned(),
            text: message.text.expose().to_owned(),
            sent_at: message.at,
        }
    }
}

/// `GET /v1/inbox`: what the inbox gateway delivered to a number. Development only, else 404.
#[utoipa::path(get, path = "/v1/inbox", tag = "development", params(Whose), security(("development_key" = [])), responses(
    (status = 200, description = "The messages", body = MessagesView),
    (status = 401, description = "`token_invalid`: not the development key that `serve` printed", body = ProblemDocument),
    (status = 404, description = "`not_found`: no inbox gateway, or not asked from this machine", body = ProblemDocument),
))]
pub(super) async fn messages(
    Local(development): Local,
    headers: HeaderMap,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Answer<MessagesView>, Problem> {
    let shown = bearer(&headers).and_then(PlainSecret::parse);
    if !shown.is_some_and(|key| development.key.hash().matches(&key)) {
        let detail = "Send the development key that `tuttu serve` printed as `Authorization: Bearer ...`.";
        return Err(Problem::new(401, "token_invalid", "The development key is not valid", detail));
    }
    let Ok(Query(Whose { phone_number })) = whose else {
        return Err(Problem::field("phone_number", "is missing"));
    };
    // A query string turns an unescaped + into a blank.
    let number = PhoneNumber::parse(&phone_number.replace(' ', "+"), None);
    let number = number.map_err(|_| Problem::field("phone_number", "is not a number in E.164"))?;
    let messages =
        development.inbox.of(&number).iter().map(|message| MessageView::new(message, &number)).collect();
    Ok(Answer(MessagesView { messages }))
}
