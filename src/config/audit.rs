//! The audit log, and how long what it can say of people is kept.

use super::{Hidden, Seconds};
use crate::model::endpoint::{AllowedHosts, Endpoint};
use crate::model::signing::SigningSecret;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// The audit log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Audit {
    /// The log's name in its checkpoints; not set: the host of `server.public_url` and `/audit`. It is fixed with the
    /// first entry.
    pub origin: Option<String>,
    /// How often a checkpoint goes out to each of the places below.
    pub anchor_every: Seconds,
    /// A file to which checkpoints are appended, a line of JSON each: best on another machine's disk.
    pub anchor_file: Option<PathBuf>,
    /// A program and its arguments, to which a checkpoint is given on standard input.
    pub anchor_command: Vec<String>,
    /// Somebody to whom checkpoints are posted.
    pub webhook: CheckpointHook,
    /// A file to which the random name of everybody who is erased is appended, so that a restore erases them again; not
    /// set: `erasures` beside an embedded database.
    pub erasures: Option<PathBuf>,
}

/// Somebody to whom checkpoints are posted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckpointHook {
    /// Where.
    pub url: Option<String>,
    /// The secret of its signatures: `whsec_` and base64 (Standard Webhooks).
    pub signing_secret: Option<Hidden>,
    /// Hosts to which it may go though they are on a private network.
    pub allow_hosts: Vec<String>,
}

/// How long what is not needed to serve is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// What the audit log can say of a number without an account, since it was last spoken of. Then its key is
    /// destroyed: the entries stay and can be verified, what is personal in them opens no more.
    pub audit_subjects: Seconds,
    /// What the console shows of verifications.
    pub attempts: Seconds,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            origin: None,
            anchor_every: Seconds::new(3_600),
            anchor_file: None,
            anchor_command: Vec::new(),
            webhook: CheckpointHook::default(),
            erasures: None,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            audit_subjects: Duration::from_hours(24 * 400).into(),
            attempts: Duration::from_hours(24 * 90).into(),
        }
    }
}

impl Audit {
    /// Every rule that it breaks.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let named =
            |origin: &String| !origin.is_empty() && !origin.contains(|c: char| c.is_whitespace() || c == '+');
        if !self.origin.as_ref().is_none_or(named) {
            problems.push(
                "audit.origin must be a name without blanks and plus signs, like id.example.com/audit"
                    .to_owned(),
            );
        }
        if self.anchor_every.get() < Duration::from_secs(1) {
            problems.push("audit.anchor_every must be at least a second".to_owned());
        }
        let hook = &self.webhook;
        let Some(url) = &hook.url else { return problems };
        match AllowedHosts::parse(&hook.allow_hosts) {
            Err(text) => problems
                .push(format!("audit.webhook.allow_hosts: `{text}` is neither a host's name nor an address")),
            Ok(allowed) => {
                if let Err(refused) = Endpoint::parse(url, &allowed) {
                    problems.push(format!("audit.webhook.url {refused}"));
                }
            }
        }
        if hook.signing_secret.as_ref().is_none_or(|text| SigningSecret::parse(text.expose()).is_none()) {
            problems.push(
                "audit.webhook.signing_secret must be whsec_ and the base64 of 24 to 64 random bytes (Standard Webhooks)"
                    .to_owned(),
            );
        }
        problems
    }
}
