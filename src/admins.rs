//! Admins: who they are, and what they may do.

mod caller;

pub use caller::{AdminCaller, Shown};

use crate::model::keys::Keys;
use crate::model::secret::PlainSecret;
use crate::store::Store;
use crate::verification::Failure;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// A session that was seen is written down again after this long.
const SEEN_AGAIN: Duration = Duration::from_mins(1);

/// The use cases of admins.
#[derive(Debug, Clone)]
pub struct Admins {
    store: Store,
    #[expect(dead_code, reason = "seals second factors")]
    keys: Arc<Keys>,
}

impl Admins {
    /// The use cases over this store.
    #[must_use]
    pub fn new(store: Store, keys: Arc<Keys>) -> Self {
        Self { store, keys }
    }

    /// The admin whose session has this secret; `None` for one that is unknown, over, or of a disabled admin.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(
        &self,
        secret: &PlainSecret,
        now: Timestamp,
    ) -> Result<Option<AdminCaller>, Failure> {
        let hash = secret.hash();
        let Some(session) = self.store.admin_session(&hash, now).await? else { return Ok(None) };
        if session.seen_at + SEEN_AGAIN <= now {
            self.store.see_admin_session(&hash, now).await?;
        }
        Ok(Some(AdminCaller::of_session(session, secret)))
    }

    /// The machine whose API token this is; `None` for one that is malformed, unknown, expired or revoked.
    ///
    /// # Errors
    /// When the database fails.
    #[expect(clippy::unused_async, reason = "no API token is made yet")]
    pub async fn token(&self, _token: &str, _now: Timestamp) -> Result<Option<AdminCaller>, Failure> {
        Ok(None)
    }
}
