//! Taking entries out of the house: as they are, as a table, or as other systems have it.

mod csv;
mod ocsf;

pub(crate) use csv::cell;

use super::{AuditLog, Prover};
use crate::model::audit::{Entry, LogSigner};
use crate::store::{LogFilter, LogPage, LoggedEntry};
use crate::verification::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The media type of tables.
pub(crate) const CSV: &str = "text/csv; charset=utf-8";
const PAGE: i64 = 500;
/// The version of an export's first line.
pub(super) const VERSION: u32 = 1;

/// How entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A line of JSON for each entry, as it is, with what it takes to verify it.
    Jsonl,
    /// A table for spreadsheets, in which no cell is a formula.
    Csv,
    /// A line of JSON for each entry in the Open Cybersecurity Schema Framework 1.3.
    Ocsf,
}

impl ExportFormat {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Ocsf => "ocsf",
        }
    }
}

/// The first line of an export as JSON lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportHeader {
    /// The version of the form.
    pub tuttu_audit_export: u32,
    /// The checkpoint under which the entries are proven.
    pub checkpoint: String,
    /// Whether it holds every entry from the first to the last of the checkpoint, which then need no proof each.
    pub complete: bool,
}

/// A line of an export as JSON lines.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExportedEntry<'a> {
    /// The place.
    pub index: u64,
    /// The entry, byte for byte.
    #[serde(borrow)]
    pub entry: &'a RawValue,
    /// The hashes beside the way to the checkpoint's root; not where the export is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Vec<String>>,
}

/// The last line of an export as JSON lines.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExportTrailer {
    /// A signed note: the log's name and `/export`, how many lines came before, and the SHA-256 of their bytes.
    pub signed: String,
}

/// The text that the last line of an export signs.
pub(super) fn sealed_text(origin: &str, lines: u64, digest: &[u8]) -> String {
    format!("{origin}/export\n{lines}\n{}\n", STANDARD.encode(digest))
}

/// An export under way: what it holds in memory is one page.
#[derive(Debug)]
pub struct Exporter {
    log: AuditLog,
    filter: LogFilter,
    format: ExportFormat,
    prover: Option<Prover>,
    next: u64,
    state: State,
    lines: u64,
    digest: Digest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Entries,
    Trailer,
    Done,
}

struct Digest(Context);

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest")
    }
}

impl AuditLog {
    /// Begins an export of what a filter lets through, under the newest checkpoint.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export(&self, filter: LogFilter, format: ExportFormat) -> Result<Exporter, Failure> {
        let (prover, state, digest) = (self.prover().await?, State::Header, Digest(Context::new(&SHA256)));
        Ok(Exporter { log: self.clone(), filter, format, prover, next: 0, state, lines: 0, digest })
    }
}

impl Exporter {
    /// The next lines; `None` behind the last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next(&mut self) -> Result<Option<String>, Failure> {
        match self.state {
            State::Header => {
                self.state = if self.prover.is_some() { State::Entries } else { State::Trailer };
                let text = self.header();
                self.count(&text);
                Ok(Some(text))
            }
            State::Entries => {
                let text = self.page().await?;
                self.count(&text);
                Ok(Some(text))
            }
            State::Trailer => {
                self.state = State::Done;
                Ok(Some(self.trailer()?))
            }
            State::Done => Ok(None),
        }
    }

    fn is_complete(&self) -> bool {
        self.filter == LogFilter::default()
    }

    fn header(&self) -> String {
        let checkpoint =
            self.prover.as_ref().map(|prover| prover.checkpoint().to_owned()).unwrap_or_default();
        match self.format {
            ExportFormat::Jsonl => {
                let complete = self.is_complete();
                line(&ExportHeader { tuttu_audit_export: VERSION, checkpoint, complete })
            }
            ExportFormat::Csv => csv::header(),
            ExportFormat::Ocsf => String::new(),
        }
    }

    async fn page(&mut self) -> Result<String, Failure> {
        let size = self.prover.as_ref().map_or(0, Prover::size);
        let page = LogPage::From(self.next);
        let found = self.log.store().find_audit_entries(&self.filter, page, PAGE).await?;
        let last = found.last().map(|entry| entry.idx);
        if found.len() < usize::try_from(PAGE).unwrap_or_default()
            || last.is_some_and(|last| last + 1 >= size)
        {
            self.state = State::Trailer;
        }
        self.next = last.map_or(self.next, |last| last + 1);
        let mut text = String::new();
        for entry in found.iter().filter(|entry| entry.idx < size) {
            text.push_str(&self.entry(entry).await?);
        }
        Ok(text)
    }

    async fn entry(&mut self, logged: &LoggedEntry) -> Result<String, Failure> {
        let entry = Entry::parse(&logged.entry);
        Ok(match (self.format, entry) {
            (ExportFormat::Csv, Some(entry)) => csv::row(logged.idx, &entry),
            (ExportFormat::Ocsf, Some(entry)) => line(&ocsf::event(logged.idx, &entry)),
            (ExportFormat::Jsonl, _) => {
                let proof = match (self.is_complete(), &mut self.prover) {
                    (false, Some(prover)) => prover.prove(logged.idx).await?,
                    _ => None,
                };
                let hashes = |path: Vec<_>| {
                    path.iter().map(|hash: &crate::model::audit::Hash| STANDARD.encode(hash.0)).collect()
                };
                match serde_json::from_str(&logged.entry) {
                    Ok(entry) => line(&ExportedEntry {
                        index: logged.idx,
                        entry,
                        proof: proof.map(|proof| hashes(proof.path)),
                    }),
                    Err(_) => String::new(),
                }
            }
            _ => String::new(),
        })
    }

    fn count(&mut self, text: &str) {
        self.lines += text.matches('\n').count() as u64;
        self.digest.0.update(text.as_bytes());
    }

    fn trailer(&self) -> Result<String, Failure> {
        if self.format != ExportFormat::Jsonl {
            return Ok(String::new());
        }
        // A log that is empty has no checkpoint.
        let origin = self.prover.as_ref().and_then(|prover| prover.checkpoint().lines().next());
        let digest = self.digest.0.clone().finish();
        let text = sealed_text(origin.unwrap_or_default(), self.lines, digest.as_ref());
        let signer: LogSigner = self.log.signer(origin)?;
        Ok(line(&ExportTrailer { signed: signer.sign_text(&text).map_err(|_| super::unsigned())? }))
    }
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).map(|text| text + "\n").unwrap_or_default()
}
