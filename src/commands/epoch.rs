//! `tuttu epoch`: the life of the directory's handles.

use super::Options;
use super::table::Table;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use std::io::{self, Write as _};
use std::time::Duration;
use tokio::time::sleep;
use tuttu::app::{open_keys, open_store};
use tuttu::clock::Clock;
use tuttu::model::epoch::EpochState;
use tuttu::rotation::{RotateRefused, begin};
use tuttu::store::{EpochProgress, SealedEpoch, Store};

/// Between two looks at how far servers are.
const LOOK: Duration = Duration::from_millis(500);

/// Begin a new epoch of the directory, and see how far it is.
#[derive(Debug, Args)]
pub(crate) struct EpochArgs {
    #[command(subcommand)]
    command: EpochCommand,
}

#[derive(Debug, Subcommand)]
enum EpochCommand {
    /// Begin a new epoch: running servers prepare it beside their work, then clients hash with its pepper. The old
    /// one answers for 7 more days. Every client hashes its address book anew, so epochs are at least 180 days apart
    Rotate {
        /// Begin it though the last one is younger than 180 days
        #[arg(long)]
        incident: bool,
        /// Show how far it is until clients use it
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        options: Options,
    },
    /// List the epochs: what each is, since when and until when, and how far its rows are
    Status(Options),
}

/// Runs `tuttu epoch`.
pub(crate) async fn run(arguments: EpochArgs) -> anyhow::Result<()> {
    match arguments.command {
        EpochCommand::Rotate { incident, wait, options } => rotate(incident, wait, &options).await,
        EpochCommand::Status(options) => {
            let store = open_store(&options.begin()?, false).await?;
            let shown = status(&store, Clock::System.now()).await;
            store.close().await;
            Ok(write!(io::stdout(), "{}", shown?)?)
        }
    }
}

async fn rotate(incident: bool, wait: bool, options: &Options) -> anyhow::Result<()> {
    let config = options.begin()?;
    let store = open_store(&config, false).await?;
    let keys = open_keys(&config, &store).await?;
    let begun = begin(&store, &keys, incident, Clock::System.now()).await;
    let outcome = match begun {
        Ok(id) => {
            writeln!(
                io::stdout(),
                "Epoch {id} is written. Running servers prepare it; see `tuttu epoch status`."
            )?;
            if wait { until_live(&store, id).await } else { Ok(()) }
        }
        // Whoever was cut off while waiting waits again.
        Err(RotateRefused::UnderWay(id)) if wait => until_live(&store, id).await,
        Err(refused) => Err(refused.into()),
    };
    store.close().await;
    outcome
}

/// Prints how far an epoch is whenever that has changed, until it is live.
async fn until_live(store: &Store, id: u32) -> anyhow::Result<()> {
    let mut said = String::new();
    loop {
        let epoch = store.epochs().await?.into_iter().find(|epoch| epoch.id == id);
        let epoch = epoch.with_context(|| format!("epoch {id} is gone"))?;
        let state = epoch.life.state(Clock::System.now());
        let line = match state {
            EpochState::Preparing => rows(store.epoch_progress(id).await?),
            EpochState::Prepared => "every row is there".to_owned(),
            EpochState::Live | EpochState::Ended => String::new(),
        };
        if line.is_empty() {
            writeln!(io::stdout(), "Epoch {id} is live.")?;
            return Ok(());
        }
        if line != said {
            writeln!(io::stdout(), "Epoch {id}: {line}")?;
            said = line;
        }
        sleep(LOOK).await;
    }
}

async fn status(store: &Store, now: Timestamp) -> anyhow::Result<Table<5>> {
    let mut table = Table::new(["EPOCH", "STATE", "SINCE", "UNTIL", "ROWS"]);
    for epoch in store.epochs().await? {
        let progress = store.epoch_progress(epoch.id).await?;
        table.add(shown(&epoch, progress, now));
    }
    Ok(table)
}

fn shown(epoch: &SealedEpoch, progress: Option<EpochProgress>, now: Timestamp) -> [String; 5] {
    let (life, state) = (&epoch.life, epoch.life.state(now));
    let since = match state {
        EpochState::Preparing => Some(life.created_at),
        EpochState::Prepared => life.prepared_at,
        EpochState::Live | EpochState::Ended => life.valid_from,
    };
    let rows = match state {
        EpochState::Preparing => rows(progress),
        EpochState::Ended if life.emptied_at.is_some() => "gone".to_owned(),
        _ => String::new(),
    };
    let time = |time: Option<Timestamp>| time.map(|time| format!("{time:.0}")).unwrap_or_default();
    [epoch.id.to_string(), state.as_str().to_owned(), time(since), time(life.valid_until), rows]
}

fn rows(progress: Option<EpochProgress>) -> String {
    match progress {
        Some(EpochProgress { accounts: Some(accounts), done, .. }) => {
            format!("{done} of {accounts} accounts")
        }
        _ => "no server has begun to prepare it".to_owned(),
    }
}
