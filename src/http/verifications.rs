//! `/v1/verifications`: proving a number.

mod views;

use super::callers::{AnyDevice, Starts};
use super::extract::{AcceptLanguage, From, Json, Now};
use super::meta::ProblemDocument;
use super::{Problem, Services};
use crate::devices::Caller;
use crate::model::challenge::ChallengeKind;
use crate::model::delivery::Channel;
use crate::model::id::VerificationId;
use crate::model::number::{NumberError, Region};
use crate::model::source::Source;
use crate::model::verification::{MessageTemplate, Status};
use crate::verification::{SendRefused, StartRequest, Started, Starter, VerificationState};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use views::{ChallengeView, ChannelView, DeliveryView};

const LONGEST_TAG: usize = 35;

/// A request for a code.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct StartBody {
    /// As typed: E.164, or a national form with `region`.
    #[schema(example = "+358401234567")]
    phone_number: String,
    /// ISO 3166 code of the country in which a national form is read.
    #[schema(example = "FI")]
    region: Option<String>,
    channel: Channel,
    /// BCP 47 tag of the message's language; else `Accept-Language` is asked, then the number's country.
    locale: Option<String>,
    /// Android SMS Retriever hash; must be configured.
    app_hash: Option<String>,
    /// `WebOTP` host; must be configured.
    web_origin: Option<String>,
}

/// Which way to send again.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct AgainBody {
    channel: Channel,
}

/// A guess.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CheckBody {
    /// The digits of the message.
    code: String,
}

/// A verification, as its starter sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VerificationView {
    id: VerificationId,
    /// Required as Bearer by every later call; in the first answer only.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    status: Status,
    /// Whole in the first answer, masked in later ones.
    phone_number: String,
    code: CodeView,
    channels: Vec<ChannelView>,
    /// Challenges to be solved before a code is sent.
    challenges: Vec<ChallengeView>,
    deliveries: Vec<DeliveryView>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Proof of the approval, for the answer to the right code only.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
}

/// The solution of a challenge.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SolutionBody {
    kind: ChallengeKind,
    /// What the challenge's client made: the payload of ALTCHA, the token of a captcha.
    solution: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct CodeView {
    /// Digits.
    length: u8,
    /// Checks that are left.
    checks_left: i64,
}

impl VerificationView {
    fn new(state: &VerificationState, now: Timestamp) -> Self {
        let v = &state.verification;
        let offered = state.channels.iter().filter(|_| v.can_resend(now));
        let channels = offered.map(|&(channel, not_before)| ChannelView {
            channel,
            not_before,
            reason: v.waits_for(channel, &state.number, now),
        });
        Self {
            id: v.id,
            secret: None,
            status: v.status(now),
            phone_number: state.number.masked(),
            code: CodeView { length: v.code_length, checks_left: v.checks_left(now) },
            channels: channels.collect(),
            challenges: state.challenges.iter().map(ChallengeView::from).collect(),
            deliveries: state.deliveries.iter().map(DeliveryView::from).collect(),
            expires_at: v.expires_at,
            grant: None,
        }
    }
}

impl StartBody {
    fn read(
        self,
        accept_language: Option<String>,
        source: Source,
        caller: Option<Caller>,
    ) -> Result<StartRequest, Problem> {
        if self.locale.as_deref().is_some_and(|tag| !is_tag(tag)) {
            return Err(Problem::field("locale", "is not a language tag such as `fi`"));
        }
        let region = self.region.as_deref().map(Region::parse).transpose();
        Ok(StartRequest {
            number: self.phone_number,
            region: region.map_err(|_: NumberError| {
                Problem::field("region", "is not a two-letter country code such as FI")
            })?,
            channel: self.channel,
            template: MessageTemplate {
                locale: self.locale,
                app_hash: self.app_hash,
                web_origin: self.web_origin,
            },
            accept_language,
            source,
            account: caller.map(|caller| caller.number_index()),
        })
    }
}

/// Letters, digits and hyphens (RFC 5646), or underscores as mobile systems write them.
fn is_tag(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() <= LONGEST_TAG && text.bytes().all(fits)
}

/// `POST /v1/verifications`: sends a code to a number.
#[utoipa::path(post, path = "/v1/verifications", tag = "verifications", request_body = StartBody,
    params(("Accept-Language" = Option<String>, Header, description = "Languages of the message, where `locale` names none")),
    security((), ("device_token" = [])), responses(
    (status = 201, description = "A code is on its way", body = VerificationView),
    (status = 401, description = "`token_invalid`, where a device token is given", body = ProblemDocument),
    (status = 403, description = "`destination_not_allowed`", body = ProblemDocument),
    (status = 422, description = "`number_invalid`, `number_type_not_allowed`, `origin_not_allowed`", body = ProblemDocument),
    (status = 428, description = "`challenge_required`: `verification` holds id, secret and the open `challenges`; nothing was sent", body = ProblemDocument),
    (status = 429, description = "`resend_too_early`, `sends_exhausted`, `destination_paused`; nothing was created", body = ProblemDocument),
))]
pub(super) async fn start(
    State(services): State<Arc<Services>>,
    Now(now): Now,
    From(source): From,
    AnyDevice(caller): AnyDevice,
    AcceptLanguage(languages): AcceptLanguage,
    Json(body): Json<StartBody>,
) -> Result<(StatusCode, Answer<VerificationView>), Problem> {
    let started = services.verifications.start(body.read(languages, source, caller)?, now).await;
    let Started { state, secret, due } = started.map_err(|refused| Problem::send(&refused, now))?;
    let mut view = VerificationView::new(&state, now);
    state.number.e164().clone_into(&mut view.phone_number);
    view.secret = Some(secret.expose());
    match due {
        None => Ok((StatusCode::CREATED, Answer(view))),
        Some(limit) => Err(Problem::challenge_required(limit).with("verification", view)),
    }
}

/// `GET /v1/verifications/{id}`: where a verification stands.
#[utoipa::path(get, path = "/v1/verifications/{id}", tag = "verifications",
    params(("id" = String, Path, description = "The verification")),
    security(("verification_secret" = [])), responses(
    (status = 200, description = "Its state", body = VerificationView),
    (status = 404, description = "`not_found`: no such verification, or another's secret", body = ProblemDocument),
))]
pub(super) async fn state(
    State(services): State<Arc<Services>>,
    Starts(starter): Starts,
    Now(now): Now,
) -> Result<Answer<VerificationView>, Problem> {
    let state = services.verifications.state(&starter).await?;
    Ok(Answer(VerificationView::new(&state, now)))
}

/// `POST /v1/verifications/{id}/codes`: sends the same code again.
#[utoipa::path(post, path = "/v1/verifications/{id}/codes", tag = "verifications", request_body = AgainBody,
    params(("id" = String, Path, description = "The verification")),
    security(("verification_secret" = [])), responses(
    (status = 200, description = "The code is on its way again", body = VerificationView),
    (status = 404, description = "`not_found`", body = ProblemDocument),
    (status = 410, description = "`verification_over`, `start_again`", body = ProblemDocument),
    (status = 422, description = "`number_type_not_allowed`", body = ProblemDocument),
    (status = 429, description = "`resend_too_early`, `sends_exhausted`", body = ProblemDocument),
))]
pub(super) async fn send_again(
    State(services): State<Arc<Services>>,
    Starts(starter): Starts,
    Now(now): Now,
    From(source): From,
    Json(body): Json<AgainBody>,
) -> Result<Answer<VerificationView>, Problem> {
    let sent = services.verifications.send_again(&starter, body.channel, &source, now).await;
    sent_view(&services, &starter, sent, now).await
}

/// `POST /v1/verifications/{id}/challenges`: solves a challenge, which sends the awaited code.
#[utoipa::path(post, path = "/v1/verifications/{id}/challenges", tag = "verifications", request_body = SolutionBody,
    params(("id" = String, Path, description = "The verification")),
    security(("verification_secret" = [])), responses(
    (status = 200, description = "The code is on its way", body = VerificationView),
    (status = 404, description = "`not_found`", body = ProblemDocument),
    (status = 409, description = "`challenge_closed`: none is open, or it is solved already", body = ProblemDocument),
    (status = 410, description = "`verification_over`, `start_again`", body = ProblemDocument),
    (status = 422, description = "`challenge_incorrect`", body = ProblemDocument),
    (status = 428, description = "`challenge_required`: another one", body = ProblemDocument),
    (status = 429, description = "`resend_too_early`, `sends_exhausted`, `destination_paused`", body = ProblemDocument),
))]
pub(super) async fn solve(
    State(services): State<Arc<Services>>,
    Starts(starter): Starts,
    Now(now): Now,
    From(source): From,
    Json(body): Json<SolutionBody>,
) -> Result<Answer<VerificationView>, Problem> {
    let solved = services.verifications.solve(&starter, body.kind, &body.solution, &source, now).await;
    sent_view(&services, &starter, solved, now).await
}

/// A verification after a send, whatever came of it.
async fn sent_view(
    services: &Services,
    starter: &Starter,
    sent: Result<(), SendRefused>,
    now: Timestamp,
) -> Result<Answer<VerificationView>, Problem> {
    let view = view(services, starter, now).await?;
    match sent {
        Ok(()) => Ok(Answer(view)),
        Err(refused) => Err(Problem::send(&refused, now).with("verification", view)),
    }
}

/// `POST /v1/verifications/{id}/check`: does this code prove the number?
#[utoipa::path(post, path = "/v1/verifications/{id}/check", tag = "verifications", request_body = CheckBody,
    params(("id" = String, Path, description = "The verification")),
    security(("verification_secret" = [])), responses(
    (status = 200, description = "Approved, with the `grant`", body = VerificationView),
    (status = 400, description = "`field_invalid`: not a code; it cost nothing", body = ProblemDocument),
    (status = 404, description = "`not_found`", body = ProblemDocument),
    (status = 410, description = "`verification_over`; `start_again`: the code reached nobody", body = ProblemDocument),
    (status = 422, description = "`code_incorrect`; it cost a check", body = ProblemDocument),
    (status = 429, description = "`checks_exhausted`, for good", body = ProblemDocument),
))]
pub(super) async fn check(
    State(services): State<Arc<Services>>,
    Starts(starter): Starts,
    Now(now): Now,
    Json(body): Json<CheckBody>,
) -> Result<Answer<VerificationView>, Problem> {
    let checked = services.verifications.check(&starter, &body.code, now).await;
    let mut view = view(&services, &starter, now).await?;
    match checked {
        Ok(grant) => {
            view.grant = Some(grant.expose());
            Ok(Answer(view))
        }
        Err(refused) => Err(Problem::check(&refused).with("verification", view)),
    }
}

async fn view(services: &Services, starter: &Starter, now: Timestamp) -> Result<VerificationView, Problem> {
    let state = services.verifications.state(starter).await?;
    Ok(VerificationView::new(&state, now))
}
