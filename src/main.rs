//! The command line.

mod commands;

use clap::{CommandFactory as _, Parser};
use commands::{Command, completions};
use std::process::ExitCode;
use tokio::runtime::Builder;
use tuttu::store::Origin;

/// Each request allocates some dozens of small things, many of which another thread frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Proves that a person holds a phone number, gives their devices tokens, and finds which of their contacts
/// are already users.
///
/// `tuttu serve` runs the whole service on an embedded database, with codes that go nowhere but to the page
/// it prints. `tuttu client` talks to a server as an app would.
#[derive(Debug, Parser)]
#[command(name = "tuttu", version, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    let outcome = match command {
        Command::Completions { shell } => completions(shell, &mut CommandLine::command()),
        Command::Config(config) => commands::config::run(config),
        command => runtime(command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Sockets that are taken from the system at a time.
const SOCKETS: usize = 32;
/// Tasks that run before it is asked for more of them.
const TASKS: u32 = 8;

/// Runs a command on every processor. A node that is asked far too much has a thousand sockets ready at any time: taken all
/// at once, they would stand in the queue before every row of the database that a request waits for, some dozen times
/// in a row. So few are taken at a time, and what another thread has woken goes first.
fn runtime(command: Command) -> anyhow::Result<()> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .max_io_events_per_tick(SOCKETS)
        .event_interval(TASKS)
        .global_queue_interval(1)
        .build()?;
    runtime.block_on(run(command))
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(options) => commands::serve::run(options).await,
        command => Box::pin(Origin::operator().bound(at_the_host(command))).await,
    }
}

/// What an operator does, as the audit log has it.
async fn at_the_host(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Migrate(arguments) => commands::migrate::run(arguments).await,
        Command::Backup(arguments) => commands::backup::run(arguments).await,
        Command::Restore(arguments) => commands::restore::run(arguments).await,
        Command::Sending(arguments) => commands::sending::run(arguments).await,
        Command::Audit(arguments) => commands::audit::run(arguments).await,
        Command::Subject(arguments) => commands::subject::run(arguments).await,
        Command::Admin(arguments) => commands::admin::run(arguments).await,
        Command::Epoch(arguments) => commands::epoch::run(arguments).await,
        Command::Keys(arguments) => commands::keys::run(arguments).await,
        Command::Client(arguments) => commands::client::run(arguments).await,
        Command::Serve(_) | Command::Config(_) | Command::Completions { .. } => Ok(()),
    }
}
