//! Statements that go to the database together.
//!
//! A small statement costs SQLite less than the way to its thread and back, so it takes all of them in one go.
//! PostgreSQL, which prepares one statement at a time, takes one after the other.

use super::StoreError;
use futures_util::TryStreamExt as _;
use sqlx::{Arguments as _, AssertSqlSafe, Connection, Database, Encode, Executor, IntoArguments, Type};
use sqlx::{Postgres, Sqlite};
use std::fmt::Write as _;

/// An engine, by what it takes in one go.
pub(super) trait Engine: Database {
    /// Whether it takes many statements in one go.
    const TOGETHER: bool;

    /// How many rows a statement has changed.
    fn changed(result: &Self::QueryResult) -> u64;
}

impl Engine for Sqlite {
    const TOGETHER: bool = true;

    fn changed(result: &Self::QueryResult) -> u64 {
        result.rows_affected()
    }
}

impl Engine for Postgres {
    const TOGETHER: bool = false;

    fn changed(result: &Self::QueryResult) -> u64 {
        result.rows_affected()
    }
}

/// Statements with what they bind.
pub(super) struct Batch<DB: Database> {
    parts: Vec<(String, DB::Arguments)>,
}

impl<DB: Engine> Batch<DB> {
    /// None yet, for this connection.
    pub(super) const fn on<C: Connection<Database = DB>>(_connection: &C) -> Self {
        Self { parts: Vec::new() }
    }

    /// Adds a statement, which binds what is bound from now on: `$1` is the first of it.
    pub(super) fn begin(&mut self, statement: &str) {
        match self.parts.last_mut() {
            Some((all, bound)) if DB::TOGETHER => {
                all.push(';');
                push_moved(all, statement, bound.len());
            }
            _ => self.parts.push((statement.to_owned(), DB::Arguments::default())),
        }
    }

    /// Binds the newest statement's next value.
    pub(super) fn bind<'a, T: Encode<'a, DB> + Type<DB>>(&mut self, value: T) -> Result<(), StoreError> {
        let Some((_, bound)) = self.parts.last_mut() else { return Ok(()) };
        bound.add(value).map_err(|cause| sqlx::Error::Encode(cause).into())
    }

    /// Runs them in order, up to the first that fails: how many rows each has changed.
    pub(super) async fn run(self, connection: &mut DB::Connection) -> Result<Vec<u64>, StoreError>
    where
        DB::Arguments: IntoArguments<DB>,
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        let mut changes = Vec::new();
        for (sql, bound) in self.parts {
            let mut results = connection.fetch_many(sqlx::query_with(AssertSqlSafe(sql), bound));
            while let Some(result) = results.try_next().await? {
                changes.extend(result.left().as_ref().map(DB::changed));
            }
        }
        Ok(changes)
    }
}

/// Appends a statement whose `$1` is the value after `offset` others.
fn push_moved(all: &mut String, statement: &str, offset: usize) {
    let mut pieces = statement.split('$');
    all.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let (number, rest) = piece.split_at(digits);
        let _infallible = write!(all, "${}{rest}", number.parse().unwrap_or(0) + offset);
    }
}

/// Adds a statement and what it binds to a [`Batch`].
macro_rules! add {
    ($batch:ident, $sql:expr $(, $bind:expr)* $(,)?) => {
        $batch.begin($sql);
        $($batch.bind($bind)?;)*
    };
}
pub(super) use add;

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::{SqliteConnection, SqlitePool};

    #[test]
    fn a_statement_binds_what_comes_after_the_others() {
        let mut all = "DELETE FROM a WHERE x = $1;".to_owned();
        push_moved(&mut all, "UPDATE b SET y = $2, z = $10 WHERE x = $1", 1);
        assert_eq!(all, "DELETE FROM a WHERE x = $1;UPDATE b SET y = $3, z = $11 WHERE x = $2");
    }

    #[tokio::test]
    async fn each_statement_says_how_many_rows_it_has_changed_and_a_failed_one_ends_all() {
        let pool = SqlitePool::connect("sqlite::memory:").await.unwrap();
        let connection: &mut SqliteConnection = &mut pool.acquire().await.unwrap();
        sqlx::query("CREATE TABLE a (x INTEGER PRIMARY KEY, y INTEGER)")
            .execute(&mut *connection)
            .await
            .unwrap();
        let of = |rows: &[(i64, i64)]| {
            let mut batch = Batch::<Sqlite> { parts: Vec::new() };
            for (x, y) in rows {
                batch.begin("INSERT INTO a (y, x) VALUES ($2, $1)");
                batch.bind(*x).unwrap();
                batch.bind(*y).unwrap();
            }
            batch.begin("UPDATE a SET y = y + $1");
            batch.bind(1).unwrap();
            batch
        };
        assert_eq!(of(&[(1, 10), (2, 20)]).run(connection).await.unwrap(), [1, 1, 2]);
        of(&[(3, 30), (1, 40), (4, 50)]).run(connection).await.unwrap_err();
        let rows: Vec<(i64, i64)> =
            sqlx::query_as("SELECT x, y FROM a ORDER BY x").fetch_all(&mut *connection).await.unwrap();
        assert_eq!(rows, [(1, 11), (2, 21), (3, 30)]);
        assert!(Batch::<Sqlite> { parts: Vec::new() }.run(connection).await.unwrap().is_empty());
    }
}
