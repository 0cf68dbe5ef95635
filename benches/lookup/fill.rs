//! A SQLite database with so many people in its directory, kept between runs.

use crate::people;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tuttu::epochs::Epochs;
use tuttu::key_file;
use tuttu::model::device_token::DeviceToken;
use tuttu::model::handle::Handle;
use tuttu::model::id::{AccountId, DeviceId};
use tuttu::model::keys::Keys;
use tuttu::store::{DatabaseUrl, Store};

/// The epoch of every handle.
pub(crate) const EPOCH: u32 = 1;
/// One for each connection under load.
const DEVICES: u64 = 64;
const ROWS: usize = 1_000;
const TOKENS: &str = "tokens";

/// A directory that servers can be started on.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) users: u64,
    pub(crate) folder: PathBuf,
    /// The token of every device, each of an account of its own.
    pub(crate) tokens: Vec<String>,
}

impl Filled {
    pub(crate) fn database_url(&self) -> String {
        format!("sqlite://{}", self.folder.join("tuttu.db").display())
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.join("keys.toml")
    }

    pub(crate) async fn store(&self) -> Store {
        Store::connect(&DatabaseUrl::parse(&self.database_url()).unwrap(), true, 8).await.unwrap()
    }

    pub(crate) async fn keys(&self, store: &Store) -> Arc<Keys> {
        key_file::open(&self.key_file(), store).await.unwrap().into()
    }
}

/// The directory of so many users, filled if it is not there.
#[tokio::main]
pub(crate) async fn open(users: u64) -> Filled {
    let folder = crate::folder().join(users.to_string());
    let mut filled = Filled { users, folder, tokens: Vec::new() };
    if let Ok(tokens) = fs::read_to_string(filled.folder.join(TOKENS)) {
        filled.tokens = tokens.lines().map(str::to_owned).collect();
        filled.store().await.migrate().await.unwrap();
        return filled;
    }
    let begun = Instant::now();
    let _half_filled = fs::remove_dir_all(&filled.folder);
    fs::create_dir_all(&filled.folder).unwrap();
    let store = filled.store().await;
    store.migrate().await.unwrap();
    let keys = filled.keys(&store).await;
    Epochs::open(&store, &keys, Timestamp::now()).await.unwrap();
    store.close().await;
    let mut connection = in_a_hurry(&filled.folder.join("tuttu.db")).await;
    write_directory(&mut connection, &rows(&keys, users)).await;
    filled.tokens = write_devices(&mut connection, &keys).await;
    connection.close().await.unwrap();
    fs::write(filled.folder.join(TOKENS), filled.tokens.join("\n")).unwrap();
    eprintln!("filled a directory of {users} users in {:.0?}", begun.elapsed());
    filled
}

/// What is lost if this ends early is filled again.
async fn in_a_hurry(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).pragma("cache_size", "-262144");
    let options = options.journal_mode(SqliteJournalMode::Off).synchronous(SqliteSynchronous::Off);
    options.connect().await.unwrap()
}

/// Handle as it is stored, account, tag.
pub(crate) type Row = ([u8; 16], [u8; 16], [u8; 8]);

/// Every entry of the directory, in the order of the table.
pub(crate) fn rows(keys: &Keys, users: u64) -> Vec<Row> {
    let row = |user| {
        let stored = keys.directory(EPOCH).store_handle(Handle::from_bytes(people::handle(user)));
        let account = people::account(user);
        (
            *stored.as_bytes(),
            account,
            keys.directory(EPOCH).tag(EPOCH, stored, AccountId::from_bytes(account)),
        )
    };
    let mut rows: Vec<Row> = (0..users).map(row).collect();
    rows.sort_unstable();
    rows
}

async fn write_directory(connection: &mut SqliteConnection, rows: &[Row]) {
    let mut transaction = connection.begin().await.unwrap();
    for rows in rows.chunks(ROWS) {
        let places = vec!["(1, ?, ?, ?)"; rows.len()].join(", ");
        let insert = format!("INSERT INTO directory (epoch_id, handle, account_id, tag) VALUES {places}");
        let mut insert = sqlx::query(sqlx::AssertSqlSafe(insert));
        for (handle, account, tag) in rows {
            insert = insert.bind(&handle[..]).bind(&account[..]).bind(&tag[..]);
        }
        insert.execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// Devices that may ask. What is sealed of them is not: no lookup reads it.
async fn write_devices(connection: &mut SqliteConnection, keys: &Keys) -> Vec<String> {
    const ACCOUNT: &str = "INSERT INTO accounts (account_id, number_index, number_sealed, created_at) VALUES ($1, $2, x'00', $3)";
    const DEVICE: &str = "INSERT INTO devices
        (device_id, account_id, number_index, secret_hash, name_sealed, platform, created_at, last_seen_at)
        VALUES ($1, $2, $3, $4, x'00', 'other', $5, $5)";
    let now = Timestamp::now().as_millisecond();
    let mut tokens = Vec::new();
    for device in 0..DEVICES {
        let token = DeviceToken::random(DeviceId::random(), keys.token());
        let (account, number) = (people::account(device), [people::handle(device); 2].concat());
        let of_account = sqlx::query(ACCOUNT).bind(&account[..]).bind(&number).bind(now);
        of_account.execute(&mut *connection).await.unwrap();
        let (id, secret) = (token.device(), token.secret().hash());
        let of_device = sqlx::query(DEVICE).bind(&id.as_bytes()[..]).bind(&account[..]).bind(&number);
        of_device.bind(&secret.as_bytes()[..]).bind(now).execute(&mut *connection).await.unwrap();
        tokens.push(token.expose());
    }
    tokens
}
