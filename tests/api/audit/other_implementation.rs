//! Nobody needs to trust our code.

use super::{download, exported};
use crate::harness::{Engine, TestService};
use std::fs;
use std::path::Path;
use tuttu::audit::ExportFormat;
use tuttu::config::GuardMode;
use tuttu::store::LogFilter;

/// RFC 6962, signed notes and Ed25519 in another language come to the same.
#[tokio::test]
async fn another_implementation_agrees_with_ours() {
    let service =
        TestService::start_with(Engine::Sqlite, |config| config.limits.guard.mode = GuardMode::Off).await;
    let folder = tempfile::tempdir().unwrap();
    for n in 0..150 {
        service.attempt(&format!("+3584015{n:05}")).await;
    }
    let log = service.audit().await;
    let key = format!("{:?}", log.public_keys().await.unwrap()[0]);
    download(&service, folder.path()).await;
    let part = LogFilter { area: Some("delivery".to_owned()), ..LogFilter::default() };
    let (whole, part) = (folder.path().join("whole"), (folder.path().join("part"), part));
    fs::write(&whole, exported(&log, LogFilter::default(), ExportFormat::Jsonl).await).unwrap();
    fs::write(&part.0, exported(&log, part.1, ExportFormat::Jsonl).await).unwrap();
    let agrees = |place: &Path| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/verify-audit");
        let told = std::process::Command::new("python3").arg(script).arg(&key).arg(place).output().unwrap();
        told.status.success()
    };
    assert!(agrees(folder.path()) && agrees(&whole) && agrees(&part.0));
    for file in [folder.path().join("tile/0/000"), whole, part.0] {
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).unwrap();
        let place = if file.ends_with("000") { folder.path() } else { &file };
        assert!(!agrees(place), "{}", file.display());
    }
    service.end().await;
}
