//! Waking the readers of other nodes. It only shortens their wait: PostgreSQL drops notifications whenever a listener
//! connects anew, and inside of a transaction they would cost most of its throughput, for commits take turns then.

use crate::store::{Pool, Store, StoreError};
use sqlx::postgres::{PgListener, PgPoolOptions};
use std::fmt;
use std::time::Duration;

const CHANNEL: &str = "tuttu_feed";
const CONNECT: Duration = Duration::from_secs(2);

/// Hears that another node has written to the feed.
pub struct FeedListener {
    listener: PgListener,
    node: String,
}

impl fmt::Debug for FeedListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedListener(..)")
    }
}

impl FeedListener {
    /// Waits until another node has written.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn woken(&mut self) -> Result<(), StoreError> {
        while self.listener.recv().await?.payload() == self.node {}
        Ok(())
    }
}

impl Store {
    /// Listens to the other nodes; `None` where there is no way to be told, as on SQLite.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn listen_to_feed(&self, node: &str) -> Result<Option<FeedListener>, StoreError> {
        let Pool::Postgres(server) = &self.pool else { return Ok(None) };
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CONNECT);
        let mut listener =
            PgListener::connect_with(&pool.connect_lazy_with(server.options().clone())).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(FeedListener { listener, node: node.to_owned() }))
    }

    /// Tells the other nodes that this one has written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wake_feed(&self, node: &str) -> Result<(), StoreError> {
        let Pool::Postgres(server) = &self.pool else { return Ok(()) };
        let waking = async {
            let mut held = server.acquire().await?;
            let wake = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(node);
            Ok(wake.execute(&mut *held).await.map(drop)?)
        };
        server.within(Box::pin(waking)).await
    }
}
