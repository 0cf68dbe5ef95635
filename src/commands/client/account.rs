//! `tuttu client devices`, `account` and `delete`.

use super::{Place, say};
use crate::commands::table::Table;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use tuttu::client::credentials::Credentials;
use tuttu::client::shapes::Device;
use uuid::Uuid;

#[derive(Debug, Args)]
pub(super) struct DevicesArgs {
    #[command(subcommand)]
    command: Option<DevicesCommand>,
}

#[derive(Debug, Subcommand)]
enum DevicesCommand {
    /// Sign a device out for good
    Revoke {
        /// Its id, as the list shows it
        id: Uuid,
    },
}

#[derive(Debug, Args)]
pub(super) struct DeleteArgs {
    /// Delete without being asked again
    #[arg(long)]
    yes: bool,
}

pub(super) async fn devices(place: &Place, args: DevicesArgs) -> Result<()> {
    let device = place.sign_in()?;
    let Some(DevicesCommand::Revoke { id }) = args.command else {
        return say(&devices_table(&device.session.devices().await?));
    };
    device.session.revoke_device(id).await?;
    if id != device.credentials.device_id {
        return say(&format!("Device {id} is signed out.\n"));
    }
    Credentials::remove(&device.path)?;
    say("This device is signed out, and its credentials are gone.\n")
}

pub(super) async fn show(place: &Place) -> Result<()> {
    let account = place.sign_in()?.session.account().await?;
    let findable = if account.discoverable { "yes" } else { "no" };
    say(&format!(
        "Account       {}\nNumber        {}\nDiscoverable  {findable}\nSince         {}\n",
        account.account_id,
        account.phone_number,
        minute(account.created_at)
    ))
}

pub(super) async fn delete(place: &Place, args: DeleteArgs) -> Result<()> {
    let device = place.sign_in()?;
    if !args.yes {
        bail!(
            "this deletes account {} with all its devices, for good: add --yes if that is what you want",
            device.credentials.account_id
        );
    }
    device.session.delete_account().await?;
    Credentials::remove(&device.path)?;
    say("The account is deleted, and the credentials of this device are gone.\n")
}

fn devices_table(devices: &[Device]) -> String {
    let mut table = Table::new(["ID", "NAME", "PLATFORM", "CREATED", "LAST SEEN", ""]);
    for device in devices {
        table.add([
            device.device_id.to_string(),
            device.name.clone(),
            device.platform.to_string(),
            minute(device.created_at),
            device.last_seen_at.map_or_else(|| "-".to_owned(), minute),
            if device.current { "this device".to_owned() } else { String::new() },
        ]);
    }
    table.to_string()
}

fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
