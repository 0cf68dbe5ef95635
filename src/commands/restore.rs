//! `tuttu restore`: a backup takes the place of the database, and of a past that went on elsewhere.

mod files;

use super::Options;
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use files::Placing;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tuttu::app::{connect_store, open_keys, open_oversight};
use tuttu::clock::Clock;
use tuttu::config::Config;
use tuttu::erasures::read_erasures;
use tuttu::key_file;
use tuttu::model::entropy::random_bytes;
use tuttu::model::secret::HashedSecret;
use tuttu::store::{DatabaseUrl, Hold, Restored, Store};

/// Put a backup in the place of an embedded database, with servers stopped; on PostgreSQL, or without FILE, make a
/// database that was put back by other means safe to serve. Codes that were open are over, messages that were under
/// way are not sent again, and every view of the directory is built anew
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// What `tuttu backup` has written
    file: Option<PathBuf>,
    /// Keep the database that is there aside, under another name
    #[arg(long)]
    replace: bool,
    /// Sign every device out. Else devices that were revoked since the backup are signed in again
    #[arg(long)]
    sign_out: bool,
    /// Who was erased and is to be erased again in what is put back [default: `audit.erasures`]
    #[arg(long, value_name = "FILE")]
    erasures: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// What a restore has done.
struct Outcome {
    restored: Restored,
    erased: Option<u64>,
}

/// Runs `tuttu restore`.
pub(crate) async fn run(arguments: RestoreArgs) -> anyhow::Result<()> {
    let config = arguments.options.begin()?;
    let url = DatabaseUrl::parse(config.database.url.expose()).context("database.url")?;
    let restored = match (url.file(), &arguments.file) {
        (Some(database), Some(backup)) => put_in_place(&config, backup, database, &arguments).await?,
        (Some(database), None) => {
            ensure!(database.exists(), "{} is not there: name the backup to restore", database.display());
            let hold = Hold::alone(database)?;
            anew(&config, &Store::connect_alone(database, &hold).await?, &arguments).await?
        }
        (None, None) => anew(&config, &connect_store(&config, false).await?, &arguments).await?,
        (None, Some(_)) => {
            bail!(
                "on PostgreSQL let pg_restore put the backup back first, then run `tuttu restore` without a file"
            )
        }
    };
    Ok(tell(&restored)?)
}

/// Checks a copy of the backup, makes it safe to serve, and gives it the place of the database.
async fn put_in_place(
    config: &Config,
    backup: &Path,
    database: &Path,
    arguments: &RestoreArgs,
) -> anyhow::Result<Outcome> {
    let placing = Placing::begin(backup, database, arguments.replace)?;
    let store = Store::connect_alone(placing.draft(), placing.hold()).await;
    let restored = match store {
        Ok(store) => anew(config, &store, arguments).await,
        Err(cause) => Err(cause.into()),
    };
    let restored = restored.with_context(|| format!("{} was not restored", backup.display()));
    match restored {
        Err(refused) => {
            placing.give_up();
            Err(refused)
        }
        Ok(restored) => {
            if let Some(aside) = placing.finish(Clock::System.now())? {
                writeln!(io::stdout(), "The database that was there is {} now.", aside.display())?;
            }
            Ok(restored)
        }
    }
}

/// Makes a database that is of a past safe to serve, and closes it.
async fn anew(config: &Config, store: &Store, arguments: &RestoreArgs) -> anyhow::Result<Outcome> {
    let restored = checked(config, store, arguments).await;
    store.close().await;
    restored
}

async fn checked(config: &Config, store: &Store, arguments: &RestoreArgs) -> anyhow::Result<Outcome> {
    ensure!(store.is_whole().await?, "it is damaged: take an older backup");
    // First, for an older version's marks do not read as this one's.
    store.migrate().await.context("it holds no database of Tuttu")?;
    ensure!(!store.key_marks().await?.is_empty(), "it is of a server that has never run");
    if config.keys.file.exists() {
        key_file::make_known(&config.keys.file, store, Clock::System.now()).await?;
    }
    open_keys(config, store).await?;
    // Before the feed ends, so that it names none of them.
    let erased = erase_again(config, store, arguments.erasures.as_deref()).await?;
    let secret = HashedSecret::from_slice(&random_bytes::<32>()).filter(|_| arguments.sign_out);
    let restored = store.begin_anew(random_bytes(), secret.as_ref(), Clock::System.now()).await?;
    if erased.is_some_and(|people| people > 0) {
        store.rewrite().await?;
    }
    Ok(Outcome { restored, erased })
}

/// Erases whoever was erased since the copy was made: how many; `None` where nobody has remembered them.
async fn erase_again(config: &Config, store: &Store, named: Option<&Path>) -> anyhow::Result<Option<u64>> {
    let file = match (named, config.erasures_file()) {
        (Some(file), _) => {
            ensure!(file.exists(), "{} is not there", file.display());
            file.to_owned()
        }
        (None, Some(file)) => file,
        (None, None) => return Ok(None),
    };
    let erased = read_erasures(&file).with_context(|| file.display().to_string())?;
    if erased.is_empty() {
        return Ok(Some(0));
    }
    let oversight = open_oversight(config, store, &Clock::System).await?;
    Ok(Some(oversight.erase_again(&erased, Clock::System.now()).await?))
}

fn tell(outcome: &Outcome) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let Restored { verifications, deliveries, devices } = outcome.restored;
    writeln!(
        out,
        "The database is restored. Open codes and grants that are over now: {verifications}; messages that may have \
         left and are not sent again: {deliveries}; devices signed out: {devices}."
    )?;
    let devices = if devices > 0 { "" } else { "devices that were revoked are signed in, and " };
    let still = match outcome.erased {
        Some(people) => {
            writeln!(out, "People who were erased since the backup and are erased again: {people}.")?;
            ""
        }
        None => "accounts that were erased are there (no file of erasures was given), ",
    };
    writeln!(
        out,
        "What else happened since the backup is undone: {still}{devices}limits are used up as far as they were then. \
         See \"Backup and restore\" in the README."
    )
}
