//! An export holds one page in memory, however long it is: each in a process of its own, which says how much it had once
//! the database's caches were full.

use super::connect;
use crate::engine::Engine;
use crate::store::fixtures::keys;
use futures_util::future::join_all;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs};
use tuttu::audit::{AuditLog, ExportFormat};
use tuttu::store::LogFilter;

/// What any export may hold, in MiB: the runtime, a page of entries, the tiles of the tree and 16 for each of SQLite's
/// four readers.
const MOST: u64 = 128;
/// What one may hold more of at its end than after a tenth.
const SLACK: u64 = 8;
/// Enough lines to fill the cache of a reader, and enough exports at once that each reader has its share.
const WARM: (u64, usize) = (100_000, 8);
/// Where the other process finds the database, and what it exports.
const OF: &str = "TUTTU_EXPORT_OF";
const WHAT: &str = "TUTTU_EXPORT_WHAT";

/// The most memory that this process has had, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
}

pub(super) fn measure(engine: Engine, url: &str, events: u64) {
    for what in ["jsonl", "csv", "ocsf", "jsonl of one action, each with its proof"] {
        let test = "store::scale::export::alone";
        let mut alone = Command::new(env::current_exe().unwrap());
        let alone = alone.args(["--exact", test, "--nocapture"]).env(OF, url).env(WHAT, what);
        let ended = alone.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
        let figures: Vec<u64> = said
            .lines()
            .find_map(|line| line.strip_prefix("exported "))
            .unwrap_or_else(|| panic!("{said}"))
            .split(' ')
            .map(|figure| figure.parse().unwrap())
            .collect();
        let [lines, bytes, took, tenth, peak] = figures[..] else { panic!("{said}") };
        println!(
            "| {engine:?} export, {what} | {lines} | {tenth} MiB at a tenth, {peak} MiB at the end | {} entries/s, {} MiB/s |",
            lines * 1_000 / took,
            bytes / 1_049 / took
        );
        assert!(what.len() > 5 || lines >= events, "{lines} of {events}");
        assert!(peak <= MOST, "an export took {peak} MiB");
        assert!(peak <= tenth + SLACK, "it grew from {tenth} to {peak} MiB");
    }
}

/// Reads the beginning of the log on every connection, and forgets how much memory that took.
async fn warm(log: &AuditLog) {
    let reading = (0..WARM.1).map(async |_| {
        let mut exporter = log.export(LogFilter::default(), ExportFormat::Csv).await.unwrap();
        let mut lines = 0;
        while let Some(text) = exporter.next().await.unwrap().filter(|_| lines < WARM.0) {
            lines += text.matches('\n').count() as u64;
        }
    });
    join_all(reading).await;
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The export of the other process; by itself it is nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alone() {
    let (Ok(url), Ok(what)) = (env::var(OF), env::var(WHAT)) else { return };
    let log = AuditLog::new(connect(&url).await, Arc::new(keys()), "");
    let (format, filter) = match what.as_str() {
        "csv" => (ExportFormat::Csv, LogFilter::default()),
        "ocsf" => (ExportFormat::Ocsf, LogFilter::default()),
        "jsonl" => (ExportFormat::Jsonl, LogFilter::default()),
        _ => {
            let action = Some("verification.code_wrong".to_owned());
            (ExportFormat::Jsonl, LogFilter { action, ..LogFilter::default() })
        }
    };
    warm(&log).await;
    let size = log.checkpoint().await.unwrap().unwrap().edge.size();
    // Of one action there are fewer.
    let tenth = if filter == LogFilter::default() { size / 10 } else { size / 300 };
    let mut exporter = log.export(filter, format).await.unwrap();
    let (begun, mut lines, mut bytes, mut early) = (Instant::now(), 0, 0, None);
    while let Some(text) = exporter.next().await.unwrap() {
        lines += text.matches('\n').count() as u64;
        bytes += text.len();
        if lines >= tenth {
            early.get_or_insert_with(peak);
        }
    }
    let took = begun.elapsed().as_millis().max(1);
    println!("\nexported {lines} {bytes} {took} {} {}", early.unwrap(), peak());
}
