//! Connections to PostgreSQL: a pool that hangs nowhere, whatever becomes of the server or the way to it.
//!
//! Nobody waits longer than a request may (`patience`) or a statement does, and for a connection half of that: who gets
//! one has time to use it. Where a statement was not answered in time, connections that were idle then are asked whether
//! they are there before they are used again; where one broke, all of them are closed, not tried one after the other,
//! and new ones are made. That no connection was free says nothing of those there are: under load it would end them,
//! and making them anew is what a busy server can do least. A connection that was left in the middle of a statement goes back to the pool if it is through
//! within a second, else it is dropped, and its place is free. No connection is made to a standby, which would answer
//! from the past.

use super::patience::{Patience, patiently};
use super::places::Places;
use super::{Connections, StoreError};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Postgres};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a connection may take to go back to the pool.
const RETURN: Duration = Duration::from_secs(1);
/// A connection that was idle for longer is asked whether it is there.
const IDLE: Duration = Duration::from_secs(5);
/// How long it may take to say so.
const PING: Duration = Duration::from_millis(500);
/// Statements that may take long, at once.
const AT_LENGTH_AT_ONCE: u32 = 4;
/// How long they may take.
const LONGEST: Duration = Duration::from_hours(12);
/// After how long their connections are closed.
const UNUSED: Duration = Duration::from_mins(1);
/// How long a transaction may do nothing: its node may be gone, and it holds locks.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(15);

/// A PostgreSQL server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pool: PgPool,
    /// Connections for what takes as long as it takes.
    long: PgPool,
    options: Arc<PgConnectOptions>,
    /// The longest that a statement may take outside of requests.
    statement: Duration,
    doubt: Arc<Doubt>,
    /// What a request may wait in all.
    request: Duration,
    places: Places,
    returning: TaskTracker,
}

/// What was last seen of connections that are not what they seem.
#[derive(Debug)]
struct Doubt {
    begun: Instant,
    /// A statement was not answered in time: microseconds since `begun`, and 1; 0: never.
    late: AtomicU64,
    /// A connection broke.
    broken: AtomicU64,
}

impl Doubt {
    fn new() -> Self {
        Self { begun: Instant::now(), late: AtomicU64::new(0), broken: AtomicU64::new(0) }
    }

    fn cast(&self, what: &AtomicU64) {
        what.store(self.micros(Instant::now()).saturating_add(1), Ordering::Relaxed);
    }

    /// Whether that was seen since a connection became idle.
    fn since(&self, what: &AtomicU64, idle: Duration) -> bool {
        let since = Instant::now().checked_sub(idle).map_or(0, |since| self.micros(since));
        what.load(Ordering::Relaxed) > since
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.begun).as_micros()).unwrap_or(u64::MAX)
    }
}

/// A connection of the pool. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Held {
    connection: PoolConnection<Postgres>,
    returning: TaskTracker,
}

impl Deref for Held {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What sqlx does on its own, but for the limit: on a dead connection it would wait for ever, in a place of the pool.
        let returning = self.connection.return_to_pool();
        self.returning.spawn(async move {
            let _late = tokio::time::timeout(RETURN, returning).await;
        });
    }
}

impl Server {
    /// Connects to a server that must be a primary.
    pub(super) async fn connect(
        options: &PgConnectOptions,
        connections: Connections,
    ) -> Result<Self, StoreError> {
        let ms = |duration: Duration| duration.as_millis().to_string();
        let idle = [("idle_in_transaction_session_timeout", ms(IDLE_IN_TRANSACTION))];
        let unhurried = options.clone().options(idle);
        let options = unhurried.clone().options([("statement_timeout", ms(connections.statement_timeout))]);
        let doubt = Arc::new(Doubt::new());
        let pool = pool(connections.count, &doubt).acquire_timeout(connections.request_timeout);
        let pool = pool.connect_with(options.clone()).await;
        let server = || match options.get_socket() {
            Some(folder) => format!("{} (port {})", folder.display(), options.get_port()),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let pool = pool.map_err(|cause| StoreError::unreachable(server(), cause))?;
        let long = self::pool(AT_LENGTH_AT_ONCE, &doubt).acquire_timeout(connections.request_timeout);
        let long = long.idle_timeout(UNUSED).connect_lazy_with(unhurried);
        let (request, statement) = (connections.request_timeout, connections.statement_timeout);
        Ok(Self {
            pool,
            long,
            request,
            options: Arc::new(options),
            statement,
            doubt,
            places: Places::of(connections.count as usize),
            returning: TaskTracker::new(),
        })
    }

    /// The same server for statements that take as long as they take: of what is counted or taken away by the million.
    pub(super) fn at_length(&self) -> Self {
        Self { pool: self.long.clone(), statement: LONGEST, ..self.clone() }
    }

    /// What a request may wait in all.
    pub(super) fn patience(&self) -> Patience {
        Patience::of(self.request)
    }

    /// A connection of the pool.
    pub(super) async fn acquire(&self) -> Result<Held, StoreError> {
        let patience = Patience::current();
        let most = patience.as_ref().map_or(self.statement, |patience| patience.left() / 2);
        let acquiring = async {
            if let Some(patience) = patience {
                patience.enter(&self.places).await;
            }
            self.pool.acquire().await
        };
        let acquired = tokio::time::timeout(most, acquiring).await;
        let connection = acquired.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        Ok(Held { connection, returning: self.returning.clone() })
    }

    /// A connection beside the pool, for one who keeps it.
    pub(super) async fn connection(&self) -> Result<PgConnection, StoreError> {
        let connecting = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            only_a_primary(&mut connection).await?;
            Ok(connection)
        };
        tokio::time::timeout(CONNECT, connecting).await.unwrap_or_else(|_| Err(StoreError::late()))
    }

    /// How to connect beside the pool.
    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Does something with the server, for as long as the request may wait. The work should be boxed.
    pub(super) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let done = patiently(self.statement, work).await.unwrap_or_else(|| Err(StoreError::late()));
        match &done {
            Err(cause) if cause.is_late() => self.doubt.cast(&self.doubt.late),
            Err(cause) if cause.is_of_the_connection() => self.doubt.cast(&self.doubt.broken),
            _ => {}
        }
        done
    }

    /// Closes every connection, after what runs on it.
    pub(super) async fn close(&self) {
        self.pool.close().await;
        self.long.close().await;
        self.returning.close();
        self.returning.wait().await;
    }
}

/// A pool of connections that are judged before they are used, and lead to a primary.
fn pool(most: u32, doubt: &Arc<Doubt>) -> PgPoolOptions {
    let doubt = doubt.clone();
    let pool = PgPoolOptions::new().max_connections(most).test_before_acquire(false);
    let pool = pool.before_acquire(move |connection, meta| {
        let doubt = doubt.clone();
        Box::pin(async move { Ok(is_usable(connection, meta.idle_for, &doubt).await) })
    });
    pool.after_connect(|connection, _| Box::pin(only_a_primary(connection)))
}

async fn is_usable(connection: &mut PgConnection, idle: Duration, doubt: &Doubt) -> bool {
    if doubt.since(&doubt.broken, idle) {
        return false;
    }
    if idle < IDLE && !doubt.since(&doubt.late, idle) {
        return true;
    }
    tokio::time::timeout(PING, connection.ping()).await.is_ok_and(|ping| ping.is_ok())
}

/// Refuses a standby, and makes commits durable where the server's default does not: what was acknowledged must
/// survive a crash, and a lost commit's number would be used again within one timeline of the feed.
async fn only_a_primary(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    const IS_STANDBY: &str = "SELECT pg_is_in_recovery(), CASE current_setting('synchronous_commit')
        WHEN 'off' THEN set_config('synchronous_commit', 'on', FALSE) END";
    let (standby, _): (bool, Option<String>) = sqlx::query_as(IS_STANDBY).fetch_one(connection).await?;
    if standby {
        return Err(sqlx::Error::Configuration(
            "the server is a standby: point database.url at the primary".into(),
        ));
    }
    Ok(())
}
