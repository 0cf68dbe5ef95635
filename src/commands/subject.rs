//! `tuttu subject`: what is kept of one person, shown or erased.

use super::{Options, while_read};
use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tuttu::app::{open_keys, open_oversight, open_store, origin};
use tuttu::audit::AuditLog;
use tuttu::clock::Clock;
use tuttu::config::Config;
use tuttu::erasures::Erasures;
use tuttu::model::number::PhoneNumber;
use tuttu::oversight::{LookRefused, Oversight, PersonExport};
use tuttu::store::Store;

/// How long servers that are at the audit log are waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const REST: Duration = Duration::from_millis(20);

/// Show what is kept of one person, or erase it, by the number, while servers run. Both are written to the audit log
#[derive(Debug, Args)]
pub(crate) struct SubjectArgs {
    #[command(subcommand)]
    command: SubjectCommand,
}

#[derive(Debug, Subcommand)]
enum SubjectCommand {
    /// Print all that is kept of a person as JSON: account, devices, verifications, and every event of the audit log
    /// with its place there
    Export {
        #[command(flatten)]
        person: Person,
    },
    /// Erase all that is kept of a person: account, devices, directory entries, verifications, messages, what limits
    /// have counted, and the key to what the audit log says of them. The number need have no account
    Erase {
        #[command(flatten)]
        person: Person,
        /// Yes, erase: it cannot be undone
        #[arg(long)]
        yes: bool,
        /// Then write every page of an embedded database anew, so that none holds a trace; who writes meanwhile waits
        #[arg(long)]
        rewrite: bool,
    },
}

#[derive(Debug, Args)]
struct Person {
    /// The whole number with its country code: +358401234567
    #[arg(long)]
    number: String,
    /// Why, for whoever reads the audit log
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// The database of a person's data, and what is done with it.
struct Desk {
    config: Config,
    store: Store,
    oversight: Oversight,
    log: AuditLog,
}

/// Runs `tuttu subject`.
pub(crate) async fn run(arguments: SubjectArgs) -> anyhow::Result<()> {
    match arguments.command {
        SubjectCommand::Export { person } => {
            let (desk, number) = begin(&person).await?;
            let exported = export(&desk, &number, person.reason.as_deref()).await;
            desk.store.close().await;
            let text = serde_json::to_string_pretty(&exported?)?;
            Ok(while_read(writeln!(io::stdout(), "{text}"))?)
        }
        SubjectCommand::Erase { person, yes, rewrite } => {
            ensure!(yes, "an erasure cannot be undone: add --yes if it is meant");
            let (desk, number) = begin(&person).await?;
            let erased = erase(&desk, &number, person.reason.as_deref(), rewrite).await;
            desk.store.close().await;
            erased?;
            let masked = number.masked();
            Ok(writeln!(
                io::stdout(),
                "All that was kept of {masked} is erased. Backups keep what they hold."
            )?)
        }
    }
}

async fn begin(person: &Person) -> anyhow::Result<(Desk, PhoneNumber)> {
    let number = PhoneNumber::parse(&person.number, None).context("--number")?;
    let config = person.options.begin()?;
    let store = open_store(&config, false).await?;
    let oversight = open_oversight(&config, &store, &Clock::System).await?;
    let keys = Arc::new(open_keys(&config, &store).await?);
    let log = AuditLog::new(store.clone(), keys, &origin(&config));
    Ok((Desk { config, store, oversight, log }, number))
}

async fn export(desk: &Desk, number: &PhoneNumber, reason: Option<&str>) -> anyhow::Result<PersonExport> {
    let drawn = timeout(PATIENCE, all_drawn(desk)).await;
    drawn.context("the servers are so busy with the audit log that an export would not be whole")??;
    known(desk.oversight.export_number(number, reason, Clock::System.now()).await)
}

/// Until what was done a moment ago has its place in the log, and what is shown is drawn from it: by this process, or by a
/// server that is at it.
async fn all_drawn(desk: &Desk) -> anyhow::Result<()> {
    desk.log.settle(Clock::System.now()).await?;
    let size = desk.log.checkpoint().await?.map_or(0, |head| head.edge.size());
    loop {
        desk.oversight.read_log().await?;
        if desk.store.attempts_read().await? >= size {
            return Ok(());
        }
        sleep(REST).await;
    }
}

async fn erase(desk: &Desk, number: &PhoneNumber, reason: Option<&str>, rewrite: bool) -> anyhow::Result<()> {
    // What is read of the log later names nobody who was erased, so nothing has to be read of it now.
    known(desk.oversight.erase_number(number, reason, Clock::System.now()).await)?;
    if let Some(snapshot) = desk.config.snapshot_file() {
        remove(&snapshot)?;
    }
    let erasures = Erasures::new(desk.store.clone(), desk.config.erasures_file());
    erasures.keep().await.context("the person is erased, but a restore will not know of it")?;
    if rewrite {
        ensure!(desk.store.rewrite().await?, "--rewrite is for SQLite; on PostgreSQL run VACUUM");
    }
    // Where a server reads just now, it does this itself a second later.
    erasures.empty_wal().await?;
    Ok(())
}

/// A server that runs writes it anew, one that starts builds its view from the database.
fn remove(snapshot: &Path) -> anyhow::Result<()> {
    match fs::remove_file(snapshot) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.with_context(|| snapshot.display().to_string()),
    }
}

fn known<T>(outcome: Result<T, LookRefused>) -> anyhow::Result<T> {
    match outcome {
        Err(LookRefused::NotFound) => anyhow::bail!("nothing is kept of this number"),
        outcome => Ok(outcome?),
    }
}
