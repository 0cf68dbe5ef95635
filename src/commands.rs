//! The subcommands.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod epoch;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod restore;
pub(crate) mod sending;
pub(crate) mod serve;
pub(crate) mod subject;
mod table;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use clap_complete::Shell;
use std::io::{self, Write as _};
use std::path::PathBuf;
use tuttu::config::{Config, Loaded, Overrides, load};
use tuttu::telemetry;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service. Without any configuration it runs on ./data, for this machine alone.
    Serve(Options),
    /// Bring the database's schema up to this version, and end.
    Migrate(migrate::MigrateArgs),
    /// Copy an embedded database into a new file while servers run.
    Backup(backup::BackupArgs),
    /// Put a backup in the place of the database, or make one that was put back safe to serve.
    Restore(restore::RestoreArgs),
    /// Stop and resume the sending of codes, on all nodes at once.
    Sending(sending::SendingArgs),
    /// Verify and export the log of what was done.
    Audit(audit::AuditArgs),
    /// Show or erase what is kept of one person.
    Subject(subject::SubjectArgs),
    /// Make admins of the console, and let one who is locked out begin anew.
    Admin(admin::AdminArgs),
    /// Begin a new epoch of the directory's handles, and see how far it is.
    Epoch(epoch::EpochArgs),
    /// Replace keys by new ones while servers run.
    Keys(keys::KeysArgs),
    /// Look at the configuration.
    Config(config::ConfigArgs),
    /// Talk to a server as an app would: register, look contacts up, see devices.
    Client(client::ClientArgs),
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Where the configuration comes from. Flags win over `TUTTU__SECTION__KEY` variables, and these over the file.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The configuration file [default: tuttu.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address of the public API (`server.listen`)
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address of health and metrics (`server.ops_listen`)
    #[arg(long, value_name = "ADDRESS")]
    ops_listen: Option<String>,
    /// `sqlite://PATH` or `postgres://...` (`database.url`)
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// The key file (`keys.file`)
    #[arg(long, value_name = "FILE")]
    keys_file: Option<String>,
}

impl Options {
    /// Reads the configuration of a command that works on the database, which then logs as it says and keeps what it
    /// writes and knows to itself.
    fn begin(&self) -> anyhow::Result<Config> {
        let config = self.load()?.config;
        telemetry::log(&config.log).context("log.level")?;
        close_to_others();
        Ok(config)
    }

    /// Reads the configuration.
    fn load(&self) -> anyhow::Result<Loaded> {
        let flags = [
            ("server.listen", &self.listen, "--listen"),
            ("server.ops_listen", &self.ops_listen, "--ops-listen"),
            ("database.url", &self.database_url, "--database-url"),
            ("keys.file", &self.keys_file, "--keys-file"),
        ];
        let given = flags.into_iter().filter_map(|(key, value, flag)| Some((key, value.clone()?, flag)));
        let overrides = Overrides { environment: environment(), flags: given.collect() };
        Ok(load(self.config.as_deref(), &overrides)?)
    }
}

/// Files that are made are for their owner alone, and no core dump holds a key.
fn close_to_others() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let hidden = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    if let Err(cause) = hidden {
        tracing::warn!(%cause, "the process can be dumped: keep core dumps off");
    }
}

fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Prints a shell's completions.
#[expect(clippy::unnecessary_wraps, reason = "has the shape of every command")]
pub(crate) fn completions(shell: Shell, command: &mut clap::Command) -> anyhow::Result<()> {
    clap_complete::generate(shell, command, "tuttu", &mut io::stdout());
    Ok(())
}

/// Takes it for an end like any other that nobody reads an export any more, as `head` does not.
pub(crate) fn while_read(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Says what went wrong, with its causes.
pub(crate) fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "error: {error:#}");
}
