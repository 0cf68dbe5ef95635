//! Users who are there before anybody is killed, written straight into the database.

use super::super::harness::Place;
use std::fmt::Write as _;
use std::sync::Arc;
use tuttu::clock::Clock;
use tuttu::epochs::Epochs;
use tuttu::key_file;
use tuttu::model::account::{Account, Device};
use tuttu::model::handle::{Handle, Pepper};
use tuttu::model::id::{AccountId, DeviceId};
use tuttu::model::keys::Keys;
use tuttu::model::number::PhoneNumber;
use tuttu::model::sealed::seal;
use tuttu::model::secret::PlainSecret;
use tuttu::store::{DatabaseUrl, Store};

/// Rows of a statement.
const ROWS: u32 = 500;

/// Discoverable users with a device each.
pub(super) struct Crowd {
    pub(super) users: u32,
    keys: Arc<Keys>,
    pepper: Pepper,
}

impl Crowd {
    /// Reads the keys and the epoch of a place whose server does not run.
    pub(super) async fn at(place: &Place, users: u32) -> Self {
        let store = Store::connect(&DatabaseUrl::parse(&place.url()).unwrap(), false, 2).await.unwrap();
        let keys = Arc::new(key_file::open(&place.path("data/keys.toml"), &store).await.unwrap());
        let epochs = Epochs::open(&store, &keys, Clock::System.now()).await.unwrap();
        let pepper = epochs.live(Clock::System.now())[0].pepper.clone();
        store.close().await;
        Self { users, keys, pepper }
    }

    /// The number of one of them.
    pub(super) fn number(place: u32) -> String {
        format!("+358405{place:06}")
    }

    /// The account of one of them.
    pub(super) fn account(place: u32) -> AccountId {
        AccountId::from_bytes(*blake3::hash(&place.to_le_bytes()).as_bytes().first_chunk().unwrap())
    }

    /// Writes them all.
    pub(super) async fn write(&self, place: &Place) {
        let is_postgres = place.postgres().is_some();
        for first in (0..self.users).step_by(ROWS as usize) {
            let users = first..self.users.min(first + ROWS);
            let mut tables = Tables::default();
            users.for_each(|user| self.add(&mut tables, user, is_postgres));
            place.execute(&tables.statements()).await;
        }
    }

    /// A row of every table.
    fn add(&self, tables: &mut Tables, user: u32, is_postgres: bool) {
        let blob = |bytes: &[u8]| {
            let hex = hex::encode(bytes);
            if is_postgres { format!(r"'\x{hex}'::bytea") } else { format!("x'{hex}'") }
        };
        let (account, device) = (Self::account(user), DeviceId::random());
        let number = PhoneNumber::stored(&Self::number(user)).unwrap();
        let index = blob(self.keys.number_index(&number).as_bytes());
        let sealed = |at, value: &[u8]| blob(&seal(self.keys.number(), &at, value).unwrap());
        let key = self.keys.directory(1);
        let stored = key.store_handle(Handle::derive(&self.pepper, &number));
        let tag = blob(&key.tag(1, stored, account));
        let (id, now) = (blob(account.as_bytes()), Clock::System.now().as_millisecond());
        let number_sealed = sealed(Account::number_place(&account), number.e164().as_bytes());
        let name_sealed = sealed(Device::name_place(&device), b"Phone");
        let (device, secret) = (blob(device.as_bytes()), blob(PlainSecret::random().hash().as_bytes()));
        tables.accounts.push(format!("({id}, {index}, {number_sealed}, {now}, {now})"));
        tables.numbers.push(format!("({index}, {id})"));
        tables
            .devices
            .push(format!("({device}, {id}, {index}, {secret}, {name_sealed}, 'android', {now}, {now}, 1)"));
        tables.directory.push(format!("(1, {}, {id}, {tag})", blob(stored.as_bytes())));
    }
}

/// Rows as SQL.
#[derive(Default)]
struct Tables {
    accounts: Vec<String>,
    numbers: Vec<String>,
    devices: Vec<String>,
    directory: Vec<String>,
}

impl Tables {
    /// One transaction.
    fn statements(&self) -> String {
        let mut statements = "BEGIN;\n".to_owned();
        for (table, rows) in [
            (
                "accounts (account_id, number_index, number_sealed, discoverable_since, created_at)",
                &self.accounts,
            ),
            ("numbers (number_index, account_id)", &self.numbers),
            (
                "devices (device_id, account_id, number_index, secret_hash, name_sealed, platform, created_at, \
                 last_seen_at, key_version)",
                &self.devices,
            ),
            ("directory (epoch_id, handle, account_id, tag)", &self.directory),
        ] {
            let _written = writeln!(statements, "INSERT INTO {table} VALUES {};", rows.join(", "));
        }
        statements + "COMMIT;"
    }
}
