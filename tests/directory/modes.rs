//! Every mode answers alike, whatever it is asked: `scripts/prove directory` asks for ten million handles.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tuttu::clock::Clock;
use tuttu::config::{Config, DirectoryMode};
use tuttu::directory::{Directory, Hits};
use tuttu::epochs::Epochs;
use tuttu::model::handle::Handle;
use tuttu::model::handle_set::HandleSet;
use tuttu::model::id::AccountId;
use tuttu::model::keys::{Keys, Purpose, SecretKey};
use tuttu::store::{DatabaseUrl, Store};

const EPOCH: u32 = 1;
/// Handles of one request.
const BATCH: u64 = 10_000;

/// As good as random, and the same in every run.
fn handle(place: u64) -> [u8; 16] {
    let mut handle = [0; 16];
    handle.copy_from_slice(&blake3::hash(&place.to_le_bytes()).as_bytes()[..16]);
    handle
}

pub(super) fn keys() -> Arc<Keys> {
    let keys: BTreeMap<_, _> = Purpose::ALL
        .into_iter()
        .zip(1..)
        .map(|(purpose, byte)| (purpose, SecretKey::new(1, [byte; 32])))
        .collect();
    Arc::new(Keys::new(&keys).unwrap())
}

/// The first `users` handles, as if so many people were listed.
pub(super) async fn write(file: &Path, keys: &Keys, users: u64) {
    let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    for user in 0..users {
        let stored = keys.directory(EPOCH).store_handle(Handle::from_bytes(handle(user)));
        let account = AccountId::random();
        sqlx::query("INSERT INTO directory (epoch_id, handle, account_id, tag) VALUES ($1, $2, $3, $4)")
            .bind(i64::from(EPOCH))
            .bind(stored.as_bytes().as_slice())
            .bind(account.as_bytes().as_slice())
            .bind(keys.directory(EPOCH).tag(EPOCH, stored, account).as_slice())
            .execute(&mut *transaction)
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
}

/// A third users, the rest strangers, ascending.
pub(super) fn batch(number: u64, users: u64) -> Vec<[u8; 16]> {
    let place = |at: u64| if at.is_multiple_of(3) { at / 3 % users } else { users + at };
    let mut handles: Vec<_> = (number * BATCH..(number + 1) * BATCH).map(|at| handle(place(at))).collect();
    handles.sort_unstable();
    handles.dedup();
    handles
}

pub(super) async fn ask(directory: &Directory, epoch: u32, handles: &[[u8; 16]]) -> Hits {
    directory.catch_up().await.unwrap();
    let (known, new) = handles.split_at(handles.len() / 2);
    directory.find(epoch, HandleSet::new(known).unwrap(), HandleSet::new(new).unwrap()).await.unwrap()
}

#[tokio::test]
async fn every_mode_answers_random_handles_alike() {
    let (users, batches) =
        if std::env::var_os("TUTTU_PROVE").is_some() { (1_000_000, 1_000) } else { (20_000, 20) };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tuttu.db");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", file.display())).unwrap();
    let store = Store::connect(&url, true, 8).await.unwrap();
    store.migrate().await.unwrap();
    let keys = keys();
    Epochs::open(&store, &keys, Timestamp::UNIX_EPOCH).await.unwrap();
    write(&file, &keys, users).await;
    let mut directories = Vec::new();
    for mode in [DirectoryMode::Database, DirectoryMode::Complete, DirectoryMode::Filter] {
        let mut config = Config::default();
        config.directory.mode = mode;
        let directory = Arc::new(Directory::new(store.clone(), keys.clone(), &config, Clock::System));
        directory.fill(&[EPOCH]).await.unwrap();
        directories.push(directory);
    }
    let (mut asked, mut found) = (0, 0);
    for number in 0..batches {
        let handles = batch(number, users);
        let truth = ask(&directories[0], EPOCH, &handles).await;
        for directory in &directories[1..] {
            assert!(ask(directory, EPOCH, &handles).await == truth, "batch {number}");
        }
        // Once more, now that the filter's cache holds what was found.
        assert!(ask(&directories[2], EPOCH, &handles).await == truth, "batch {number} again");
        (asked, found) = (asked + handles.len(), found + truth.accounts().len());
    }
    println!(
        "| {asked} handles, {users} users | database, complete, filter, filter with a warm cache | alike: {found} found |"
    );
    assert!(found > asked / 4);
}
