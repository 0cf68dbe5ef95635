//! What keeps the audit log, draws the console from it, and remembers who was erased.

use super::{FORGET, Turns, briefly, report};
use crate::audit::{Anchors, AuditLog};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::erasures::Erasures;
use crate::oversight::Oversight;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How soon an event has its place in the audit log.
const SEQUENCE: Duration = Duration::from_millis(500);
/// How often it is looked whether a checkpoint is to go out.
const ANCHOR: Duration = Duration::from_secs(1);
/// How soon an erasure is remembered outside the database.
const ERASURES: Duration = Duration::from_secs(1);
/// How often the health of gateways is looked at.
const GATEWAYS: Duration = Duration::from_secs(1);

/// Takes what is pending into the audit log until `stop`, and once more then.
pub async fn keep_audit_log(audit: AuditLog, clock: Clock, stop: CancellationToken) {
    let mut turns = Turns::every(SEQUENCE, &stop);
    while turns.next().await {
        report("the audit log could not be kept", briefly(audit.sequence(clock.now())).await);
        report("the audit log could not be looked at", briefly(audit.report(clock.now())).await);
    }
    report("the audit log could not be kept", briefly(audit.sequence(clock.now())).await);
}

/// Reads the audit log for the console, and what other nodes have decided, until `stop`.
pub async fn draw_attempts(oversight: Oversight, clock: Clock, stop: CancellationToken) {
    let mut turns = Turns::every(SEQUENCE, &stop);
    while turns.next().await {
        report("the audit log could not be read for the console", briefly(oversight.read_log()).await);
        report("the policies could not be read", briefly(oversight.reload(clock.now())).await);
    }
}

/// Lets the console of every node know how this one finds its gateways, until `stop`.
pub async fn watch_gateways(oversight: Oversight, clock: Clock, stop: CancellationToken) {
    let mut turns = Turns::every(GATEWAYS, &stop);
    while turns.next().await {
        report(
            "the gateways' health could not be told",
            briefly(oversight.report_gateways(clock.now())).await,
        );
    }
}

/// Forgets what the console shows once it is older than `kept`, until `stop`.
pub async fn forget_attempts(oversight: Oversight, kept: Duration, clock: Clock, stop: CancellationToken) {
    let mut turns = Turns::every(FORGET, &stop);
    while turns.next().await {
        report("old attempts could not be forgotten", oversight.forget_old(kept, clock.now()).await);
    }
}

/// Lets checkpoints of the audit log go out of the house until `stop`.
pub async fn anchor_audit_log(anchors: Anchors, clock: Clock, stop: CancellationToken) {
    let mut turns = Turns::every(ANCHOR, &stop);
    while turns.next().await {
        let sent = stop.run_until_cancelled(anchors.send(clock.now())).await;
        report("the checkpoints that went out could not be written down", sent.unwrap_or(Ok(())));
    }
}

/// Destroys the keys of numbers that nobody has spoken of for as long as `kept`, until `stop`.
pub async fn forget_audit_subjects(audit: AuditLog, kept: Duration, clock: Clock, stop: CancellationToken) {
    let mut turns = Turns::every(FORGET, &stop);
    while turns.next().await {
        report("old subjects could not be forgotten", audit.forget_subjects(clock.now() - kept).await);
    }
}

/// Remembers outside the database who was erased, and lets them leave the write-ahead log, until `stop` and once more
/// then.
pub async fn remember_erasures(erasures: Erasures, stop: CancellationToken) {
    let mut turns = Turns::every(ERASURES, &stop);
    loop {
        let more = turns.next().await;
        report("erasures could not be remembered", briefly(erasures.keep()).await);
        report("the write-ahead log could not be emptied", briefly(erasures.empty_wal()).await);
        if !more {
            return;
        }
    }
}

/// Lets whoever was erased leave the snapshot of the directory, until `stop`.
pub async fn leave_snapshot(
    erasures: Erasures,
    directory: Arc<Directory>,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut turns = Turns::every(FORGET, &stop);
    while turns.next().await {
        let written = erasures.leave_snapshot(&directory, clock.now()).await;
        report("the directory's snapshot could not be written", written);
    }
}
