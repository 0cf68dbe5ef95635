//! Which contacts have accounts.

use super::Session;
use crate::client::error::ClientError;
use crate::client::shapes::Epoch;
use crate::client::wire::{LOOKUP_FORM, LookupAnswer, LookupRequest};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;

impl Session {
    /// The live epochs, in order of preference (`GET /v1/discovery/epochs`).
    ///
    /// # Errors
    /// [`ClientError`]; the refusal `token_invalid` when the device is signed out.
    pub async fn epochs(&self) -> Result<Vec<Epoch>, ClientError> {
        #[derive(Deserialize)]
        struct Epochs {
            epochs: Vec<Epoch>,
        }
        let answer: Epochs = self.call(Method::GET, ["v1", "discovery", "epochs"]).json_answer().await?;
        Ok(answer.epochs)
    }

    /// Asks which handles have accounts (`POST /v1/discovery/lookup`, binary form).
    ///
    /// # Errors
    /// [`ClientError`], such as the refusals `sync_token_invalid`, `epoch_unknown`, `lookup_budget_spent`.
    pub async fn lookup(&self, request: &LookupRequest) -> Result<LookupAnswer, ClientError> {
        let call = self.call(Method::POST, ["v1", "discovery", "lookup"]);
        let server = call.server.clone();
        let body = request.encode();
        let answer = call
            .map(|call| call.header(CONTENT_TYPE, LOOKUP_FORM).header(ACCEPT, LOOKUP_FORM).body(body))
            .bytes()
            .await?;
        LookupAnswer::decode(&answer, request)
            .map_err(|error| ClientError::AnswerInvalid { server, reason: error.to_string() })
    }
}
