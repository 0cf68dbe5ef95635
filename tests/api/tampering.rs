//! A thousand ways to tamper with the log, each found: edited, deleted, reordered, truncated, inserted, signed anew with
//! another key, put back from an old backup.

use crate::harness::{Engine, TestService, except};
use sqlx::{Connection as _, Row as _, SqliteConnection};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tuttu::audit::{AuditLog, Verification, Verified};
use tuttu::config::GuardMode;
use tuttu::model::audit::{Frontier, Hash, LogKey, LogSigner, leaf_hash};
use tuttu::model::keys::{Keys, SecretKey};
use tuttu::store::{DatabaseUrl, Store};

const KINDS: [&str; 9] = [
    "an entry edited",
    "an entry edited with its hash",
    "an entry deleted",
    "two entries swapped",
    "an entry inserted",
    "the end cut off",
    "the end cut off with its checkpoints",
    "signed anew with another key",
    "an old backup put back",
];

/// What whoever verifies has kept elsewhere, and the copies that are tampered with.
struct Kept {
    keys: Arc<Keys>,
    trusted: Vec<LogKey>,
    checkpoint: String,
    now: std::path::PathBuf,
    before: std::path::PathBuf,
}

async fn verify(kept: &Kept, file: &Path) -> Verified {
    let url = DatabaseUrl::parse(&format!("sqlite://{}", file.display())).unwrap();
    let store = Store::connect(&url, false, 1).await.unwrap();
    let log = AuditLog::new(store.clone(), kept.keys.clone(), "localhost/audit");
    let checkpoint = std::slice::from_ref(&kept.checkpoint);
    let found = Verification::new(kept.trusted.clone(), checkpoint).of_database(&log).await;
    store.close().await;
    // What cannot be read any more is found, too.
    found.unwrap_or_else(|_| Verified { damaged: 1, ..Verified::default() })
}

/// The rows of the log as they lie: place, text, and the rest as one statement's order has it.
async fn entries(connection: &mut SqliteConnection) -> Vec<String> {
    const ENTRIES: &str = "SELECT entry FROM audit_log ORDER BY idx";
    except(ENTRIES);
    let rows = sqlx::query(ENTRIES).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn run(connection: &mut SqliteConnection, statement: &'static str, binds: &[i64]) {
    let bound = binds.iter().fold(sqlx::query(statement), |query, bind| query.bind(*bind));
    assert!(bound.execute(connection).await.unwrap().rows_affected() > 0, "{statement}");
}

async fn put(connection: &mut SqliteConnection, idx: i64, entry: &str, leaf: Option<Hash>) {
    let update = "UPDATE audit_log SET entry = $2, leaf = COALESCE($3, leaf) WHERE idx = $1";
    let leaf = leaf.map(|leaf| leaf.0.to_vec());
    sqlx::query(update).bind(idx).bind(entry).bind(leaf).execute(connection).await.unwrap();
}

/// Writes one checkpoint of all entries in place of all others, signed with another key.
async fn sign_anew(connection: &mut SqliteConnection) {
    let (mut edge, signer) =
        (Frontier::default(), LogSigner::new("localhost/audit", &SecretKey::new(1, [9; 32])).unwrap());
    for entry in entries(connection).await {
        edge.push(leaf_hash(entry.as_bytes()));
    }
    let note = signer.sign(edge.size(), edge.root()).unwrap();
    sqlx::query("DELETE FROM audit_checkpoints").execute(&mut *connection).await.unwrap();
    let add = "INSERT INTO audit_checkpoints (size, note, edge, signed_at) VALUES ($1, $2, $3, 0)";
    let size = i64::try_from(edge.size()).unwrap();
    sqlx::query(add).bind(size).bind(note).bind(edge.to_bytes()).execute(connection).await.unwrap();
}

/// One way to tamper, at a place that the number chooses.
async fn tamper(kept: &Kept, file: &Path, number: usize) {
    let kind = KINDS[number % KINDS.len()];
    fs::copy(if kind == "an old backup put back" { &kept.before } else { &kept.now }, file).unwrap();
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let all = entries(&mut connection).await;
    let at = number.wrapping_mul(2_654_435_761) % (all.len() - 1);
    let (idx, letter) = (i64::try_from(at).unwrap(), number / KINDS.len() % all[at].len());
    let mut edited = all[at].clone().into_bytes();
    edited[letter] = if edited[letter] == b'x' { b'y' } else { b'x' };
    let edited = String::from_utf8(edited).unwrap();
    match kind {
        "an entry edited" => put(&mut connection, idx, &edited, None).await,
        "an entry edited with its hash" => {
            put(&mut connection, idx, &edited, Some(leaf_hash(edited.as_bytes()))).await;
        }
        "an entry deleted" => run(&mut connection, "DELETE FROM audit_log WHERE idx = $1", &[idx]).await,
        "two entries swapped" => {
            run(&mut connection, "UPDATE audit_log SET idx = -1 WHERE idx = $1", &[idx]).await;
            run(&mut connection, "UPDATE audit_log SET idx = $1 WHERE idx = $2", &[idx, idx + 1]).await;
            run(&mut connection, "UPDATE audit_log SET idx = $1 WHERE idx = -1", &[idx + 1]).await;
        }
        "an entry inserted" => {
            run(&mut connection, "UPDATE audit_log SET idx = -idx - 1 WHERE idx > $1", &[idx]).await;
            run(&mut connection, "UPDATE audit_log SET idx = -idx WHERE idx < 0 AND $1 = $1", &[0]).await;
            let copy = "INSERT INTO audit_log SELECT idx + 1, randomblob(16), leaf, entry, at, area, action, outcome, actor,
                subject, country FROM audit_log WHERE idx = $1";
            run(&mut connection, copy, &[idx]).await;
        }
        "the end cut off" => run(&mut connection, "DELETE FROM audit_log WHERE idx > $1", &[idx]).await,
        "the end cut off with its checkpoints" => {
            run(&mut connection, "DELETE FROM audit_checkpoints WHERE size > $1", &[idx]).await;
            run(&mut connection, "DELETE FROM audit_log WHERE idx > $1 - 1", &[idx]).await;
        }
        "signed anew with another key" => {
            put(&mut connection, idx, &edited, Some(leaf_hash(edited.as_bytes()))).await;
            sign_anew(&mut connection).await;
        }
        _ => {}
    }
    connection.close().await.unwrap();
}

/// Copies the database once nothing is added to its log any more: by whom the log is signed, and its last checkpoint.
async fn copied_whole(service: &TestService, file: &Path) -> (Vec<LogKey>, String) {
    loop {
        let log = service.audit().await;
        let before = log.checkpoint().await.unwrap().unwrap().note;
        service.store().back_up(file).await.unwrap();
        // A message that was under way is told of.
        let after = service.audit().await.checkpoint().await.unwrap().unwrap().note;
        if before == after {
            return (log.public_keys().await.unwrap(), after);
        }
        fs::remove_file(file).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tampering_with_the_log_is_found() {
    let service =
        TestService::start_with(Engine::Sqlite, |config| config.limits.guard.mode = GuardMode::Off).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    for n in 0..40 {
        service.attempt(&format!("+3584014{n:05}")).await;
    }
    service.audit().await;
    service.store().back_up(&file("before.db")).await.unwrap();
    for n in 40..120 {
        service.attempt(&format!("+3584014{n:05}")).await;
    }
    let (trusted, checkpoint) = copied_whole(&service, &file("now.db")).await;
    let keys = Arc::new(service.keys().await);
    let kept = Kept { keys, trusted, checkpoint, now: file("now.db"), before: file("before.db") };
    fs::copy(&kept.now, file("tampered.db")).unwrap();
    assert!(verify(&kept, &file("tampered.db")).await.is_sound());
    let times = if std::env::var_os("TUTTU_PROVE").is_some() { 1_000 } else { 90 };
    for number in 0..times {
        tamper(&kept, &file("tampered.db"), number).await;
        let found = verify(&kept, &file("tampered.db")).await;
        assert!(!found.is_sound(), "{} (number {number}) was not found", KINDS[number % KINDS.len()]);
    }
    table(times);
    service.end().await;
}

#[expect(clippy::print_stdout, reason = "the table of `scripts/prove tampering`")]
fn table(times: usize) {
    println!("| tamperings of nine kinds: {times} | found: {times} |");
}
