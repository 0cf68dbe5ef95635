//! What goes wrong between a client and the service.

use super::shapes::Verification;
use serde::Deserialize;
use serde_json::Value;
use std::error::Error as _;
use std::time::Duration;
use thiserror::Error;

/// A call that brought no answer, or a refusal.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address is not that of a web service.
    #[error("{0:?} is not the address of a service; one looks like https://tuttu.example.org")]
    ServerInvalid(String),
    /// Connections cannot be set up on this machine.
    #[error("cannot set up connections: {0}")]
    Setup(String),
    /// No connection, or one that broke.
    #[error(
        "cannot reach {server} ({reason}); check that the service runs there and that the address is right"
    )]
    Unreachable {
        /// The address asked.
        server: String,
        /// The first cause, in the operating system's words.
        reason: String,
    },
    /// No answer in time.
    #[error("{server} did not answer in time, and may have done what was asked: look before you ask again")]
    TimedOut {
        /// The address asked.
        server: String,
    },
    /// An answer that is not in the shape of version 1.
    #[error(
        "the answer of {server} is not understood ({reason}); check that a Tuttu service runs at this address"
    )]
    AnswerInvalid {
        /// The address asked.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The service gave its reasons (RFC 9457 problem details).
    #[error("{}", sentence(.title, .detail))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The stable name of the refusal, such as `code_incorrect`.
        code: String,
        /// What is wrong, in a few words.
        title: String,
        /// What is wrong in this case; may be empty.
        detail: String,
        /// After which time asking again works.
        retry_after: Option<Duration>,
        /// The state of the verification that the refusal is about.
        verification: Option<Box<Verification>>,
    },
    /// The service asks for a proof that this client cannot give.
    #[error("the service asks for a challenge that this client cannot solve ({0})")]
    ChallengeUnsolvable(&'static str),
    /// None of the live epochs uses an algorithm that this client knows.
    #[error("this client is too old for the service: it knows none of its handle algorithms; update it")]
    AlgorithmUnknown,
}

impl ClientError {
    /// The stable name of a refusal; none for what is no refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The failure of a request to `server`. No address is repeated whole: a query may hold a number.
    pub(super) fn of_transport(server: &str, error: &reqwest::Error) -> Self {
        let server = server.to_owned();
        if error.is_timeout() {
            return Self::TimedOut { server };
        }
        Self::Unreachable { server, reason: first_cause(error) }
    }

    /// The refusal that an answer with an error status carries.
    pub(super) fn of_answer(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
        Self::Refused {
            status,
            code: problem.code,
            title: non_empty(problem.title)
                .unwrap_or_else(|| format!("the service answered with status {status}")),
            detail: problem.detail,
            retry_after,
            verification: serde_json::from_value(problem.verification).ok().map(Box::new),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    title: String,
    detail: String,
    verification: Value,
}

fn sentence(title: &str, detail: &str) -> String {
    let (title, detail) = (title.trim_end_matches('.'), detail.trim_end_matches('.'));
    match (title.is_empty(), detail.is_empty()) {
        (_, true) => title.to_owned(),
        (true, false) => detail.to_owned(),
        (false, false) => format!("{title}: {detail}"),
    }
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn first_cause(error: &reqwest::Error) -> String {
    let Some(mut cause) = error.source() else { return "no connection".to_owned() };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
