//! Admins: who they are, how they sign in, and what they may do.

mod caller;
mod enrolling;
mod hashing;
mod signing_in;
mod team;
mod tokens;

pub use caller::{AdminCaller, Shown};
pub use enrolling::{EnrolRefused, Enrolled, Offer};
pub use signing_in::{SignInRefused, SignInRequest, SignedIn};
pub use team::TeamRefused;
pub use tokens::{MadeApiToken, TokenRefused, TokenRequest};

use crate::model::keys::Keys;
use crate::model::secret::PlainSecret;
use crate::store::{AdminSession, Store};
use crate::verification::Failure;
use hashing::Hashing;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// A session or token that was seen is written down again after this long.
const SEEN_AGAIN: Duration = Duration::from_mins(1);

/// The use cases of admins.
#[derive(Debug, Clone)]
pub struct Admins {
    store: Store,
    keys: Arc<Keys>,
    hashing: Hashing,
}

impl Admins {
    /// The use cases over this store.
    #[must_use]
    pub fn new(store: Store, keys: Arc<Keys>) -> Self {
        Self { store, keys, hashing: Hashing::new() }
    }

    /// The admin whose session has this secret; `None` for one that is unknown, over, or of a disabled admin. What a
    /// page asks by itself is not `in_person`, and keeps no session alive.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(
        &self,
        secret: &PlainSecret,
        in_person: bool,
        now: Timestamp,
    ) -> Result<Option<AdminCaller>, Failure> {
        let hash = secret.hash();
        let Some(session) = self.store.admin_session(&hash, now).await? else { return Ok(None) };
        if in_person && session.seen_at + SEEN_AGAIN <= now {
            self.store.see_admin_session(&hash, now).await?;
        }
        Ok(Some(AdminCaller::of_session(session, secret)))
    }

    /// The caller's own live sessions, the oldest first; a machine has none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions(&self, caller: &AdminCaller, now: Timestamp) -> Result<Vec<AdminSession>, Failure> {
        match caller.admin() {
            Some(admin) => Ok(self.store.admin_sessions(admin, now).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Forgets what is kept of admins for a time only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_old(&self, now: Timestamp) -> Result<(), Failure> {
        Ok(self.store.forget_admin_traces(now).await?)
    }
}
