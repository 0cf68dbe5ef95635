//! Bringing the schema up to this version while nodes of this and of the version before it serve.
//!
//! On PostgreSQL whoever waits for a table's lock makes everybody behind it wait, too. So a migration waits for a
//! lock for [`LOCK_TIMEOUT`] at most, lets go of everything, and tries again later. Of several processes one migrates:
//! the others ask for a lock again and again rather than wait for it, because `CREATE INDEX CONCURRENTLY` waits
//! for every transaction that waits. What is to be done is looked at before anything is locked: a role that may
//! change no schema starts where nothing is left to do.

use super::{Pool, Store, StoreError};
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use std::pin::pin;
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::time::{interval, sleep};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The table in which the migrations that were applied stand.
const HISTORY: &str = "_sqlx_migrations";
/// How long others queue behind a migration that waits for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// How long is asked for locks that others hold.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at who is in the way.
const LOOK: Duration = Duration::from_millis(200);
/// Between two attempts, for those who queued behind the first: it doubles.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// `lock_not_available` and `deadlock_detected`: nothing was changed, and it may be tried again.
const IN_THE_WAY: [&str; 2] = ["55P03", "40P01"];
const UNDEFINED_TABLE: &str = "42P01";

const SET_LOCK_TIMEOUT: &str = "SELECT set_config('lock_timeout', $1, FALSE),
    set_config('idle_in_transaction_session_timeout', '60s', FALSE), set_config('statement_timeout', '0', FALSE)";
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock(1953854580, 9)";
/// Who holds the lock of [`TRY_LOCK`].
const LOCKER: &str = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 1953854580
    AND objid = 9 AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const IN_WORDS: &str = "SELECT string_agg('server process ' || pid
        || COALESCE(' of ' || quote_literal(NULLIF(application_name, '')), '') || COALESCE(', ' || state, '')
        || COALESCE(', its transaction open for ' || floor(extract(epoch FROM clock_timestamp() - xact_start)) || ' s', ''),
    ' and ' ORDER BY pid) FROM pg_stat_activity WHERE pid = ANY ($1)";
const BLOCKING: &str = "SELECT pg_blocking_pids($1)";
/// Indexes that a migration of that text began and never ended.
const UNFINISHED_INDEXES: &str = "SELECT 'DROP INDEX CONCURRENTLY ' || indexrelid::regclass FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid WHERE NOT indisvalid AND $1 ~ ('\\m' || relname || '\\M')";

/// Why the schema stays as it is: others hold what a migration needs.
#[derive(Debug, Error)]
pub(super) enum MigratingError {
    #[error(
        "another process migrates this database ({holder}): wait until it has ended, then run `tuttu migrate`"
    )]
    UnderWay { holder: String },
    #[error(
        "migration {version} did not get a lock that it needs: {holder} held it. End that, then run `tuttu migrate`"
    )]
    Blocked { version: i64, holder: String },
}

impl Store {
    /// Brings the schema up to this version; one that is newer stays, see the README's Operations.
    ///
    /// # Errors
    /// When the database fails, or others hold its locks for a minute: it then says who.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_within(PATIENCE).await
    }

    /// The same, with another patience for locks that others hold.
    ///
    /// # Errors
    /// As for [`Store::migrate`].
    pub async fn migrate_within(&self, patience: Duration) -> Result<(), StoreError> {
        match &self.pool {
            Pool::Sqlite { writer, .. } => {
                let mut connection = writer.pool().acquire().await?;
                connection.ensure_migrations_table(HISTORY).await?;
                for migration in pending(&mut *connection, &SQLITE).await? {
                    connection.apply(HISTORY, migration).await?;
                }
            }
            Pool::Postgres(server) => Migrating::run(server.options(), &POSTGRES, patience).await?,
        }
        Ok(())
    }

    /// How many migrations this version has that the database has not.
    ///
    /// # Errors
    /// When the database fails, or has one that reads otherwise here.
    pub async fn pending_migrations(&self) -> Result<usize, StoreError> {
        let pending = match &self.pool {
            Pool::Sqlite { writer, .. } => {
                let mut connection = writer.pool().acquire().await?;
                match pending(&mut *connection, &SQLITE).await {
                    Err(MigrateError::Execute(sqlx::Error::Database(_))) => SQLITE.iter().collect(),
                    pending => pending?,
                }
            }
            Pool::Postgres(server) => pending_or_all(&mut *server.acquire().await?, &POSTGRES).await?,
        };
        Ok(pending.len())
    }
}

/// The migrations that the database has not. Those that it has beyond these are of a newer version, which leaves
/// what this one uses as it is.
async fn pending<'a>(
    connection: &mut impl Migrate,
    known: &'a Migrator,
) -> Result<Vec<&'a Migration>, MigrateError> {
    let applied = connection.list_applied_migrations(HISTORY).await?;
    let mut pending = Vec::new();
    for migration in known.iter() {
        match applied.iter().find(|applied| applied.version == migration.version) {
            None => pending.push(migration),
            Some(applied) if applied.checksum != migration.checksum => {
                return Err(MigrateError::VersionMismatch(migration.version));
            }
            Some(_) => {}
        }
    }
    Ok(pending)
}

/// The same of a database that may be empty.
async fn pending_or_all<'a>(
    connection: &mut PgConnection,
    known: &'a Migrator,
) -> Result<Vec<&'a Migration>, MigrateError> {
    match pending(connection, known).await {
        Err(MigrateError::Execute(cause)) if has_code(&cause, &[UNDEFINED_TABLE]) => {
            Ok(known.iter().collect())
        }
        pending => pending,
    }
}

fn has_code(cause: &sqlx::Error, codes: &[&str]) -> bool {
    cause
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| codes.contains(&&*code))
}

/// One process's work on the schema of a PostgreSQL database.
struct Migrating {
    /// Holds the lock of those who migrate until it is closed.
    session: PgConnection,
    /// Looks at who is in the way of the other.
    watch: PgConnection,
    began: Instant,
    patience: Duration,
}

impl Migrating {
    async fn run(options: &PgConnectOptions, known: &Migrator, patience: Duration) -> Result<(), StoreError> {
        let mut session = PgConnection::connect_with(options).await?;
        if pending_or_all(&mut session, known).await?.is_empty() {
            return Ok(session.close().await?);
        }
        let watch = PgConnection::connect_with(options).await?;
        let mut migrating = Self { session, watch, began: Instant::now(), patience };
        migrating.lock().await?;
        migrating.session.ensure_migrations_table(HISTORY).await?;
        for migration in pending(&mut migrating.session, known).await? {
            migrating.apply(migration).await?;
        }
        Ok(migrating.session.close().await?)
    }

    /// Waits until no other process migrates.
    async fn lock(&mut self) -> Result<(), StoreError> {
        while !sqlx::query_scalar(TRY_LOCK).fetch_one(&mut self.session).await? {
            if self.began.elapsed() >= self.patience {
                let locker: Vec<i32> = sqlx::query_scalar(LOCKER).fetch_all(&mut self.watch).await?;
                let holder = in_words(&mut self.watch, locker).await?;
                return Err(MigratingError::UnderWay { holder: holder.unwrap_or_default() }.into());
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Applies a migration as soon as the locks that it needs are free.
    async fn apply(&mut self, migration: &Migration) -> Result<(), StoreError> {
        let mut pause = PAUSE;
        loop {
            self.prepare(migration).await?;
            let (outcome, holder) = self.attempt(migration).await?;
            match outcome {
                Err(MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _))
                    if has_code(&cause, &IN_THE_WAY) => {}
                outcome => return Ok(outcome.map(|_took| ())?),
            }
            let (version, holder) = (migration.version, holder.unwrap_or_default());
            if self.began.elapsed() >= self.patience {
                return Err(MigratingError::Blocked { version, holder }.into());
            }
            tracing::warn!(version, holder, "a migration waits for a lock and is tried again");
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sets how long it may wait for a lock: outside a transaction nobody queues behind it. What an index that was not
    /// finished has left is taken away.
    async fn prepare(&mut self, migration: &Migration) -> Result<(), StoreError> {
        let patience = if migration.no_tx { self.patience } else { LOCK_TIMEOUT };
        let ms = format!("{}ms", patience.as_millis().max(1));
        sqlx::query(SET_LOCK_TIMEOUT).bind(ms).execute(&mut self.session).await?;
        if migration.no_tx {
            let unfinished = sqlx::query_scalar(UNFINISHED_INDEXES).bind(migration.sql.as_str());
            let drops: Vec<String> = unfinished.fetch_all(&mut self.session).await?;
            for drop in drops {
                sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut self.session).await?;
            }
        }
        Ok(())
    }

    /// Applies a migration unless a lock does not come, and says who held it.
    async fn attempt(
        &mut self,
        migration: &Migration,
    ) -> Result<(Result<Duration, MigrateError>, Option<String>), StoreError> {
        let own: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut self.session).await?;
        let mut applying = pin!(self.session.apply(HISTORY, migration));
        let (mut looks, mut holder) = (interval(LOOK), None);
        loop {
            tokio::select! {
                outcome = &mut applying => return Ok((outcome, holder)),
                _ = looks.tick() => {
                    let blocking: Vec<i32> =
                        sqlx::query_scalar(BLOCKING).bind(own).fetch_one(&mut self.watch).await?;
                    holder = in_words(&mut self.watch, blocking).await?.or(holder);
                }
            }
        }
    }
}

/// These server processes, for an operator who looks for them.
async fn in_words(watch: &mut PgConnection, processes: Vec<i32>) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(IN_WORDS).bind(processes).fetch_one(watch).await
}

#[cfg(test)]
mod tests;
