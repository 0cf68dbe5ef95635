//! `tuttu restore`: a backup takes the place of the database, and of a past that went on elsewhere.

mod files;

use super::Options;
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use files::Placing;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tuttu::app::{connect_store, open_keys};
use tuttu::clock::Clock;
use tuttu::config::Config;
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
    #[command(flatten)]
    options: Options,
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
            anew(&config, &Store::connect_alone(database, &hold).await?, arguments.sign_out).await?
        }
        (None, None) => anew(&config, &connect_store(&config).await?, arguments.sign_out).await?,
        (None, Some(_)) => {
            bail!(
                "on PostgreSQL let pg_restore put the backup back first, then run `tuttu restore` without a file"
            )
        }
    };
    Ok(tell(restored)?)
}

/// Checks a copy of the backup, makes it safe to serve, and gives it the place of the database.
async fn put_in_place(
    config: &Config,
    backup: &Path,
    database: &Path,
    arguments: &RestoreArgs,
) -> anyhow::Result<Restored> {
    let placing = Placing::begin(backup, database, arguments.replace)?;
    let store = Store::connect_alone(placing.draft(), placing.hold()).await;
    let restored = match store {
        Ok(store) => anew(config, &store, arguments.sign_out).await,
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
async fn anew(config: &Config, store: &Store, sign_out: bool) -> anyhow::Result<Restored> {
    let restored = checked(config, store, sign_out).await;
    store.close().await;
    restored
}

async fn checked(config: &Config, store: &Store, sign_out: bool) -> anyhow::Result<Restored> {
    ensure!(store.is_whole().await?, "it is damaged: take an older backup");
    // First, for an older version's marks do not read as this one's.
    store.migrate().await.context("it holds no database of Tuttu")?;
    ensure!(!store.key_marks().await?.is_empty(), "it is of a server that has never run");
    if config.keys.file.exists() {
        key_file::make_known(&config.keys.file, store, Clock::System.now()).await?;
    }
    open_keys(config, store).await?;
    let secret = HashedSecret::from_slice(&random_bytes::<32>()).filter(|_| sign_out);
    Ok(store.begin_anew(random_bytes(), secret.as_ref(), Clock::System.now()).await?)
}

fn tell(restored: Restored) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let Restored { verifications, deliveries, devices } = restored;
    writeln!(
        out,
        "The database is restored. Open codes and grants that are over now: {verifications}; messages that may have \
         left and are not sent again: {deliveries}; devices signed out: {devices}."
    )?;
    writeln!(
        out,
        "What happened since the backup is undone: accounts that were erased, devices that were revoked and what was \
         used up of limits are as they were. See \"Backup and restore\" in the README."
    )
}
