//! `tuttu backup`: a copy of an embedded database while servers run.

use super::Options;
use anyhow::Context as _;
use clap::Args;
use std::io::{self, Write as _};
use std::path::PathBuf;
use tuttu::store::{DatabaseUrl, Store};

/// Copy an embedded database into a new file while servers run. The key file, without which it cannot be read, is
/// never in it
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The new file
    file: PathBuf,
    #[command(flatten)]
    options: Options,
}

/// Runs `tuttu backup`.
pub(crate) async fn run(arguments: BackupArgs) -> anyhow::Result<()> {
    let config = arguments.options.begin()?;
    let url = DatabaseUrl::parse(config.database.url.expose()).context("database.url")?;
    // Not made where it is not there: an empty copy would look like a backup.
    let store = Store::connect(&url, false, 1).await?;
    let copied = store.back_up(&arguments.file).await;
    store.close().await;
    let (file, keys) = (arguments.file.display(), config.keys.file.display());
    writeln!(io::stdout(), "{file} holds the database as it was just now, {}.", size(copied?))?;
    writeln!(io::stdout(), "It can be read only with the key file {keys}: keep a copy of that, elsewhere.")?;
    Ok(())
}

fn size(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}
