//! `tuttu keys`: replacing keys while servers run.

use super::Options;
use super::table::Table;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use std::io::{self, Write as _};
use std::time::Duration;
use tokio::time::sleep;
use tuttu::app::{open_keys, open_store};
use tuttu::clock::Clock;
use tuttu::config::Config;
use tuttu::key_file;
use tuttu::key_rotation::{KeyStatus, live_nodes, put_into_use, status, unfinished};
use tuttu::model::audit::Pen;
use tuttu::model::keys::Purpose;
use tuttu::store::{SeenNode, Store};

/// Between two looks at how far servers are.
const LOOK: Duration = Duration::from_millis(500);

/// Replace keys by new ones while servers run.
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

/// The keys as they are called in the key file.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the names in the key file")]
enum KeyName {
    NumberKey,
    IndexKey,
    DirectoryKey,
    CodeKey,
    TokenKey,
    AuditKey,
    JwtKey,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// List the versions of every key, how far each is and what is still under it, and the servers that run
    List(Options),
    /// Write a further version of a key into this host's key file. Copy the file to every server then, and send
    /// each SIGHUP. Nothing is made with it before `tuttu keys use`
    Add {
        /// The key
        key: KeyName,
        #[command(flatten)]
        options: Options,
    },
    /// Make what is new with the added version, once every server has it. What was made before stays readable
    Use {
        /// The key
        key: KeyName,
        /// Show how far servers are until all of them use it and nothing is sealed under the old one
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        options: Options,
    },
    /// Take back a version that was added and never used, also out of this host's key file
    Withdraw {
        /// The key
        key: KeyName,
        #[command(flatten)]
        options: Options,
    },
}

impl From<KeyName> for Purpose {
    fn from(name: KeyName) -> Self {
        match name {
            KeyName::NumberKey => Self::Number,
            KeyName::IndexKey => Self::Index,
            KeyName::DirectoryKey => Self::Directory,
            KeyName::CodeKey => Self::Code,
            KeyName::TokenKey => Self::Token,
            KeyName::AuditKey => Self::Audit,
            KeyName::JwtKey => Self::Jwt,
        }
    }
}

/// Runs `tuttu keys`.
pub(crate) async fn run(arguments: KeysArgs) -> anyhow::Result<()> {
    let (KeysCommand::List(options)
    | KeysCommand::Add { options, .. }
    | KeysCommand::Use { options, .. }
    | KeysCommand::Withdraw { options, .. }) = &arguments.command;
    let config = options.begin()?;
    let store = open_store(&config, false).await?;
    match arguments.command {
        KeysCommand::List(_) => {}
        // The file may hold what was cut off on its way into the database; adding says what else is wrong with it.
        KeysCommand::Add { .. } => {
            if let Ok(keys) = key_file::open_known(&config.keys.file, &store).await {
                store.write_with(Pen::new(&keys, "host"));
            }
        }
        _ => {
            open_keys(&config, &store).await?;
        }
    }
    let said = match arguments.command {
        KeysCommand::List(_) => list(&store, Clock::System.now()).await,
        KeysCommand::Add { key, .. } => add(&store, &config, key.into()).await,
        KeysCommand::Use { key, wait, .. } => put(&store, key.into(), wait).await,
        KeysCommand::Withdraw { key, .. } => withdraw(&store, &config, key.into()).await,
    };
    store.close().await;
    Ok(write!(io::stdout(), "{}", said?)?)
}

async fn add(store: &Store, config: &Config, purpose: Purpose) -> anyhow::Result<String> {
    let file = &config.keys.file;
    let version = key_file::add(file, store, purpose, Clock::System.now()).await?;
    let (name, file) = (purpose.as_str(), file.display());
    Ok(format!(
        "{name} version {version} is in {file}. Copy that file to every server (mode 0600) and send each SIGHUP;\n\
         `tuttu keys list` shows which have it. Then run `tuttu keys use {name}`.\n"
    ))
}

async fn withdraw(store: &Store, config: &Config, purpose: Purpose) -> anyhow::Result<String> {
    let version = key_file::withdraw(&config.keys.file, store, purpose, Clock::System.now()).await?;
    let (name, file) = (purpose.as_str(), config.keys.file.display());
    Ok(format!(
        "{name} version {version} is taken back, and no longer in {file}. Copy that file to every server that had it.\n"
    ))
}

async fn put(store: &Store, purpose: Purpose, wait: bool) -> anyhow::Result<String> {
    let version = put_into_use(store, purpose, Clock::System.now()).await?;
    let name = purpose.as_str();
    if purpose == Purpose::Directory {
        return Ok(format!(
            "{name} version {version} is in use for the epochs to come: `tuttu epoch rotate` begins one.\n"
        ));
    }
    if !wait {
        return Ok(format!(
            "{name} version {version} is in use. What was made before stays readable; see `tuttu keys list`.\n"
        ));
    }
    writeln!(io::stdout(), "{name} version {version} is in use.")?;
    until_finished(store, purpose).await?;
    Ok(format!("Every server uses {name} version {version}.\n"))
}

/// Prints how far servers are whenever that has changed, until nothing is left to do.
async fn until_finished(store: &Store, purpose: Purpose) -> anyhow::Result<()> {
    let mut said = String::new();
    loop {
        let line = match unfinished(store, purpose, Clock::System.now()).await? {
            (0, 0) => return Ok(()),
            (0, sealed) => format!("Values that are still sealed under an old version: {sealed}"),
            (behind, _) => format!("Servers that still use an old version: {behind}"),
        };
        if line != said {
            writeln!(io::stdout(), "{line}")?;
            said = line;
        }
        sleep(LOOK).await;
    }
}

async fn list(store: &Store, now: Timestamp) -> anyhow::Result<String> {
    let nodes = live_nodes(store, now).await?;
    let mut keys = Table::new(["KEY", "VERSION", "STATE", "SINCE", "SERVERS", "UNDER IT"]);
    for key in status(store, now).await? {
        keys.add(key_row(&key, nodes.len()));
    }
    let mut servers = Table::new(["SERVER", "PROGRAM", "SINCE", "LAST SEEN"]);
    for node in &nodes {
        servers.add(node_row(node));
    }
    Ok(format!("{keys}\n{servers}"))
}

fn key_row(key: &KeyStatus, nodes: usize) -> [String; 6] {
    [
        key.purpose.clone(),
        key.version.to_string(),
        key.state.as_str().replace('_', " "),
        key.since.map(|since| format!("{since:.0}")).unwrap_or_default(),
        format!("{} of {nodes}", key.nodes),
        key.rows.map(|rows| under(&key.purpose, rows)).unwrap_or_default(),
    ]
}

/// How much is under a key, of what it is counted in.
fn under(purpose: &str, rows: u64) -> String {
    let what = match Purpose::parse(purpose) {
        Some(Purpose::Number) => "value",
        Some(Purpose::Token) => "device",
        Some(Purpose::Code) => "code",
        Some(Purpose::Directory) => "epoch",
        Some(Purpose::Index) => "secret",
        Some(Purpose::Audit | Purpose::Jwt) | None => "row",
    };
    format!("{rows} {what}{}", if rows == 1 { "" } else { "s" })
}

fn node_row(seen: &SeenNode) -> [String; 4] {
    let time = |time: Timestamp| format!("{time:.0}");
    [seen.node.name.clone(), seen.node.program.clone(), time(seen.node.started_at), time(seen.seen_at)]
}
