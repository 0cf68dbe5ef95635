//! Who calls: an admin at a browser, or a machine with an API token.

use crate::model::admin::{FormToken, Permission, Roles, SECOND_FACTOR_FRESH};
use crate::model::audit::Actor;
use crate::model::id::{AdminId, AdminSessionId, ApiTokenId};
use crate::model::secret::PlainSecret;
use crate::store::AdminSession;
use jiff::Timestamp;

/// An admin or a machine that has shown who it is. Only [`Admins`](super::Admins) makes one.
#[derive(Debug, Clone)]
pub struct AdminCaller {
    /// The admin's name, or the API token's.
    pub name: String,
    /// What they are there for.
    pub roles: Roles,
    /// What was shown.
    pub shown: Shown,
}

/// What a caller has shown.
#[derive(Debug, Clone)]
pub enum Shown {
    /// The cookie of a session.
    Session {
        /// The admin.
        admin: AdminId,
        /// The session.
        session: AdminSessionId,
        /// When a second factor was last given.
        second_factor_at: Timestamp,
        /// What its forms carry.
        form_token: FormToken,
    },
    /// An API token: a machine, which has no second factor.
    Token {
        /// The token.
        token: ApiTokenId,
    },
}

impl AdminCaller {
    pub(super) fn of_session(session: AdminSession, secret: &PlainSecret) -> Self {
        Self {
            name: session.name.to_string(),
            roles: session.roles,
            shown: Shown::Session {
                admin: session.admin,
                session: session.id,
                second_factor_at: session.second_factor_at,
                form_token: FormToken::of(secret),
            },
        }
    }

    /// Whether one of the roles is given the permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.allow(permission)
    }

    /// Whom what they have decided is shown to be of: a machine cannot pass for an admin.
    #[must_use]
    pub fn signature(&self) -> String {
        if self.admin().is_some() { self.name.clone() } else { format!("API token {}", self.name) }
    }

    /// The admin, unless it is a machine.
    #[must_use]
    pub const fn admin(&self) -> Option<AdminId> {
        match self.shown {
            Shown::Session { admin, .. } => Some(admin),
            Shown::Token { .. } => None,
        }
    }

    /// The admin or the API token, whichever calls: what counters by caller are keyed by.
    #[must_use]
    pub const fn id(&self) -> &[u8; 16] {
        match &self.shown {
            Shown::Session { admin, .. } => admin.as_bytes(),
            Shown::Token { token } => token.as_bytes(),
        }
    }

    /// Who it is in the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self.shown {
            Shown::Session { admin, .. } => Actor::Admin(admin.to_string()),
            Shown::Token { token } => Actor::ApiToken(token.to_string()),
        }
    }

    /// Whether a second factor was given just now. A machine gives none.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        match self.shown {
            Shown::Session { second_factor_at, .. } => now < second_factor_at + SECOND_FACTOR_FRESH,
            Shown::Token { .. } => false,
        }
    }

    /// What the session's forms carry.
    #[must_use]
    pub const fn form_token(&self) -> Option<&FormToken> {
        match &self.shown {
            Shown::Session { form_token, .. } => Some(form_token),
            Shown::Token { .. } => None,
        }
    }
}
