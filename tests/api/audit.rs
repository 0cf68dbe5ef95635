//! The audit log in sentences: what is done leaves an event, and whatever is done to the log leaves a trace.

mod other_implementation;
mod schema;

use crate::harness::{EFFECTS, Engine, Person, Reply, TestService, on_both_engines, served};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use tuttu::audit::{AuditLog, Damage, ExportFormat, TilePath, Verification, Verified};
use tuttu::config::GuardMode;
use tuttu::model::audit::{Entry, LogKey};
use tuttu::store::{LogFilter, LoggedEntry};

const ANNA: &str = "+358401234561";

impl TestService {
    /// The log of the running server, everything that is pending taken into it.
    pub(crate) async fn audit(&self) -> AuditLog {
        let log = AuditLog::new(self.store().clone(), Arc::new(self.keys().await), "localhost/audit");
        while log.sequence(self.now()).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        log
    }
}

async fn entries(log: &AuditLog) -> Vec<LoggedEntry> {
    log.store().audit_entries((0, u64::MAX), 100_000).await.unwrap()
}

async fn actions(log: &AuditLog) -> Vec<String> {
    entries(log).await.iter().map(|logged| Entry::parse(&logged.entry).unwrap().action).collect()
}

async fn verify(log: &AuditLog) -> Verified {
    Verification::new(log.public_keys().await.unwrap(), &[]).of_database(log).await.unwrap()
}

#[test]
fn every_route_says_what_it_leaves_in_the_audit_log() {
    let said: BTreeSet<_> =
        EFFECTS.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(served(), said);
}

on_both_engines!(what_a_person_does_is_written_down_step_by_step_without_the_person, |service| {
    let attempt = service.attempt(ANNA).await;
    service.check(&attempt, "000000").await;
    let anna: Person = service.register("+358401234562").await;
    service.patch("/v1/account", &anna.token, &json!({ "discoverable": false })).await.expect(200, "");
    service.delete(&format!("/v1/devices/{}", anna.device_id), &anna.token).await.expect(204, "");
    let log = service.audit().await;
    let written = actions(&log).await;
    for expected in [
        "verification.started",
        "verification.code_wrong",
        "verification.approved",
        "account.registered",
        "account.visibility_changed",
        "device.revoked",
    ] {
        assert!(written.iter().any(|action| action == expected), "{expected} in {written:?}");
    }
    for logged in entries(&log).await {
        for hidden in [ANNA, "358401234562", "127.0.0.1", &anna.account_id, &anna.device_id, &attempt.id] {
            assert!(!logged.entry.contains(hidden), "{hidden} in {}", logged.entry);
        }
    }
    assert!(verify(&log).await.is_sound());
});

on_both_engines!(an_erased_person_is_gone_from_the_log_which_stays_whole, |service| {
    let anna = service.register(ANNA).await;
    let log = service.audit().await;
    let index =
        service.keys().await.number_index(&tuttu::model::number::PhoneNumber::parse(ANNA, None).unwrap());
    let before = log.store().audit_subject(index.as_bytes()).await.unwrap().unwrap();
    service.delete("/v1/account", &anna.token).await.expect(204, "");
    let log = service.audit().await;
    assert_eq!(actions(&log).await.last().map(String::as_str), Some("account.erased"));
    assert_eq!(log.store().audit_subject(index.as_bytes()).await.unwrap(), None);
    assert_eq!(log.store().audit_subjects(&[before.subject]).await.unwrap(), []);
    assert!(verify(&log).await.is_sound());
});

on_both_engines!(what_is_refused_is_written_down_once_a_minute, |service| {
    service.attempt(ANNA).await;
    for _ in 0..3 {
        service.ask(ANNA).await.expect(429, "resend_too_early");
    }
    let refused = async |service: &TestService| {
        let log = service.audit().await;
        let entries = entries(&log).await.into_iter().map(|logged| Entry::parse(&logged.entry).unwrap());
        let refused = entries.filter(|entry| entry.action == "verification.refused");
        refused.map(|entry| entry.reason.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(refused(service).await, ["resend_wait"]);
});

/// Fetches the checkpoint and every tile of a log, as anybody can.
async fn download(service: &TestService, folder: &Path) -> u64 {
    let checkpoint = fetch(service, "/audit/checkpoint").await;
    let size = String::from_utf8(checkpoint.bytes.clone()).unwrap().lines().nth(1).unwrap().parse().unwrap();
    fs::write(folder.join("checkpoint"), &checkpoint.bytes).unwrap();
    for path in TilePath::new_between(0, size) {
        let file = folder.join("tile").join(path.to_string());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, fetch(service, &format!("/audit/tile/{path}")).await.bytes).unwrap();
    }
    size
}

async fn fetch(service: &TestService, path: &str) -> Reply {
    service.get(path, "").await.expect(200, "")
}

on_both_engines!(
    a_stranger_verifies_the_log_from_its_tiles_alone,
    |config| {
        config.limits.guard.mode = GuardMode::Off;
    },
    |service| {
        for n in 0..150 {
            service.attempt(&format!("+3584012{n:05}")).await;
        }
        let log = service.audit().await;
        let folder = tempfile::tempdir().unwrap();
        let size = download(service, folder.path()).await;
        assert!(size > 256, "a full tile and a piece: {size}");
        let keys = log.public_keys().await.unwrap();
        let found = Verification::new(keys.clone(), &[]).of_folder(folder.path()).unwrap();
        assert_eq!((found.is_sound(), found.size, found.checkpoints), (true, size, 1), "{found:?}");
        let tile = folder.path().join("tile/0/000");
        let mut bytes = fs::read(&tile).unwrap();
        bytes[77] ^= 1;
        fs::write(&tile, bytes).unwrap();
        assert!(!Verification::new(keys, &[]).of_folder(folder.path()).unwrap().is_sound());
        for nowhere in ["0/001", "0/000.p/300", "9/000", "1/001", "0/999", "entries/000"] {
            service.get(&format!("/audit/tile/{nowhere}"), "").await.expect(404, "not_found");
        }
    }
);

async fn exported(log: &AuditLog, filter: LogFilter, format: ExportFormat) -> String {
    let mut exporter = log.export(filter, format).await.unwrap();
    let mut text = String::new();
    while let Some(lines) = exporter.next().await.unwrap() {
        text.push_str(&lines);
    }
    text
}

fn verify_export(keys: &[LogKey], text: &str) -> Verified {
    Verification::new(keys.to_vec(), &[]).of_export(BufReader::new(text.as_bytes())).unwrap()
}

on_both_engines!(an_export_verifies_without_the_database_whole_or_in_part, |service| {
    service.register(ANNA).await;
    service.attempt("+358401234563").await;
    let log = service.audit().await;
    let keys = log.public_keys().await.unwrap();
    let part = LogFilter { action: Some("verification.started".to_owned()), ..LogFilter::default() };
    for (filter, entries) in [(LogFilter::default(), entries(&log).await.len() as u64), (part, 2)] {
        let text = exported(&log, filter, ExportFormat::Jsonl).await;
        let found = verify_export(&keys, &text);
        assert_eq!((found.is_sound(), found.entries), (true, entries), "{found:?}");
        let lines: Vec<&str> = text.lines().collect();
        for left_out in 0..lines.len() {
            let mut fewer = lines.clone();
            fewer.remove(left_out);
            assert!(!verify_export(&keys, &(fewer.join("\n") + "\n")).is_sound(), "without line {left_out}");
        }
        let altered = text.replacen("verification.started", "verification.starteq", 1);
        assert!(!verify_export(&keys, &altered).is_sound());
    }
    let csv = exported(&log, LogFilter::default(), ExportFormat::Csv).await;
    assert!(
        csv.starts_with("index,time,action,") && csv.contains(",2026-11-22T12:00:00Z,verification.started,")
    );
    let ocsf = exported(&log, LogFilter::default(), ExportFormat::Ocsf).await;
    let first: Value = serde_json::from_str(ocsf.lines().next().unwrap()).unwrap();
    assert_eq!((&first["class_uid"], &first["type_uid"]), (&json!(6003), &json!(600_301)));
});

on_both_engines!(
    an_entry_is_proven_by_itself_and_a_log_extends_its_past,
    |config| {
        config.limits.guard.mode = GuardMode::Off;
    },
    |service| {
        let first = service.audit_after(&[ANNA]).await;
        let older = tuttu::model::audit::Checkpoint::open(&first.1, &first.2).unwrap();
        for n in 0..90 {
            service.attempt(&format!("+3584013{n:05}")).await;
        }
        let log = service.audit().await;
        let mut prover = log.prover().await.unwrap().unwrap();
        for logged in entries(&log).await.iter().step_by(7) {
            let proof = prover.prove(logged.idx).await.unwrap().unwrap();
            let read = tuttu::audit::Proof::parse(&proof.to_text()).unwrap();
            assert_eq!(read, proof);
            assert!(read.verify(logged.leaf, &first.2).is_ok());
            let another = tuttu::audit::Proof { index: logged.idx + 1, ..proof };
            assert!(another.verify(logged.leaf, &first.2).is_err());
        }
        let newer = tuttu::model::audit::Checkpoint::open(prover.checkpoint(), &first.2).unwrap();
        let path = prover.prove_extends(older.size).await.unwrap().unwrap();
        assert!(tuttu::audit::extends(&older, &newer, &path));
        assert!(!tuttu::audit::extends(&older, &newer, &path[1..]));
    }
);

impl TestService {
    /// The log after first codes were sent to these numbers, with its newest checkpoint and its keys.
    async fn audit_after(&self, numbers: &[&str]) -> (AuditLog, String, Vec<LogKey>) {
        for number in numbers {
            self.attempt(number).await;
        }
        let log = self.audit().await;
        let note = log.checkpoint().await.unwrap().unwrap().note;
        let keys = log.public_keys().await.unwrap();
        (log, note, keys)
    }
}

#[tokio::test]
async fn what_is_done_to_the_rows_of_the_log_is_found() {
    let service = TestService::start(Engine::Sqlite).await;
    let (log, kept, keys) = service.audit_after(&[ANNA, "+358401234562", "+358401234563"]).await;
    service.attempt("+358401234564").await;
    service.audit().await;
    service.tamper();
    let verify = async || {
        Verification::new(keys.clone(), std::slice::from_ref(&kept)).of_database(&log).await.unwrap()
    };
    assert!(verify().await.is_sound());
    service.alter("UPDATE audit_log SET country = 'SE' WHERE idx = 1", &[]).await;
    assert_eq!(verify().await.damages, [Damage::Mislabelled(1)]);
    service.alter("UPDATE audit_log SET country = 'FI' WHERE idx = 1", &[]).await;
    assert!(verify().await.is_sound());
    service.alter("UPDATE audit_log SET entry = REPLACE(entry, 'FI', 'SE') WHERE idx = 1", &[]).await;
    assert!(verify().await.damages.contains(&Damage::Altered(1)));
    service.alter("UPDATE audit_log SET entry = REPLACE(entry, 'SE', 'FI') WHERE idx = 1", &[]).await;
    service.alter("DELETE FROM audit_checkpoints WHERE size > 3", &[]).await;
    service.alter("DELETE FROM audit_log WHERE idx >= 3", &[]).await;
    let cut = verify().await;
    assert!(cut.damages.iter().any(|damage| matches!(damage, Damage::Cut { .. })), "{cut:?}");
    service.end().await;
}

on_both_engines!(an_auditor_reads_exports_and_verifies_and_sees_nobody, |service| {
    service.register(ANNA).await;
    let auditor = service.admin("otto", &[tuttu::model::admin::Role::Auditor]).await;
    service.audit().await;
    let path = "/admin/api/v1/audit/entries?action=account&limit=1";
    let page = service.ask_as(Method::GET, path, &auditor, &json!({})).await.expect(200, "");
    let entry = &page.json["entries"][0];
    assert_eq!(entry["entry"]["action"], "account.registered");
    assert!(!String::from_utf8_lossy(&page.bytes).contains("358401234561"));
    let index = entry["index"].as_u64().unwrap();
    let shown = service.page(&format!("/admin/audit/{index}"), &auditor).await.expect(200, "");
    assert!(String::from_utf8_lossy(&shown.bytes).contains("account.registered"));
    for wrong in ["action=account.sold", "outcome=maybe", "limit=0", "from=yesterday", "subject=anna"] {
        let path = format!("/admin/api/v1/audit/entries?{wrong}");
        service.ask_as(Method::GET, &path, &auditor, &json!({})).await.expect(400, "field_invalid");
    }
    let verified = service.ask_as(Method::POST, "/admin/api/v1/audit/verify", &auditor, &json!({})).await;
    assert_eq!(verified.expect(200, "").json["sound"], true);
    let body = json!({ "format": "jsonl", "action": "verification" });
    let export =
        service.ask_as(Method::POST, "/admin/api/v1/audit/export", &auditor, &body).await.expect(200, "");
    let log = service.audit().await;
    let found = verify_export(&log.public_keys().await.unwrap(), &String::from_utf8(export.bytes).unwrap());
    assert!(found.is_sound() && found.entries > 0, "{found:?}");
    let last = Entry::parse(&entries(&log).await.last().unwrap().entry).unwrap();
    assert_eq!((last.action.as_str(), last.actor.kind.as_str()), ("audit.exported", "admin"));
    let refused = service.page("/admin/accounts", &auditor).await;
    assert_eq!(refused.status, 403);
});
