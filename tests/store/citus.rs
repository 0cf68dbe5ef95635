//! The plan for Citus fits the schema. Citus itself is not here: functions of its names write down what they are told.

use super::fixtures::Database;
use crate::engine::{Engine, SERVING};
use sqlx::{Connection as _, PgConnection};
use std::collections::{BTreeMap, BTreeSet};
use tuttu::store::DistributeRefused;

const PLAN: &str = include_str!("../../migrations/citus.sql");

/// What stands in for Citus: it distributes what is there, by a column that is there, with a table that is distributed.
const STAND_IN: &str = "CREATE TABLE pg_dist_partition (place BIGINT GENERATED ALWAYS AS IDENTITY,
        logicalrel REGCLASS UNIQUE, shard_column TEXT NOT NULL, colocated_with TEXT NOT NULL);
    CREATE FUNCTION create_distributed_table(table_name REGCLASS, distribution_column TEXT,
        colocate_with TEXT DEFAULT 'default') RETURNS VOID LANGUAGE plpgsql AS $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = table_name AND attname = distribution_column) THEN
            RAISE 'there is no column %', distribution_column;
        END IF;
        IF colocate_with <> 'none' AND NOT EXISTS
            (SELECT FROM pg_dist_partition WHERE logicalrel = colocate_with::regclass) THEN
            RAISE '% is not distributed', colocate_with;
        END IF;
        INSERT INTO pg_dist_partition (logicalrel, shard_column, colocated_with)
            VALUES (table_name, distribution_column, colocate_with);
    END $$";

async fn owner(database: &Database) -> PgConnection {
    PgConnection::connect(&database.url.replacen(SERVING, "postgres", 1)).await.unwrap()
}

/// A database that was distributed, as far as the stand-in does, and the shard column of each table of it.
async fn distributed() -> (Database, PgConnection, BTreeMap<String, String>) {
    let database = Database::fresh(Engine::Postgres).await;
    let mut owner = owner(&database).await;
    sqlx::raw_sql(STAND_IN).execute(&mut owner).await.unwrap();
    database.owner.distribute().await.unwrap();
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT logicalrel::text, shard_column FROM pg_dist_partition ORDER BY place")
            .fetch_all(&mut owner)
            .await
            .unwrap();
    (database, owner, rows.into_iter().collect())
}

fn staying() -> Vec<String> {
    let lines = PLAN.lines().filter_map(|line| line.strip_prefix("-- Stays: "));
    lines.flat_map(|line| line.split(", ")).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_plan_names_every_table_once_and_may_be_applied_again() {
    let (database, mut owner, distributed) = distributed().await;
    database.owner.distribute().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()
            AND tablename <> 'pg_dist_partition' ORDER BY tablename COLLATE \"C\"",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let mut named: Vec<String> = distributed.into_keys().chain(staying()).collect();
    named.sort();
    assert_eq!(named, tables, "say in migrations/citus.sql where each table goes");
    database.end().await;
}

#[tokio::test]
async fn every_unique_key_of_a_distributed_table_holds_its_shard_column() {
    let (database, mut owner, distributed) = distributed().await;
    let keys: Vec<(String, String, Vec<String>)> = sqlx::query_as(
        "SELECT indrelid::regclass::text, indexrelid::regclass::text,
                array(SELECT attname::text FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey))
            FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
            WHERE indisunique AND relnamespace = current_schema()::regnamespace",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let mut seen = BTreeSet::new();
    for (table, key, columns) in keys {
        if let Some(shard_column) = distributed.get(&table) {
            assert!(
                columns.contains(shard_column),
                "{key} lacks {shard_column}, by which {table} is distributed"
            );
            seen.insert(table);
        }
    }
    assert_eq!(seen.len(), distributed.len(), "each has a unique key");
    database.end().await;
}

#[tokio::test]
async fn tables_that_lie_together_are_distributed_by_the_same_column_of_the_same_type() {
    let (database, mut owner, _) = distributed().await;
    let unlike: Vec<String> = sqlx::query_scalar(
        "SELECT it.logicalrel::text FROM pg_dist_partition AS it
            JOIN pg_dist_partition AS other ON other.logicalrel = it.colocated_with::regclass
            JOIN pg_attribute AS a ON a.attrelid = it.logicalrel AND a.attname = it.shard_column
            JOIN pg_attribute AS b ON b.attrelid = other.logicalrel AND b.attname = other.shard_column
            WHERE it.colocated_with <> 'none'
                AND (a.attname <> b.attname OR a.atttypid <> b.atttypid OR NOT a.attnotnull)",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(unlike, Vec::<String>::new());
    database.end().await;
}

#[tokio::test]
async fn no_table_refers_to_another_by_a_foreign_key_or_a_trigger() {
    let (database, mut owner, _) = distributed().await;
    let found: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM pg_constraint WHERE contype = 'f') + (SELECT count(*) FROM pg_trigger)",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert_eq!(found, 0);
    database.end().await;
}

#[tokio::test]
async fn where_there_is_no_citus_it_is_said_what_is_missing() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::fresh(engine).await;
        let refused = database.owner.distribute().await.unwrap_err();
        match engine {
            Engine::Sqlite => assert!(matches!(refused, DistributeRefused::NotPostgres), "{refused}"),
            Engine::Postgres => assert!(refused.to_string().contains("CREATE EXTENSION citus"), "{refused}"),
        }
        database.end().await;
    }
}
