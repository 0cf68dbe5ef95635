//! Checkpoints go out of the house, so that a log that was rewritten with its own key gives itself away.

use super::AuditLog;
use crate::config;
use crate::sender::CheckpointWebhook;
use crate::store::Head;
use crate::verification::Failure;
use jiff::Timestamp;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

/// How soon what failed is tried again.
const AGAIN: Duration = Duration::from_mins(1);
/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(30);

/// Where checkpoints go; clones share it.
#[derive(Debug, Clone)]
pub struct Anchors {
    log: AuditLog,
    places: Arc<[Place]>,
    every: Duration,
}

/// A place outside.
#[derive(Debug)]
enum Place {
    Webhook(Box<CheckpointWebhook>),
    File(PathBuf),
    Command(Vec<String>),
}

/// Why a checkpoint did not go out.
#[derive(Debug, Error)]
enum AnchorFailed {
    #[error("{0}")]
    Webhook(String),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the command ended with {0}")]
    Command(std::process::ExitStatus),
    #[error("the command took longer than {} s", COMMAND.as_secs())]
    Late,
}

impl Place {
    const fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::File(_) => "file",
            Self::Command(_) => "command",
        }
    }

    async fn take(&self, head: &Head, now: Timestamp) -> Result<(), AnchorFailed> {
        match self {
            Self::Webhook(webhook) => {
                let id = format!("audit-checkpoint-{}", head.edge.size());
                webhook.post(&id, now, message(head, now)).await.map_err(AnchorFailed::Webhook)
            }
            Self::File(file) => {
                let mut opened = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
                opened.write_all(&[message(head, now), b"\n".to_vec()].concat())?;
                Ok(opened.sync_all()?)
            }
            Self::Command(words) => {
                timeout(COMMAND, run(words, head)).await.map_err(|_| AnchorFailed::Late)?
            }
        }
    }
}

/// What a place is told: one line of JSON.
fn message(head: &Head, now: Timestamp) -> Vec<u8> {
    let origin = head.note.lines().next();
    let data = json!({ "origin": origin, "size": head.edge.size(), "checkpoint": head.note });
    json!({ "type": "audit.checkpoint", "timestamp": now, "data": data }).to_string().into_bytes()
}

/// Runs the operator's command with the checkpoint on its standard input.
async fn run(words: &[String], head: &Head) -> Result<(), AnchorFailed> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
    command.env("TUTTU_AUDIT_SIZE", head.edge.size().to_string());
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Whoever does not read it may still end well.
        let _unread = stdin.write_all(head.note.as_bytes()).await;
    }
    let status = child.wait().await?;
    if status.success() { Ok(()) } else { Err(AnchorFailed::Command(status)) }
}

impl Anchors {
    /// The configured places.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(log: AuditLog, config: &config::Audit) -> Result<Self, String> {
        let mut places = Vec::new();
        if let Some(webhook) = CheckpointWebhook::new(&config.webhook).map_err(|cause| cause.to_string())? {
            places.push(Place::Webhook(Box::new(webhook)));
        }
        places.extend(config.anchor_file.clone().map(Place::File));
        if !config.anchor_command.is_empty() {
            places.push(Place::Command(config.anchor_command.clone()));
        }
        Ok(Self { log, places: places.into(), every: config.anchor_every.get() })
    }

    /// Lets the newest checkpoint go to every place that is due.
    ///
    /// # Errors
    /// When the database fails; a place that fails is tried again a minute later.
    pub async fn send(&self, now: Timestamp) -> Result<(), Failure> {
        if self.places.is_empty() {
            return Ok(());
        }
        let Some(head) = self.log.checkpoint().await? else { return Ok(()) };
        for place in self.places.iter() {
            let before = self.log.store().audit_anchor(place.name()).await?;
            let due = before.is_none_or(|before| {
                let (rested, news) = (before.sent_at + self.every <= now, before.size != head.edge.size());
                rested && news && before.failed_at.is_none_or(|failed| failed + AGAIN <= now)
            });
            if before.is_some_and(|before| before.size > head.edge.size()) {
                metrics::counter!("tuttu_audit_rolled_back_total").increment(1);
                tracing::error!(
                    place = place.name(),
                    "the audit log is shorter than what went out: somebody has cut it"
                );
            }
            if due {
                let sent = place.take(&head, now).await;
                if let Err(cause) = &sent {
                    metrics::counter!("tuttu_audit_anchor_failures_total", "place" => place.name())
                        .increment(1);
                    tracing::error!(place = place.name(), %cause, "a checkpoint of the audit log did not go out");
                }
                let size = sent.is_ok().then(|| head.edge.size());
                self.log.store().anchor_audit(place.name(), size, now).await?;
            }
        }
        Ok(())
    }
}
