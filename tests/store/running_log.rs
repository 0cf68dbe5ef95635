//! The log of a node that runs, altered behind its back by somebody who can write to the database and has no key.

use crate::engine::{Engine, SERVING};
use crate::store::fixtures::{Database, at, contract, index, keys};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use std::io::BufReader;
use std::sync::Arc;
use tuttu::audit::{AuditLog, ExportFormat, Verification};
use tuttu::model::audit::{Action, Note, Pen};
use tuttu::store::LogFilter;

const ANNA: &str = "+358401234561";

/// A node's log, and whoever writes to its database.
struct Altered {
    database: Database,
    log: AuditLog,
}

impl Altered {
    async fn fresh(engine: Engine) -> Self {
        let database = Database::fresh(engine).await;
        database.store.write_with(Pen::new(&keys(), "0123456789abcdef0123456789abcdef"));
        let log = AuditLog::new(database.owner.clone(), Arc::new(keys()), "log.test/audit");
        Self { database, log }
    }

    async fn events(&self, number: usize) {
        for _ in 0..number {
            let note = Note::new(Action::VerificationRefused).of_number(&index(ANNA)).refused("kill_switch");
            self.database.store.write_event(note, at(1)).await.unwrap();
        }
    }

    async fn alter(&self, statements: &'static str) {
        match self.database.engine {
            Engine::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.database.url).await.unwrap();
                connection.execute(AssertSqlSafe(statements)).await.unwrap();
            }
            Engine::Postgres => {
                let mut connection =
                    PgConnection::connect(&self.database.url.replacen(SERVING, "postgres", 1)).await.unwrap();
                connection.execute(AssertSqlSafe(statements)).await.unwrap();
            }
        }
    }

    async fn size(&self) -> usize {
        self.database.store.audit_entries((0, u64::MAX), 1_000).await.unwrap().len()
    }
}

async fn a_copied_event_stands_once(engine: Engine) {
    let altered = Altered::fresh(engine).await;
    altered.events(3).await;
    let copy = "INSERT INTO audit_pending (event_id, at, entry, mac) SELECT event_id, at, entry, mac FROM audit_pending;
        CREATE TABLE kept AS SELECT event_id, at, entry, mac FROM audit_pending";
    altered.alter(copy).await;
    assert_eq!(altered.log.sequence(at(2)).await.unwrap(), Some(6), "all are taken");
    assert_eq!(altered.size().await, 3, "each stands once");
    altered
        .alter(
            "INSERT INTO audit_pending (event_id, at, entry, mac) SELECT event_id, at, entry, mac FROM kept",
        )
        .await;
    altered.events(1).await;
    assert_eq!(altered.log.sequence(at(3)).await.unwrap(), Some(7));
    assert_eq!(altered.size().await, 4, "what is logged already holds up nothing behind it");
    let found =
        Verification::new(altered.log.public_keys().await.unwrap(), &[]).of_database(&altered.log).await;
    assert!(found.unwrap().is_sound());
    altered.database.end().await;
}

async fn a_time_that_was_altered_is_not_believed(engine: Engine) {
    let altered = Altered::fresh(engine).await;
    altered.events(2).await;
    altered.alter("UPDATE audit_pending SET at = 7").await;
    altered.log.sequence(at(2)).await.unwrap();
    let found =
        Verification::new(altered.log.public_keys().await.unwrap(), &[]).of_database(&altered.log).await;
    assert!(found.unwrap().is_sound(), "the entry itself says when it was");
    altered.database.end().await;
}

async fn nothing_is_added_to_what_was_cut(engine: Engine) {
    for cut in [
        "DELETE FROM audit_checkpoints WHERE size > 2; DELETE FROM audit_log WHERE idx > 1",
        "DELETE FROM audit_checkpoints; DELETE FROM audit_log",
    ] {
        let altered = Altered::fresh(engine).await;
        altered.events(2).await;
        altered.log.sequence(at(2)).await.unwrap();
        altered.events(2).await;
        altered.log.sequence(at(3)).await.unwrap();
        altered.alter(cut).await;
        let left = altered.size().await;
        altered.events(1).await;
        assert!(altered.log.sequence(at(4)).await.is_err(), "{cut}");
        assert_eq!(altered.size().await, left, "{cut}");
        let started = AuditLog::new(altered.database.owner.clone(), Arc::new(keys()), "log.test/audit");
        // On PostgreSQL the lead of the transaction that failed ends a moment later.
        while started.sequence(at(5)).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(altered.size().await, left + 1, "a node that starts does not know");
        altered.database.end().await;
    }
}

/// Runs each on both engines.
macro_rules! on_both {
    ($($name:ident)+) => { $(
        mod $name {
            #[tokio::test]
            async fn on_sqlite() {
                super::$name(crate::engine::Engine::Sqlite).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                super::$name(crate::engine::Engine::Postgres).await;
            }
        }
    )+ };
}
on_both!(a_copied_event_stands_once a_time_that_was_altered_is_not_believed nothing_is_added_to_what_was_cut);

contract!(an_export_of_an_empty_log_has_its_end, |store| {
    let log = AuditLog::new(store.clone(), Arc::new(keys()), "log.test/audit");
    for filter in
        [LogFilter::default(), LogFilter { outcome: Some("refused".to_owned()), ..LogFilter::default() }]
    {
        let mut exporter = log.export(filter, ExportFormat::Jsonl).await.unwrap();
        let mut text = String::new();
        while let Some(lines) = exporter.next().await.unwrap() {
            text.push_str(&lines);
        }
        let keys = log.public_keys().await.unwrap();
        let verification = || Verification::new(keys.clone(), &[]);
        let found = verification().of_export(BufReader::new(text.as_bytes())).unwrap();
        assert!(found.is_sound() && found.entries == 0, "{found:?} of {text}");
        let cut = text.lines().next().unwrap();
        assert!(!verification().of_export(BufReader::new(cut.as_bytes())).unwrap().is_sound());
    }
});
