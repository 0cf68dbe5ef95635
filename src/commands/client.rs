//! `tuttu client`: an app's part, from the command line.

mod account;
mod advice;
mod challenge;
mod code;
mod lookup;
mod register;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use std::io::{self, Write as _};
use std::path::PathBuf;
use tuttu::client::credentials::{Credentials, CredentialsError};
use tuttu::client::{Client, Session};

const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

const SERVER_HELP: &str =
    "Address of the service [default: that of the credentials, else http://127.0.0.1:8080]";

/// Acts as an app does: registers this device and looks up contacts.
#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Which service, and as whom.
#[derive(Debug, Args)]
struct Place {
    /// Address of the service
    #[arg(long, help = SERVER_HELP, env = "TUTTU_SERVER", value_name = "URL", global = true)]
    server: Option<String>,
    /// File that keeps this device signed in [default: ~/.config/tuttu/client.toml]
    #[arg(long, env = "TUTTU_CREDENTIALS", value_name = "FILE", global = true)]
    credentials: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prove a number and register this device with it
    Register(register::RegisterArgs),
    /// Find which contacts of a vCard file have accounts
    Lookup(lookup::LookupArgs),
    /// List the devices of the account, or sign one out
    Devices(account::DevicesArgs),
    /// Show the account
    Account,
    /// Delete the account with all its devices
    Delete(account::DeleteArgs),
}

/// Runs one `tuttu client` command.
///
/// # Errors
/// A sentence that says what went wrong and what to do.
pub(crate) async fn run(args: ClientArgs) -> Result<()> {
    let place = &args.place;
    let outcome = match args.command {
        Command::Register(args) => register::run(place, args).await,
        Command::Lookup(args) => lookup::run(place, args).await,
        Command::Devices(args) => account::devices(place, args).await,
        Command::Account => account::show(place).await,
        Command::Delete(args) => account::delete(place, args).await,
    };
    outcome.map_err(|error| advice::add(&error))
}

impl Place {
    fn credentials_path(&self) -> Result<PathBuf> {
        match &self.credentials {
            Some(path) => Ok(path.clone()),
            None => Ok(Credentials::default_path()?),
        }
    }

    fn new_client(&self) -> Result<(Client, String)> {
        let server = self.server.clone().unwrap_or_else(|| DEFAULT_SERVER.to_owned());
        Ok((client(&server)?, server))
    }

    fn sign_in(&self) -> Result<SignedIn> {
        let path = self.credentials_path()?;
        let credentials = match Credentials::read(&path) {
            Err(error @ CredentialsError::Missing(_)) => {
                return Err(error)
                    .context("this device is not registered: run `tuttu client register NUMBER` first");
            }
            read => read?,
        };
        if let Some(server) = self.server.as_ref().filter(|server| !is_same(server, &credentials.server)) {
            bail!(
                "the credentials in {} belong to {}, and their token is not for {server}: name another file with \
                 --credentials, or edit `server` in it if the service has moved",
                path.display(),
                credentials.server
            );
        }
        let session = client(&credentials.server)?.signed_in(credentials.device_token.clone());
        Ok(SignedIn { path, credentials, session })
    }
}

/// A registered device.
struct SignedIn {
    path: PathBuf,
    credentials: Credentials,
    session: Session,
}

fn client(server: &str) -> Result<Client> {
    let client = Client::new(server)?;
    if client.is_exposed() {
        note(&format!(
            "{server} is not encrypted: whoever is on the way can read tokens and codes; use https"
        ));
    }
    Ok(client)
}

fn is_same(server: &str, other: &str) -> bool {
    server.trim_end_matches('/') == other.trim_end_matches('/')
}

/// Writes what was asked for. A reader who has left, such as `head`, is no failure.
fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Tells the person at the terminal something that is not part of the output.
fn note(text: &str) {
    // There is nobody else to tell that nobody listens.
    let _unheard = writeln!(io::stderr().lock(), "{text}");
}
