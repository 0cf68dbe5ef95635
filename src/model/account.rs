//! Accounts and their devices.

use super::id::{AccountId, DeviceId};
use super::keys::NumberIndex;
use super::sealed::Place;
use super::secret::HashedSecret;
use super::words::words;
use jiff::Timestamp;
use std::time::Duration;

/// Devices an account may have; a further one ends the one not seen for longest.
pub const MAX_DEVICES: i64 = 6;

/// How recently a device must have been seen for its number to continue the account: an older one may
/// have passed to another person.
pub const CONTINUES_WITHIN: Duration = Duration::from_hours(1080);

/// How long a device may stay silent before its token ends.
pub const DEVICE_IDLE_LIMIT: Duration = Duration::from_hours(2880);

/// A registered number.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its public name.
    pub id: AccountId,
    /// Finds the number's rows.
    pub number_index: NumberIndex,
    /// The number in E.164, sealed for [`Account::number_place`].
    pub number_sealed: Vec<u8>,
    /// Whether lookups may find it.
    pub discoverable: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Account {
    /// Where the sealed number of an account lies.
    #[must_use]
    pub const fn number_place(id: &AccountId) -> Place<'_> {
        Place { table: "accounts", column: "number_sealed", row: id.as_bytes() }
    }
}

words! {
    /// What a device runs on.
    Platform {
        /// Android.
        Android = "android",
        /// iOS or iPadOS.
        Ios = "ios",
        /// A browser.
        Web = "web",
        /// A desktop computer.
        Desktop = "desktop",
        /// Anything else.
        Other = "other",
    }
}

/// An installation of an account.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its name, part of its token.
    pub id: DeviceId,
    /// The account it acts for.
    pub account: AccountId,
    /// The digest of its token's secret.
    pub secret: HashedSecret,
    /// The version of the key that authenticates its token.
    pub key_version: u8,
    /// What its owner calls it, sealed for [`Device::name_place`].
    pub name_sealed: Vec<u8>,
    /// What it runs on.
    pub platform: Platform,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The last day on which its token was used, as a time of that day.
    pub last_seen_at: Timestamp,
}

impl Device {
    /// Where the sealed name of a device lies.
    #[must_use]
    pub const fn name_place(id: &DeviceId) -> Place<'_> {
        Place { table: "devices", column: "name_sealed", row: id.as_bytes() }
    }
}
