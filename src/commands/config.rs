//! `tuttu config check` and `tuttu config show`.

use super::Options;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::Value;
use std::io::{self, Write as _};
use tuttu::telemetry;

/// Look at the configuration.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say whether the configuration is valid, naming everything that is not.
    Check(Options),
    /// Print every setting and where it comes from; secrets are hidden.
    Show(Options),
}

/// Checks or shows the configuration.
pub(crate) fn run(arguments: ConfigArgs) -> anyhow::Result<()> {
    match arguments.action {
        Action::Check(options) => {
            telemetry::filter(&options.load()?.config.log).context("log.level")?;
            writeln!(io::stdout(), "The configuration is valid.")?;
        }
        Action::Show(options) => show(&options)?,
    }
    Ok(())
}

fn show(options: &Options) -> anyhow::Result<()> {
    let settings = options.load()?.settings;
    let rows: Vec<(String, &str)> =
        settings.iter().map(|s| (format!("{} = {}", s.key, shown(&s.value)), s.source.as_str())).collect();
    let width = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    for (left, source) in rows {
        writeln!(out, "{left:width$}  # {source}")?;
    }
    Ok(())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(not set)".to_owned(),
        value => value.to_string(),
    }
}
