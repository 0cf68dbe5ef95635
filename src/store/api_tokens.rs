//! API tokens: made, shown, revoked.

use super::error::Table;
use super::{Ending, Store, StoreError, note, read, run, transact};
use crate::model::admin::Roles;
use crate::model::audit::{Action, Note};
use crate::model::id::{AdminId, ApiTokenId};
use crate::model::secret::HashedSecret;
use jiff::Timestamp;

const TABLE: Table = Table("api_tokens");

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    /// Its public name.
    pub id: ApiTokenId,
    /// What it is for.
    pub name: String,
    /// The digest of its secret.
    pub secret: HashedSecret,
    /// What it may do.
    pub roles: Roles,
    /// Who makes it.
    pub made_by: AdminId,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What it takes to let a machine in.
#[derive(Debug, Clone)]
pub struct ApiTokenAuth {
    /// What the token is for.
    pub name: String,
    /// The digest of its secret.
    pub secret: HashedSecret,
    /// What it may do.
    pub roles: Roles,
    /// When it was last seen, to the minute.
    pub seen_at: Option<Timestamp>,
}

/// A token, as the team sees it.
#[derive(Debug, Clone)]
pub struct KeptApiToken {
    /// Its public name.
    pub id: ApiTokenId,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub roles: Roles,
    /// Who made it.
    pub made_by: AdminId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last seen, to the minute.
    pub seen_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    token_id: Vec<u8>,
    name: String,
    roles: String,
    made_by: Vec<u8>,
    created_at: i64,
    expires_at: i64,
    seen_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<KeptApiToken, StoreError> {
        Ok(KeptApiToken {
            id: TABLE.some("token_id", ApiTokenId::from_slice(&self.token_id))?,
            name: self.name,
            roles: TABLE.some("roles", Roles::parse(&self.roles))?,
            made_by: TABLE.some("made_by", AdminId::from_slice(&self.made_by))?,
            created_at: TABLE.time("created_at", self.created_at)?,
            expires_at: TABLE.time("expires_at", self.expires_at)?,
            seen_at: TABLE.time_if("seen_at", self.seen_at)?,
            revoked_at: TABLE.time_if("revoked_at", self.revoked_at)?,
        })
    }
}

/// Name, digest of the secret, roles, last seen, and the roles of whoever made it.
type AuthRow = (String, Vec<u8>, String, Option<i64>, String);

const MAKE: &str = "INSERT INTO api_tokens
    (token_id, name, secret_hash, roles, made_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
const AUTH: &str = "SELECT t.name, t.secret_hash, t.roles, t.seen_at, a.roles AS made_with FROM api_tokens t
    JOIN admins a ON a.admin_id = t.made_by AND a.disabled_at IS NULL
    WHERE t.token_id = $1 AND t.expires_at > $2 AND t.revoked_at IS NULL";
const LIST: &str = "SELECT token_id, name, roles, made_by, created_at, expires_at, seen_at, revoked_at
    FROM api_tokens ORDER BY created_at, token_id";
const SEE: &str = "UPDATE api_tokens SET seen_at = $2 WHERE token_id = $1";
const REVOKE: &str = "UPDATE api_tokens SET revoked_at = $2 WHERE token_id = $1 AND revoked_at IS NULL";

impl Store {
    /// Makes a token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_api_token(&self, token: &NewApiToken, now: Timestamp) -> Result<(), StoreError> {
        let roles = token.roles.to_string();
        transact!(self, tx => {
            run!(
                tx,
                MAKE,
                token.id.as_bytes().as_slice(),
                &token.name,
                token.secret.as_bytes().as_slice(),
                &roles,
                token.made_by.as_bytes().as_slice(),
                now.as_millisecond(),
                token.expires_at.as_millisecond(),
            );
            let note = Note::new(Action::ApiTokenCreated).target("api_token", token.id.to_string());
            note!(self, tx, now, note.change("roles", None, Some(roles.clone())));
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// What it takes to let the machine with a live token in: with the roles that whoever made it may still hand out;
    /// `None` also where they are disabled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn api_token_auth(
        &self,
        id: ApiTokenId,
        now: Timestamp,
    ) -> Result<Option<ApiTokenAuth>, StoreError> {
        let row: Option<AuthRow> = read!(self, conn => {
            let auth = sqlx::query_as(AUTH).bind(id.as_bytes().as_slice());
            auth.bind(now.as_millisecond()).fetch_optional(conn).await?
        });
        row.map(|(name, secret, roles, seen_at, made_with)| {
            let (roles, maker) = (Roles::parse(&roles), Roles::parse(&made_with));
            Ok(ApiTokenAuth {
                name,
                secret: TABLE.some("secret_hash", HashedSecret::from_slice(&secret))?,
                roles: TABLE.some("roles", roles.zip(maker).map(|(roles, maker)| roles.within(&maker)))?,
                seen_at: TABLE.time_if("seen_at", seen_at)?,
            })
        })
        .transpose()
    }

    /// Every token, with those that ended not long ago, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn api_tokens(&self) -> Result<Vec<KeptApiToken>, StoreError> {
        let rows: Vec<Row> = read!(self, conn => sqlx::query_as(LIST).fetch_all(conn).await?);
        rows.into_iter().map(Row::read).collect()
    }

    /// Writes that a token was seen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn see_api_token(&self, id: ApiTokenId, now: Timestamp) -> Result<(), StoreError> {
        transact!(self, tx => {
            run!(tx, SEE, id.as_bytes().as_slice(), now.as_millisecond());
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// Ends a token; `false` where there is no live one of that name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_api_token(&self, id: ApiTokenId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            if run!(tx, REVOKE, id.as_bytes().as_slice(), now.as_millisecond()) == 0 {
                return Ok(Ending::Rollback(false));
            }
            note!(self, tx, now, Note::new(Action::ApiTokenRevoked).target("api_token", id.to_string()));
            Ok(Ending::Commit(true))
        }))
    }
}
