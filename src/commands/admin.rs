//! `tuttu admin`: who may come into the console.

use super::Options;
use super::table::Table;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use std::io::{self, Write as _};
use tuttu::admins::{Admins, TeamRefused};
use tuttu::app::{open_keys, open_store};
use tuttu::clock::Clock;
use tuttu::config::Config;
use tuttu::model::admin::{AdminName, Role, Roles};
use tuttu::model::secret::PlainSecret;
use tuttu::store::{Admin, ResetBy, Store};

/// Make admins of the console, and let one who is locked out begin anew.
#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Make an admin: prints a link that works once, within an hour, to set a password and a second factor
    Create {
        /// What they sign in with
        #[arg(long, value_parser = name)]
        name: AdminName,
        /// What they are there for: viewer, support, fraud, auditor, admin; several times for several
        #[arg(long = "role", value_parser = role, default_value = "admin")]
        roles: Vec<Role>,
        #[command(flatten)]
        options: Options,
    },
    /// Void an admin's password, second factor and sessions, and print a link to set new ones
    Recover {
        /// What they sign in with
        #[arg(long, value_parser = name)]
        name: AdminName,
        /// Let them in again, if they are disabled
        #[arg(long)]
        enable: bool,
        #[command(flatten)]
        options: Options,
    },
    /// List the admins
    List(Options),
}

fn name(text: &str) -> Result<AdminName, &'static str> {
    AdminName::parse(text).ok_or("must be 1 to 64 of a-z, 0-9, . _ - @")
}

fn role(text: &str) -> Result<Role, &'static str> {
    Role::parse(text).ok_or("must be one of: viewer support fraud auditor admin")
}

/// Runs `tuttu admin`.
pub(crate) async fn run(arguments: AdminArgs) -> anyhow::Result<()> {
    match arguments.command {
        AdminCommand::Create { name, roles, options } => {
            let (config, store, admins) = begin(&options).await?;
            let made = admins.create(name.clone(), Roles::of(&roles), true, Clock::System.now()).await;
            store.close().await;
            let secret = made?.with_context(|| format!("there is an admin {name} already"))?;
            invite(&config, &name, &secret)
        }
        AdminCommand::Recover { name, enable, options } => {
            let (config, store, admins) = begin(&options).await?;
            let recovered = recover(&admins, &name, enable, Clock::System.now()).await;
            store.close().await;
            invite(&config, &name, &recovered?)
        }
        AdminCommand::List(options) => {
            let (_, store, admins) = begin(&options).await?;
            let team = admins.team().await;
            store.close().await;
            list(team?, Clock::System.now())
        }
    }
}

async fn begin(options: &Options) -> anyhow::Result<(Config, Store, Admins)> {
    let config = options.begin()?;
    let store = open_store(&config, false).await?;
    let keys = open_keys(&config, &store).await?;
    let admins = Admins::new(store.clone(), keys.into());
    Ok((config, store, admins))
}

async fn recover(
    admins: &Admins,
    name: &AdminName,
    enable: bool,
    now: Timestamp,
) -> anyhow::Result<PlainSecret> {
    let team = admins.team().await?;
    let admin = team.into_iter().find(|admin| admin.name == *name);
    let admin = admin.with_context(|| format!("there is no admin {name}"))?;
    let disabled = admin.disabled_at.is_some();
    anyhow::ensure!(enable || !disabled, "{name} is disabled; --enable lets them in again");
    match admins.reset(admin.id, ResetBy::Operator { enable }, now).await {
        Err(TeamRefused::NotFound) => anyhow::bail!("there is no admin {name} any more"),
        other => Ok(other?),
    }
}

/// Prints the link, which is for one person alone.
fn invite(config: &Config, name: &AdminName, secret: &PlainSecret) -> anyhow::Result<()> {
    let base = match &config.server.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        // By this name browsers take the cookies of a session without TLS.
        None => format!("http://localhost:{}", config.server.listen.port()),
    };
    let mut out = io::stdout();
    writeln!(out, "{base}/admin/enrol#secret={}", secret.expose())?;
    writeln!(
        out,
        "With this link {name} sets a password and a second factor. It works once, within an hour."
    )?;
    Ok(())
}

fn list(team: Vec<Admin>, now: Timestamp) -> anyhow::Result<()> {
    let mut table = Table::new(["NAME", "ROLES", "STATE", "LAST SIGNED IN", ""]);
    for admin in team {
        let signed_in = admin.signed_in_at.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}"));
        let state = state(&admin, now);
        table.add([
            admin.name.to_string(),
            admin.roles.to_string(),
            state.to_owned(),
            signed_in,
            String::new(),
        ]);
    }
    write!(io::stdout(), "{table}")?;
    Ok(())
}

fn state(admin: &Admin, now: Timestamp) -> &'static str {
    match admin {
        Admin { disabled_at: Some(_), .. } => "disabled",
        Admin { enrolled_at: Some(_), .. } => "active",
        Admin { invited_until: Some(until), .. } if now < *until => "invited",
        _ => "invitation over",
    }
}
