//! Verifying an export without the database.

use super::{Damage, Verification, Verified};
use crate::audit::Proof;
use crate::audit::export::{ExportHeader, ExportTrailer, ExportedEntry, VERSION, sealed_text};
use crate::model::audit::{Hash, leaf_hash, open_text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA256};
use std::io::{self, BufRead};

/// The longest line that an export may have.
const LONGEST: u64 = 1 << 20;

/// An export as far as it was read.
struct Reading {
    digest: Context,
    lines: u64,
    sealed: bool,
    header: Option<ExportHeader>,
}

impl Verification {
    /// Verifies an export as JSON lines: its own signature, and each entry against its checkpoint.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_export(mut self, mut lines: impl BufRead) -> io::Result<Verified> {
        let mut reading = Reading { digest: Context::new(&SHA256), lines: 0, sealed: false, header: None };
        let mut last = None;
        loop {
            let mut line = Vec::new();
            if io::Read::take(&mut lines, LONGEST).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if reading.sealed {
                self.found.add(Damage::Line(reading.lines + 1, "it comes after the export's end".to_owned()));
                break;
            }
            self.line(&mut reading, &line, &mut last);
        }
        if !reading.sealed {
            self.found.add(Damage::Line(reading.lines + 1, "the export's end is missing".to_owned()));
        }
        let complete = reading.header.is_some_and(|header| header.complete);
        Ok(if complete { self.end() } else { self.end_of_part() })
    }

    fn line(&mut self, reading: &mut Reading, line: &[u8], last: &mut Option<u64>) {
        let outcome = match &reading.header {
            None => self.header(line).map(|header| reading.header = Some(header)),
            Some(_) if line.starts_with(b"{\"signed\"") => {
                reading.sealed = true;
                return self.trailer(reading, line);
            }
            Some(header) => self.entry(header, line, last),
        };
        reading.lines += 1;
        reading.digest.update(line);
        if let Err(cause) = outcome {
            self.found.add(Damage::Line(reading.lines, cause));
        }
    }

    fn header(&mut self, line: &[u8]) -> Result<ExportHeader, String> {
        let header: ExportHeader = serde_json::from_slice(line).map_err(|_| "it is no export".to_owned())?;
        if header.tuttu_audit_export != VERSION {
            return Err(format!("it is of version {}", header.tuttu_audit_export));
        }
        if !header.checkpoint.is_empty() {
            self.checkpoint(0, &header.checkpoint);
        }
        Ok(header)
    }

    fn entry(&mut self, header: &ExportHeader, line: &[u8], last: &mut Option<u64>) -> Result<(), String> {
        let exported: ExportedEntry<'_> =
            serde_json::from_slice(line).map_err(|_| "it is no entry".to_owned())?;
        let leaf = leaf_hash(exported.entry.get().as_bytes());
        if header.complete {
            self.leaf(exported.index, leaf);
            return Ok(());
        }
        self.found.entries += 1;
        if last.is_some_and(|last| exported.index <= last) {
            return Err("it is not in order".to_owned());
        }
        *last = Some(exported.index);
        let hash = |text: &String| STANDARD.decode(text).ok()?.try_into().ok().map(Hash);
        let path = exported.proof.unwrap_or_default().iter().map(hash).collect::<Option<Vec<Hash>>>();
        let path = path.ok_or_else(|| "its proof is no list of hashes".to_owned())?;
        let proof = Proof { index: exported.index, path, checkpoint: header.checkpoint.clone() };
        proof.verify(leaf, &self.keys).map(|_| ()).map_err(|cause| cause.to_string())
    }

    fn trailer(&mut self, reading: &Reading, line: &[u8]) {
        let header = reading.header.as_ref();
        let origin = header.and_then(|header| header.checkpoint.lines().next()).unwrap_or_default();
        let expected = sealed_text(origin, reading.lines, reading.digest.clone().finish().as_ref());
        let signed =
            serde_json::from_slice(line).map(|ExportTrailer { signed }| open_text(&signed, &self.keys));
        let cause = match signed {
            Err(_) => "it is no end of an export".to_owned(),
            Ok(Err(cause)) => cause.to_string(),
            Ok(Ok(text)) if text != expected => {
                "the lines before it are not those that were exported".to_owned()
            }
            Ok(Ok(_)) => return,
        };
        self.found.add(Damage::Line(reading.lines + 1, cause));
    }

    /// Ends a part of a log: each of its entries was proven by itself.
    fn end_of_part(mut self) -> Verified {
        self.found.checkpoints += u64::from(!self.signed.is_empty());
        self.found.size = self.signed.last_key_value().map_or(0, |(size, _)| *size);
        self.found
    }
}
