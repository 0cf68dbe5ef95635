//! The schema changes while nodes serve.

use super::harness::{DEADLINE, Engine, Place, Server, on_both_engines, until};
use sqlx::{Connection as _, PgConnection};
use std::time::{Duration, Instant};

/// How long a registration may take beside a migration that waits for a lock: its second, and some for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A database that lacks one migration, which needs a lock on `devices` that writers of it do not let it have.
async fn one_behind(place: &Place) {
    let undone = "DELETE FROM _sqlx_migrations WHERE version = 8; DROP TABLE carried_over; DROP INDEX devices_by_payment";
    place.execute(undone).await;
}

/// A transaction that has written devices and stays open.
async fn long_transaction(place: &Place) -> (PgConnection, i32) {
    let mut held = PgConnection::connect(&place.url()).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE devices IN ROW EXCLUSIVE MODE").execute(&mut held).await.unwrap();
    let process = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut held).await.unwrap();
    (held, process)
}

async fn register_without_a_long_wait(server: &Server, last: u32) {
    let began = Instant::now();
    server.register(&format!("+35840123{last:04}")).await;
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_answers_while_a_migration_waits_for_a_lock() {
    let mut place = Place::on(Engine::Postgres).await;
    let mut server = place.serve();
    server.inbox_key();
    one_behind(&place).await;
    let (mut held, process) = long_transaction(&place).await;
    let migrating = place.start(&["migrate", "--wait", "300"]);
    let tries = || migrating.log().matches("a migration waits for a lock and is tried again").count();
    until("the first try", async || (tries() > 0).then_some(())).await;
    for last in 4501..4505 {
        register_without_a_long_wait(&server, last).await;
    }
    until("the third try", async || (tries() > 2).then_some(())).await;
    assert!(migrating.log().contains(&format!("server process {process}")), "{}", migrating.log());
    sqlx::raw_sql("COMMIT").execute(&mut held).await.unwrap();
    assert_eq!(migrating.finish(DEADLINE).ok(), "The schema is up to date.\n");
    place.execute("SELECT * FROM carried_over").await;
    register_without_a_long_wait(&server, 4500).await;
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_gets_no_lock_says_who_holds_it() {
    let mut place = Place::on(Engine::Postgres).await;
    place.run(&["migrate"]).ok();
    one_behind(&place).await;
    let (mut held, process) = long_transaction(&place).await;
    let refusal = place.run(&["migrate", "--wait", "0"]).failed();
    let expected = format!("migration 8 did not get a lock that it needs: server process {process}");
    assert!(refusal.contains(&expected), "{refusal}");
    assert!(refusal.contains("idle in transaction") && refusal.contains("End that"), "{refusal}");
    sqlx::raw_sql("ROLLBACK").execute(&mut held).await.unwrap();
    place.run(&["migrate"]).ok();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_migrate_one_does_and_the_other_says_so() {
    let mut place = Place::on(Engine::Postgres).await;
    let mut held = PgConnection::connect(&place.url()).await.unwrap();
    sqlx::raw_sql("SELECT pg_advisory_lock(1953854580, 9)").execute(&mut held).await.unwrap();
    let refusal = place.run(&["migrate", "--wait", "0"]).failed();
    assert!(refusal.contains("another process migrates this database (server process "), "{refusal}");
    held.close().await.unwrap();
    let all: Vec<_> = (0..4).map(|_| place.start(&["migrate"])).collect();
    for migrating in all {
        assert_eq!(migrating.finish(DEADLINE).ok(), "The schema is up to date.\n");
    }
    place.drop_database().await;
}

/// What a later version may do to the schema.
const LATER: &str = "ALTER TABLE verifications ADD COLUMN later INTEGER NOT NULL DEFAULT 7;
    ALTER TABLE accounts ADD COLUMN later INTEGER; ALTER TABLE devices ADD COLUMN later TEXT NOT NULL DEFAULT 'x';
    ALTER TABLE directory_feed ADD COLUMN later TEXT; CREATE TABLE later (later INTEGER);
    INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'later', TRUE, 'x', 0)";

on_both_engines!(a_node_goes_on_and_starts_again_beside_a_newer_schema, |place| {
    let mut server = place.serve();
    server.inbox_key();
    let (mut open, mut anna) = (Vec::new(), None);
    // As many as make it sure that a connection that has prepared a statement is used again.
    for block in 100..108 {
        open.push(server.attempt(&format!("+35840{block}0000")).await);
        anna = Some(server.register(&format!("+35840{block}1111")).await);
    }
    place.execute(LATER).await;
    for attempt in &open {
        let code = server.try_code(&attempt.number).await.unwrap();
        server.check(attempt, &code).await.expect(200, "");
    }
    let anna = anna.unwrap();
    let bo = server.register("+358401234563").await;
    server.stop();
    assert_eq!(place.run(&["migrate"]).ok(), "The schema is up to date.\n");
    for migrates in ["true", "false"] {
        place.set("TUTTU__DATABASE__MIGRATE", migrates);
        let server = place.serve();
        let found = server.look_up(&anna.token, std::slice::from_ref(&bo.number)).await;
        assert_eq!(found.get(&bo.number), Some(&bo.account_id));
        server.stop();
    }
});
