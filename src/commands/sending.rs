//! `tuttu sending`: the kill switch.

use super::Options;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use std::io::{self, Write as _};
use tuttu::app::open_store;
use tuttu::clock::Clock;
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
}

/// Runs `tuttu sending`.
pub(crate) async fn run(arguments: SendingArgs) -> anyhow::Result<()> {
    match arguments.command {
        SendingCommand::Pause { reason, options } => {
            let reason = reason.trim().to_owned();
            anyhow::ensure!(!reason.is_empty(), "--reason must say why, for whoever looks next");
            let store = store(&options).await?;
            let pause = SendingPause { reason, at: Clock::System.now() };
            end(&store, store.pause_sending(&pause).await.map(|()| "Nothing is sent any more.".to_owned()))
                .await
        }
        SendingCommand::Resume(options) => {
            let store = store(&options).await?;
            let resumed = store.resume_sending().await;
            let said =
                |was_paused| if was_paused { "Codes are sent again." } else { "Sending was not stopped." };
            end(&store, resumed.map(|was_paused| said(was_paused).to_owned())).await
        }
        SendingCommand::Status(options) => {
            let store = store(&options).await?;
            end(&store, store.sending_pause().await.map(status)).await
        }
    }
}

fn status(pause: Option<SendingPause>) -> String {
    match pause {
        None => "Codes are sent.".to_owned(),
        Some(SendingPause { reason, at }) => format!("Nothing is sent since {at:.0}: {reason}"),
    }
}

async fn store(options: &Options) -> anyhow::Result<Store> {
    Ok(open_store(&options.load()?.config, false).await?)
}

/// Closes the database and says what came of it.
async fn end(store: &Store, outcome: Result<String, tuttu::store::StoreError>) -> anyhow::Result<()> {
    store.close().await;
    writeln!(io::stdout(), "{}", outcome.context("the kill switch could not be reached")?)?;
    Ok(())
}
