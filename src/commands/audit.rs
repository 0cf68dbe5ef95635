//! `tuttu audit`: the log of what was done, verified and exported.

use super::{Options, close_to_others, while_read};
use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tuttu::app::{open_keys, open_store, origin};
use tuttu::audit::{AuditLog, ExportFormat, Exporter, TilePath, Verification, Verified};
use tuttu::clock::Clock;
use tuttu::model::audit::{Action, LogKey};
use tuttu::store::LogFilter;

/// The log of what was done: verify it, take entries out of it, see what is written to it
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Verify the log: in the database, in an export, or by its tiles alone. Ends with 1 if anything is wrong
    Verify(VerifyArgs),
    /// Print entries, the oldest first
    Export(ExportArgs),
    /// Write the signed checkpoint and every tile of hashes into a folder: all that a stranger needs
    Tiles {
        /// The folder, which is made
        folder: PathBuf,
        #[command(flatten)]
        options: Options,
    },
    /// Print the public keys of the log, with which anybody can verify it
    Key(Options),
    /// Print every action that is written to the log, and what it means
    Catalogue,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// An export of `tuttu audit export --format jsonl` [default: the log in the database]
    #[arg(long, value_name = "FILE", conflicts_with = "tiles")]
    export: Option<PathBuf>,
    /// A folder with `checkpoint` and `tile/`
    #[arg(long, value_name = "FOLDER")]
    tiles: Option<PathBuf>,
    /// A public key that is trusted; may be given more than once [default: those of the key file]
    #[arg(long = "key", value_name = "NAME+ID+KEY")]
    keys: Vec<String>,
    /// A checkpoint that was kept elsewhere, or the file of `audit.anchor_file`: the log must extend it
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Entries as they are, with what it takes to verify them
    Jsonl,
    /// A table for spreadsheets
    Csv,
    /// The Open Cybersecurity Schema Framework
    Ocsf,
}

#[derive(Debug, Args)]
struct ExportArgs {
    /// How entries are written
    #[arg(long, default_value = "jsonl")]
    format: Format,
    /// Only actions of this kind: `verification`, or one action: `verification.approved`
    #[arg(long)]
    action: Option<String>,
    /// Only with this outcome: success, refused, failed
    #[arg(long)]
    outcome: Option<String>,
    /// Only by this actor: `operator`, or which one: `admin:ID`
    #[arg(long)]
    actor: Option<String>,
    /// Only about numbers of this country (ISO 3166)
    #[arg(long)]
    country: Option<String>,
    /// Not before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Runs `tuttu audit`.
pub(crate) async fn run(arguments: AuditArgs) -> anyhow::Result<()> {
    match arguments.command {
        AuditCommand::Verify(arguments) => verify(arguments).await,
        AuditCommand::Export(arguments) => export(arguments).await,
        AuditCommand::Tiles { folder, options } => tiles(&folder, &options).await,
        AuditCommand::Key(options) => {
            let log = open(&options).await?;
            let keys = log.public_keys().await;
            log.store().close().await;
            keys?.iter().try_for_each(|key| writeln!(io::stdout(), "{key:?}"))?;
            Ok(())
        }
        AuditCommand::Catalogue => Ok(catalogue()?),
    }
}

async fn open(options: &Options) -> anyhow::Result<AuditLog> {
    let config = options.begin()?;
    let store = open_store(&config, false).await?;
    let keys = open_keys(&config, &store).await?;
    Ok(AuditLog::new(store, Arc::new(keys), &origin(&config)))
}

async fn verify(arguments: VerifyArgs) -> anyhow::Result<()> {
    let read = |text: &String| LogKey::parse(text).with_context(|| format!("`{text}` is no key of a log"));
    let trusted = arguments.keys.iter().map(read).collect::<anyhow::Result<Vec<LogKey>>>()?;
    let kept = kept(&arguments.checkpoint)?;
    let from_database = arguments.export.is_none() && arguments.tiles.is_none();
    let found = if from_database || trusted.is_empty() {
        let log = open(&arguments.options).await?;
        let trusted = if trusted.is_empty() { log.public_keys().await? } else { trusted };
        let found = if from_database {
            Verification::new(trusted, &kept).of_database(&log).await.map_err(Into::into)
        } else {
            files(&arguments, trusted, &kept)
        };
        log.store().close().await;
        found?
    } else {
        close_to_others();
        files(&arguments, trusted, &kept)?
    };
    tell(&found, !kept.is_empty())
}

/// Verifies what lies in files.
fn files(arguments: &VerifyArgs, trusted: Vec<LogKey>, kept: &[String]) -> anyhow::Result<Verified> {
    let verification = Verification::new(trusted, kept);
    match (&arguments.export, &arguments.tiles) {
        (Some(file), _) => {
            let opened = File::open(file).with_context(|| file.display().to_string())?;
            Ok(verification.of_export(BufReader::new(opened))?)
        }
        (None, Some(folder)) => verification.of_folder(folder).with_context(|| folder.display().to_string()),
        (None, None) => bail!("there is nothing to verify"),
    }
}

/// The checkpoints in files: one signed note each, or lines of JSON as `audit.anchor_file` has them.
fn kept(files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut kept = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        if !text.starts_with('{') {
            kept.push(text);
            continue;
        }
        for line in text.lines() {
            let line: serde_json::Value =
                serde_json::from_str(line).with_context(|| file.display().to_string())?;
            let note = line.pointer("/data/checkpoint").and_then(serde_json::Value::as_str);
            kept.push(
                note.with_context(|| format!("{}: a line has no checkpoint", file.display()))?.to_owned(),
            );
        }
    }
    Ok(kept)
}

fn tell(found: &Verified, kept: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for damage in &found.damages {
        writeln!(out, "WRONG  {damage}")?;
    }
    let Verified { entries, checkpoints, size, damaged, .. } = found;
    ensure!(
        *damaged == 0,
        "the log is not what was signed: {damaged} damages, of {entries} entries looked at"
    );
    writeln!(out, "The log is whole: {entries} entries of {size}, {checkpoints} signed checkpoints.")?;
    if !kept {
        writeln!(
            out,
            "Whoever has audit_key could have written it anew: give --checkpoint with one that was kept elsewhere."
        )?;
    }
    Ok(())
}

impl ExportArgs {
    fn filter(&self) -> anyhow::Result<LogFilter> {
        let action = self.action.clone().filter(|action| action.contains('.'));
        if let Some(action) = &action {
            ensure!(
                Action::parse(action).is_some(),
                "there is no action `{action}`: see `tuttu audit catalogue`"
            );
        }
        Ok(LogFilter {
            area: self.action.clone().filter(|action| !action.contains('.')),
            action,
            outcome: self.outcome.clone(),
            actor: self.actor.clone(),
            subject: None,
            country: self.country.clone(),
            from: self.from,
            until: self.until,
        })
    }
}

async fn export(arguments: ExportArgs) -> anyhow::Result<()> {
    let filter = arguments.filter()?;
    let log = open(&arguments.options).await?;
    let format = match arguments.format {
        Format::Jsonl => ExportFormat::Jsonl,
        Format::Csv => ExportFormat::Csv,
        Format::Ocsf => ExportFormat::Ocsf,
    };
    let out: Box<dyn Write> = match &arguments.output {
        Some(file) => {
            Box::new(BufWriter::new(File::create(file).with_context(|| file.display().to_string())?))
        }
        None => Box::new(BufWriter::new(io::stdout())),
    };
    log.exported(&filter, format, Clock::System.now()).await?;
    log.settle(Clock::System.now()).await?;
    let written = write_entries(log.export(filter, format).await?, out).await;
    log.store().close().await;
    written
}

async fn write_entries(mut exporter: Exporter, mut out: Box<dyn Write>) -> anyhow::Result<()> {
    while let Some(lines) = exporter.next().await? {
        let written = out.write_all(lines.as_bytes());
        if written.is_err() {
            return Ok(while_read(written)?);
        }
    }
    Ok(while_read(out.flush())?)
}

async fn tiles(folder: &Path, options: &Options) -> anyhow::Result<()> {
    let log = open(options).await?;
    let head = log.checkpoint().await?.context("the log is empty")?;
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for path in TilePath::new_between(0, head.edge.size()) {
        let file = folder.join("tile").join(path.to_string());
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        let hashes = log.tile(path).await?.with_context(|| format!("the log has no tile {path}"))?;
        fs::write(&file, hashes).with_context(|| file.display().to_string())?;
    }
    fs::write(folder.join("checkpoint"), &head.note)?;
    log.store().close().await;
    writeln!(io::stdout(), "{} holds the hashes of {} entries.", folder.display(), head.edge.size())?;
    Ok(())
}

fn catalogue() -> io::Result<()> {
    let mut out = io::stdout().lock();
    Action::ALL.iter().try_for_each(|action| {
        let level = format!("{:?}", action.level()).to_lowercase();
        writeln!(out, "{:32} {level:8} {}", action.as_str(), action.meaning())
    })
}
