//! API tokens: how machines use the admin API.

use super::{AdminCaller, Admins, SEEN_AGAIN, Shown};
use crate::model::admin::{ApiToken, Roles, TOKEN_LIFETIME};
use crate::model::id::ApiTokenId;
use crate::store::{KeptApiToken, NewApiToken, StoreError};
use crate::verification::Failure;
use jiff::Timestamp;
use std::time::Duration;
use thiserror::Error;

/// A token to be made.
#[derive(Debug)]
pub struct TokenRequest {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub roles: Roles,
    /// How long it lives.
    pub lifetime: Duration,
}

/// A token that was made; nobody is shown it again.
#[derive(Debug)]
pub struct MadeApiToken {
    /// The token.
    pub token: ApiToken,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why no token was made.
#[derive(Debug, Error)]
pub enum TokenRefused {
    /// It would live too long.
    #[error("a token lives at most a year")]
    TooLong,
    /// The caller has less than they would hand out, or is a machine.
    #[error("nobody hands out more than they have")]
    Exceeds,
    /// The database failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for TokenRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}

impl Admins {
    /// The machine whose API token this is; `None` for one that is malformed, unknown, expired or revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token(&self, token: &str, now: Timestamp) -> Result<Option<AdminCaller>, Failure> {
        let Some(token) = ApiToken::parse(token) else { return Ok(None) };
        let found = self.store.api_token_auth(token.id(), now).await?;
        let Some(auth) = found.filter(|auth| auth.secret.matches(token.secret())) else { return Ok(None) };
        if auth.seen_at.is_none_or(|seen| seen + SEEN_AGAIN <= now) {
            self.store.see_api_token(token.id(), now).await?;
        }
        let shown = Shown::Token { token: token.id() };
        Ok(Some(AdminCaller { name: auth.name, roles: auth.roles, shown }))
    }

    /// Every API token, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self) -> Result<Vec<KeptApiToken>, Failure> {
        Ok(self.store.api_tokens().await?)
    }

    /// Makes an API token with roles that the caller has.
    ///
    /// # Errors
    /// [`TokenRefused`].
    pub async fn make_token(
        &self,
        caller: &AdminCaller,
        request: TokenRequest,
        now: Timestamp,
    ) -> Result<MadeApiToken, TokenRefused> {
        if request.lifetime > TOKEN_LIFETIME {
            return Err(TokenRefused::TooLong);
        }
        let made_by = caller.admin().filter(|_| caller.roles.cover(&request.roles));
        let made_by = made_by.ok_or(TokenRefused::Exceeds)?;
        let made = MadeApiToken { token: ApiToken::random(), expires_at: now + request.lifetime };
        let token = NewApiToken {
            id: made.token.id(),
            name: request.name,
            secret: made.token.secret().hash(),
            roles: request.roles,
            made_by,
            expires_at: made.expires_at,
        };
        self.store.create_api_token(&token, now).await?;
        Ok(made)
    }

    /// Ends an API token at once; `false` where there is no live one of that name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_token(&self, token: ApiTokenId, now: Timestamp) -> Result<bool, Failure> {
        Ok(self.store.revoke_api_token(token, now).await?)
    }
}
