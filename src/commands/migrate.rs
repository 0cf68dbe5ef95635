//! `tuttu migrate`: the schema, and who may do what with it.

use super::Options;
use clap::Args;
use std::io::{self, Write as _};
use std::time::Duration;
use tuttu::app::connect_store;
use tuttu::store::Store;

/// Bring the database's schema up to this version, and end. Servers of this and of the version before it may run
/// meanwhile
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// How long to ask for locks that others hold
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
    /// Let this role of PostgreSQL serve: it may read and write rows, each table as far as the service needs it,
    /// and change no schema. Say it again after every update
    #[arg(long, value_name = "ROLE")]
    grant_to: Option<String>,
    /// Spread the tables that grow with the number of users over the workers of Citus
    #[arg(long)]
    citus: bool,
    #[command(flatten)]
    options: Options,
}

/// Runs `tuttu migrate`.
pub(crate) async fn run(arguments: MigrateArgs) -> anyhow::Result<()> {
    let config = arguments.options.begin()?;
    let store = connect_store(&config, true).await?;
    let done = steps(&store, &arguments).await;
    store.close().await;
    done
}

async fn steps(store: &Store, arguments: &MigrateArgs) -> anyhow::Result<()> {
    store.migrate_within(Duration::from_secs(arguments.wait)).await?;
    writeln!(io::stdout(), "The schema is up to date.")?;
    if arguments.citus {
        store.distribute().await?;
        writeln!(io::stdout(), "The tables are distributed.")?;
    }
    if let Some(role) = &arguments.grant_to {
        store.grant_to(role).await?;
        writeln!(io::stdout(), "The role {role} may serve: it reads and writes rows and changes no schema.")?;
    }
    Ok(())
}
