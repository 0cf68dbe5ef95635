//! Rows by the million, as fast as an engine takes them: its indexes are made when all is there.

use crate::engine::Engine;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, SqliteConnection,
};
use std::fmt::Write as _;

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::from)
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Int)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

/// A table that is filled, with its columns.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
}

pub(super) const LOG: Table = Table {
    name: "audit_log",
    columns: &[
        "idx", "event_id", "leaf", "entry", "at", "area", "action", "outcome", "actor", "subject", "country",
    ],
};
pub(super) const ATTEMPTS: Table = Table {
    name: "attempts",
    columns: &[
        "attempt_id",
        "started_at",
        "log_idx",
        "number_index",
        "number_masked",
        "account_id",
        "country",
        "block4",
        "block6",
        "source",
        "channel",
        "gateway",
        "status",
        "reason",
        "sent_at",
        "approved_at",
        "deliveries",
        "price",
    ],
};
pub(super) const STEPS: Table = Table {
    name: "attempt_steps",
    columns: &["attempt_id", "log_idx", "at", "action", "outcome", "reason", "channel", "gateway", "price"],
};
pub(super) const COUNTS: Table = Table {
    name: "attempt_counts",
    columns: &["span", "at", "country", "gateway", "kind", "reason", "number", "total"],
};
pub(super) const SUBJECTS: Table =
    Table { name: "audit_subjects", columns: &["owner", "subject", "key_sealed", "seen_at"] };
pub(super) const TILES: Table = Table { name: "audit_tiles", columns: &["level", "tile", "root"] };
pub(super) const HEADS: Table =
    Table { name: "audit_checkpoints", columns: &["size", "note", "edge", "signed_at"] };
const FILLED: &str = "'audit_log', 'attempts', 'attempt_steps', 'audit_subjects'";
/// Rows of one statement on SQLite.
const TOGETHER: usize = 100;

pub(super) enum Bulk {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Bulk {
    /// Nobody else may have the database open.
    pub(super) async fn open(engine: Engine, url: &str) -> Self {
        match engine {
            Engine::Sqlite => {
                let options = SqliteConnectOptions::new().filename(url.trim_start_matches("sqlite://"));
                let options =
                    options.journal_mode(SqliteJournalMode::Off).synchronous(SqliteSynchronous::Off);
                Self::Sqlite(options.pragma("cache_size", "-1500000").connect().await.unwrap())
            }
            Engine::Postgres => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                connection.execute("SET maintenance_work_mem = '1GB'").await.unwrap();
                Self::Postgres(connection)
            }
        }
    }

    pub(super) async fn run(&mut self, statement: String) {
        match self {
            Self::Sqlite(connection) => connection.execute(AssertSqlSafe(statement)).await.map(drop),
            Self::Postgres(connection) => connection.execute(AssertSqlSafe(statement)).await.map(drop),
        }
        .unwrap();
    }

    /// Drops what makes writing slow; these statements bring it back.
    pub(super) async fn strip(&mut self) -> Vec<String> {
        let found: Vec<(String, String)> = match self {
            Self::Sqlite(connection) => {
                let of = format!(
                    "SELECT 'DROP INDEX ' || name, sql FROM sqlite_schema
                    WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({FILLED}) ORDER BY name"
                );
                sqlx::query_as(AssertSqlSafe(of)).fetch_all(connection).await.unwrap()
            }
            Self::Postgres(connection) => {
                let of = format!(
                    "SELECT 'DROP INDEX ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid) FROM pg_index i
                    JOIN pg_class c ON c.oid = i.indrelid WHERE c.relname IN ({FILLED}) AND NOT i.indisprimary
                    UNION ALL SELECT format('ALTER TABLE %s DROP CONSTRAINT %s', conrelid::regclass, conname),
                    format('ALTER TABLE %s ADD %s', conrelid::regclass, pg_get_constraintdef(c.oid)) FROM pg_constraint c
                    JOIN pg_class t ON t.oid = conrelid WHERE contype = 'p' AND t.relname IN ({FILLED}) ORDER BY 1"
                );
                sqlx::query_as(AssertSqlSafe(of)).fetch_all(connection).await.unwrap()
            }
        };
        for (drop, _) in &found {
            self.run(drop.clone()).await;
        }
        found.into_iter().map(|(_, make)| make).collect()
    }

    pub(super) async fn insert(&mut self, table: &Table, rows: Vec<Vec<Value>>) {
        match self {
            Self::Sqlite(connection) => {
                let mut rows = rows.into_iter();
                while rows.len() > 0 {
                    insert_together(connection, table, rows.by_ref().take(TOGETHER).collect()).await;
                }
            }
            Self::Postgres(connection) => copy(connection, table, &rows).await,
        }
    }

    pub(super) async fn close(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.unwrap(),
            Self::Postgres(mut connection) => {
                connection.execute("VACUUM ANALYZE").await.unwrap();
                connection.execute("CHECKPOINT").await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

async fn insert_together(connection: &mut SqliteConnection, table: &Table, rows: Vec<Vec<Value>>) {
    let marks = format!("({})", vec!["?"; table.columns.len()].join(", "));
    let statement = format!(
        "INSERT INTO {} ({}) VALUES {}",
        table.name,
        table.columns.join(", "),
        vec![marks; rows.len()].join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for value in rows.into_iter().flatten() {
        query = match value {
            Value::Null => query.bind(None::<i64>),
            Value::Int(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Blob(bytes) => query.bind(bytes),
        };
    }
    query.execute(connection).await.unwrap();
}

async fn copy(connection: &mut PgConnection, table: &Table, rows: &[Vec<Value>]) {
    let mut text = String::new();
    for row in rows {
        for (at, value) in row.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "\t" });
            match value {
                Value::Null => text.push_str("\\N"),
                Value::Int(number) => write!(text, "{number}").unwrap(),
                Value::Text(words) => {
                    let words = words.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
                    text.push_str(&words);
                }
                Value::Blob(bytes) => write!(text, "\\\\x{}", hex::encode(bytes)).unwrap(),
            }
        }
        text.push('\n');
    }
    let statement = format!("COPY {} ({}) FROM STDIN", table.name, table.columns.join(", "));
    let mut into = connection.copy_in_raw(&statement).await.unwrap();
    into.send(text.as_bytes()).await.unwrap();
    into.finish().await.unwrap();
}
