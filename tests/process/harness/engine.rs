//! A fresh database on either engine.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

/// The two engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Names a PostgreSQL server where databases may be made; `scripts/postgres` starts one.
const SERVER: &str = "TUTTU_TEST_POSTGRES";

/// The URL of an empty database on PostgreSQL.
pub(super) async fn fresh_database() -> String {
    let name = format!("tuttu_{}", uuid::Uuid::new_v4().simple());
    administer(&format!("CREATE DATABASE {name}")).await;
    format!("{}/{name}", server())
}

/// Drops a database on PostgreSQL.
pub(super) async fn drop_database(url: &str) {
    let (_, name) = url.rsplit_once('/').unwrap();
    administer(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

/// Runs a statement on the server that is about no database's content: whether it went well.
pub(crate) async fn on_server(statement: &str) -> bool {
    let mut connection = PgConnection::connect(&format!("{}/postgres", server())).await.unwrap();
    connection.execute(AssertSqlSafe(statement.to_owned())).await.is_ok()
}

/// Makes a role that may log in, unless it is there.
pub(crate) async fn make_role(name: &str) {
    administer(&format!(
        "DO $$ BEGIN CREATE ROLE {name} LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    ))
    .await;
}

/// Runs statements on a database of either engine.
pub(super) async fn execute(url: &str, statements: &str) {
    let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
    if url.starts_with("postgres") {
        let mut connection = PgConnection::connect(url).await.unwrap();
        statements.execute(&mut connection).await.unwrap();
        return connection.close().await.unwrap();
    }
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    statements.execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The first column of what a query finds, which is bytes.
pub(super) async fn bytes(url: &str, query: &str) -> Vec<Vec<u8>> {
    let query = AssertSqlSafe(query.to_owned());
    if url.starts_with("postgres") {
        let mut connection = PgConnection::connect(url).await.unwrap();
        return sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
    }
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    let found = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    found
}

fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| {
        panic!("{SERVER} is not set: run the tests by scripts/postgres cargo nextest run")
    })
}

async fn administer(statement: &str) {
    let mut connection = PgConnection::connect(&format!("{}/postgres", server())).await.unwrap();
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
}
