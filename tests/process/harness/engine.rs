//! A fresh database on either engine.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

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

fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| {
        panic!("{SERVER} is not set: run the tests by scripts/postgres cargo nextest run")
    })
}

async fn administer(statement: &str) {
    let mut connection = PgConnection::connect(&format!("{}/postgres", server())).await.unwrap();
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
}
