//! `tuttu sending`: the kill switch.

use super::Options;
use super::table::Table;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use std::io::{self, Write as _};
use tuttu::app::{open_keys, open_store};
use tuttu::clock::Clock;
use tuttu::key_file;
use tuttu::oversight::without_number;
use tuttu::registration::never_seen_again;
use tuttu::store::{SendingPause, Store};

/// Stop and resume the sending of codes, on all nodes at once.
#[derive(Debug, Args)]
pub(crate) struct SendingArgs {
    #[command(subcommand)]
    command: SendingCommand,
}

#[derive(Debug, Subcommand)]
enum SendingCommand {
    /// Send nothing from now on: who asks for a code is told to come back later, what is queued waits
    Pause {
        /// Why, for whoever looks next
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        options: Options,
    },
    /// Send again
    Resume(Options),
    /// Say whether sending is stopped, since when and why
    Status(Options),
    /// List where numbers were proven and registered but never seen again: the mark of who is paid for the messages
    Unseen {
        /// Accounts registered in the last so many days
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
        /// but not in the last so many, which are still to come back
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=3650))]
        but: u16,
        #[command(flatten)]
        options: Options,
    },
}

/// Rows of `tuttu sending unseen`.
const WORST: usize = 50;

/// Runs `tuttu sending`.
pub(crate) async fn run(arguments: SendingArgs) -> anyhow::Result<()> {
    match arguments.command {
        SendingCommand::Pause { reason, options } => {
            let reason = reason.trim().to_owned();
            anyhow::ensure!(!reason.is_empty(), "--reason must say why, for whoever looks next");
            without_number(&reason).context("--reason")?;
            let store = store(&options).await?;
            let pause = SendingPause { reason, at: Clock::System.now() };
            end(&store, store.pause_sending(&pause).await.map(|()| "Nothing is sent any more.".to_owned()))
                .await
        }
        SendingCommand::Resume(options) => {
            let store = store(&options).await?;
            let resumed = store.resume_sending(Clock::System.now()).await;
            let said =
                |was_paused| if was_paused { "Codes are sent again." } else { "Sending was not stopped." };
            end(&store, resumed.map(|was_paused| said(was_paused).to_owned())).await
        }
        SendingCommand::Status(options) => {
            let store = store(&options).await?;
            end(&store, store.sending_pause().await.map(status)).await
        }
        SendingCommand::Unseen { days, but, options } => unseen((days, but), &options).await,
    }
}

fn status(pause: Option<SendingPause>) -> String {
    match pause {
        None => "Codes are sent.".to_owned(),
        Some(SendingPause { reason, at }) => format!("Nothing is sent since {at:.0}: {reason}"),
    }
}

/// Prints where the most accounts were never seen again.
async fn unseen((days, but): (u16, u16), options: &Options) -> anyhow::Result<()> {
    let config = options.begin()?;
    let store = open_store(&config, false).await?;
    let keys = key_file::open(&config.keys.file, &store).await?;
    let now = Clock::System.now();
    let ago = |days: u16| now - SignedDuration::from_hours(24 * i64::from(days));
    let report = never_seen_again(&store, &keys, (ago(days), ago(but))).await;
    store.close().await;
    let mut table = Table::new(["COUNTRY", "PREFIX", "REGISTERED", "NEVER SEEN AGAIN", ""]);
    for row in report?.into_iter().filter(|row| row.unseen > 0).take(WORST) {
        let percent = format!("{} %", row.unseen * 100 / row.accounts.max(1));
        table.add([row.country, row.prefix, row.accounts.to_string(), row.unseen.to_string(), percent]);
    }
    write!(io::stdout(), "{table}")?;
    Ok(())
}

async fn store(options: &Options) -> anyhow::Result<Store> {
    let config = options.begin()?;
    let store = open_store(&config, false).await?;
    open_keys(&config, &store).await?;
    Ok(store)
}

/// Closes the database and says what came of it.
async fn end(store: &Store, outcome: Result<String, tuttu::store::StoreError>) -> anyhow::Result<()> {
    store.close().await;
    writeln!(io::stdout(), "{}", outcome.context("the kill switch could not be reached")?)?;
    Ok(())
}
