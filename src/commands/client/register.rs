//! `tuttu client register`: from a number to a device that is signed in.

use super::code::{Codes, Source};
use super::{Place, challenge, say};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use secrecy::SecretString;
use std::path::Path;
use tuttu::client::Client;
use tuttu::client::api::{NewDevice, Start};
use tuttu::client::credentials::Credentials;
use tuttu::client::shapes::{Channel, Platform, Registered};
use tuttu::client::sync::AddressBook;
use tuttu::model::number::{PhoneNumber, Region};

#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    /// Your number, such as +358401234567
    #[arg(value_name = "NUMBER")]
    number: String,
    /// Region by which to read a number without country code
    #[arg(long, value_name = "XX")]
    region: Option<String>,
    /// How the code shall reach you
    #[arg(long, value_enum, default_value = "sms")]
    channel: Channel,
    /// What to call this device
    #[arg(long, default_value = "Command line")]
    name: String,
    /// What this device is
    #[arg(long, value_enum, default_value = "desktop")]
    platform: Platform,
    /// Do not let people who have your number find you
    #[arg(long)]
    hidden: bool,
    /// Development key of the service, to read the code from its inbox
    // Base64url: one key in 64 begins with a hyphen.
    #[arg(
        long,
        env = "TUTTU_INBOX_KEY",
        hide_env_values = true,
        value_name = "KEY",
        allow_hyphen_values = true
    )]
    inbox: Option<SecretString>,
    /// The code, where you know it beforehand
    #[arg(long, conflicts_with = "inbox")]
    code: Option<SecretString>,
    /// Replace the credentials of another registration
    #[arg(long)]
    replace: bool,
}

pub(super) async fn run(place: &Place, args: RegisterArgs) -> Result<()> {
    let path = place.credentials_path()?;
    if path.exists() && !args.replace {
        bail!(
            "{} keeps another registration signed in: add --replace to give it up, or name another file \
             with --credentials",
            path.display()
        );
    }
    let number = own_number(&args)?;
    let (client, server) = place.new_client()?;
    let source = source(&args, &client, &number).await?;
    let start = Start { phone_number: number.e164(), region: None, channel: args.channel, locale: None };
    let started = match client.start_verification(start).await {
        Err(refusal) => challenge::pass(&client, refusal, None).await?,
        Ok(started) => started,
    };
    say(&format!("A code is on its way to {} by {}.\n", number.masked(), args.channel))?;
    let approved = Codes { client: &client, started: &started, channel: args.channel }.prove(source).await?;
    let device =
        NewDevice { name: &args.name, platform: args.platform, discoverable: args.hidden.then_some(false) };
    let registered = client.create_account(&approved, device).await?;
    let is_new = registered.created;
    let credentials = credentials(server, &number, registered);
    credentials.write(&path).context("the device is registered, but its credentials cannot be kept")?;
    say(&welcome(&credentials, is_new, args.hidden, &path))
}

async fn source(args: &RegisterArgs, client: &Client, number: &PhoneNumber) -> Result<Source> {
    match (&args.code, &args.inbox) {
        (Some(code), _) => Ok(Source::Given(code.clone())),
        (None, Some(key)) => Source::inbox(client, key.clone(), number.e164()).await,
        (None, None) => Ok(Source::Person),
    }
}

fn own_number(args: &RegisterArgs) -> Result<PhoneNumber> {
    let region = args.region.as_deref();
    let region =
        region.map(|code| Region::parse(code).with_context(|| format!("--region {code}"))).transpose()?;
    PhoneNumber::parse(&args.number, region).with_context(|| {
        format!(
            "{:?} cannot be registered: write it with + and its country code, or name its --region",
            args.number
        )
    })
}

fn credentials(server: String, number: &PhoneNumber, registered: Registered) -> Credentials {
    Credentials {
        server,
        region: number.region().map(|region| region.to_string()),
        account_id: registered.account_id,
        device_id: registered.device_id,
        device_token: registered.device_token,
        sync: AddressBook::default(),
    }
}

fn welcome(credentials: &Credentials, is_new: bool, is_hidden: bool, path: &Path) -> String {
    let account = if is_new { "New account" } else { "Known account" };
    let findable = if is_hidden { "cannot find it" } else { "can find it" };
    format!(
        "{account} {} (people who have the number {findable}), device {}.\nSigned in: {}\n\
         Next: tuttu client lookup contacts.vcf\n",
        credentials.account_id,
        credentials.device_id,
        path.display()
    )
}
