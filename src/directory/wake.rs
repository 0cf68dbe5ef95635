//! Nodes tell each other that there is something to read, so that nobody waits for the next poll.

use super::{Directory, FeedError};
use crate::store::StoreError;
use std::time::Duration;
use tokio::time::timeout;

/// How long whoever has written waits until this node has seen it.
const SEEN: Duration = Duration::from_secs(1);
/// How long a listener is believed that hears nothing: its connection may be dead, and look alive.
const SILENCE: Duration = Duration::from_mins(1);

impl Directory {
    /// Lets the other nodes know of what was just committed here, and brings this node's view up to it.
    ///
    /// # Errors
    /// When the feed is not read within a second: the change is seen later.
    pub async fn changed(&self) -> Result<(), FeedError> {
        self.written.notify_one();
        timeout(SEEN, self.catch_up()).await.unwrap_or(Err(FeedError::Late(SEEN)))
    }

    /// Waits until something was written here, and lets the other nodes know.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tell(&self) -> Result<(), StoreError> {
        self.written.notified().await;
        self.store.wake_feed(&self.node).await
    }

    /// Reads the feed whenever another node has written, until nothing was heard for a minute; ends at once where there is
    /// no way to be told.
    ///
    /// # Errors
    /// When the connection is lost or the feed cannot be read.
    pub async fn listen(&self) -> Result<(), FeedError> {
        if !self.has_views() {
            return Ok(());
        }
        let Some(mut listener) = self.store.listen_to_feed(&self.node).await? else { return Ok(()) };
        while let Ok(woken) = timeout(SILENCE, listener.woken()).await {
            woken?;
            self.catch_up().await?;
        }
        Ok(())
    }
}
