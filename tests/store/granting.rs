//! The serving role: every contract of the store holds under it, and it can do no more.

use super::fixtures::Database;
use crate::engine::{Engine, SERVING};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tuttu::store::GrantRefused;

async fn as_serving(database: &Database) -> PgConnection {
    PgConnection::connect(&database.url).await.unwrap()
}

#[tokio::test]
async fn the_serving_role_is_named_for_every_table() {
    let database = Database::fresh(Engine::Postgres).await;
    let closed: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()
            AND NOT has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT') ORDER BY 1",
    )
    .fetch_all(&mut as_serving(&database).await)
    .await
    .unwrap();
    assert!(closed.is_empty(), "say in src/store/granting.rs what the serving role may do with {closed:?}");
    database.end().await;
}

#[tokio::test]
async fn the_serving_role_changes_no_schema_and_no_row_that_it_only_writes_or_reads() {
    let database = Database::fresh(Engine::Postgres).await;
    for statement in [
        "CREATE TABLE of_its_own (a BIGINT)",
        "CREATE INDEX of_its_own ON accounts (created_at)",
        "ALTER TABLE accounts ADD COLUMN a BIGINT",
        "DROP TABLE accounts",
        "TRUNCATE accounts",
        "UPDATE feed_identity SET identity = identity",
        "UPDATE directory_feed SET tag = tag",
        "UPDATE key_fingerprints SET fingerprint = fingerprint",
        "DELETE FROM key_fingerprints",
        "DELETE FROM epochs",
        "DELETE FROM _sqlx_migrations",
    ] {
        let refused = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut as_serving(&database).await).await;
        let refused = refused.unwrap_err();
        let code = refused.as_database_error().and_then(sqlx::error::DatabaseError::code);
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {refused}");
    }
    database.end().await;
}

#[tokio::test]
async fn a_table_that_is_not_named_is_closed_to_the_serving_role_though_it_was_open() {
    let database = Database::fresh(Engine::Postgres).await;
    let owner = database.url.replacen(SERVING, "postgres", 1);
    let mut owner = PgConnection::connect(&owner).await.unwrap();
    let made = format!("CREATE TABLE later (a BIGINT); GRANT ALL ON later TO {SERVING}");
    sqlx::raw_sql(AssertSqlSafe(made)).execute(&mut owner).await.unwrap();
    database.owner.grant_to(SERVING).await.unwrap();
    let read = sqlx::raw_sql("SELECT * FROM later").execute(&mut as_serving(&database).await).await;
    assert!(read.unwrap_err().to_string().contains("permission denied"));
    database.end().await;
}

#[tokio::test]
async fn a_role_that_is_not_there_or_may_do_everything_is_not_let_serve() {
    let database = Database::fresh(Engine::Postgres).await;
    let unknown = database.owner.grant_to("nobody's").await.unwrap_err();
    assert!(matches!(&unknown, GrantRefused::Unknown(role) if role == "nobody's"), "{unknown}");
    let mighty = database.owner.grant_to("postgres").await.unwrap_err();
    assert!(matches!(mighty, GrantRefused::Mighty(_)), "{mighty}");
    database.end().await;
    let database = Database::fresh(Engine::Sqlite).await;
    assert!(matches!(database.owner.grant_to(SERVING).await, Err(GrantRefused::NoRoles)));
    database.end().await;
}
