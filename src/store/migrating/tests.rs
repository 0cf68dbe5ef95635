//! Migrations outside a transaction. PostgreSQL comes by `scripts/postgres cargo nextest run --lib`.

use super::*;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::MigrationType;
use std::str::FromStr as _;

async fn fresh_database() -> (PgConnectOptions, String) {
    let server =
        std::env::var("TUTTU_TEST_POSTGRES").expect("run the tests by scripts/postgres cargo nextest run");
    let options = PgConnectOptions::from_str(&server).unwrap();
    let name = format!("tuttu_{}", uuid::Uuid::new_v4().simple());
    run(&options.clone().database("postgres"), &format!("CREATE DATABASE {name}")).await;
    (options.database(&name), name)
}

async fn run(options: &PgConnectOptions, statement: &str) {
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
}

fn indexing() -> Migrator {
    let sql =
        "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS things_by_name ON things (name)";
    let migration = Migration::new(1, "index".into(), MigrationType::Simple, sql.into_sql_str(), true);
    Migrator::with_migrations(vec![migration])
}

#[tokio::test]
async fn an_index_that_was_not_finished_is_made_anew() {
    let (options, name) = fresh_database().await;
    run(&options, "CREATE TABLE things (name TEXT NOT NULL); INSERT INTO things VALUES ('one'), ('one')")
        .await;
    let migrator = indexing();
    let failed = Migrating::run(&options, &migrator, PATIENCE).await.unwrap_err().to_string();
    assert!(failed.contains("could not create unique index"), "{failed}");
    run(&options, "DELETE FROM things").await;
    Migrating::run(&options, &migrator, PATIENCE).await.unwrap();
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let valid: Vec<bool> =
        sqlx::query_scalar("SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_by_name'::regclass")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert_eq!(valid, [true]);
    run(&options.database("postgres"), &format!("DROP DATABASE {name} WITH (FORCE)")).await;
}
