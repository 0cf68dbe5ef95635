//! A whole directory in a new epoch, beside lookups: `scripts/prove rotation` takes ten million accounts.

use super::modes::{ask, keys};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tuttu::clock::Clock;
use tuttu::config::{Config, DirectoryMode};
use tuttu::directory::Directory;
use tuttu::epochs::Epochs;
use tuttu::model::account::Account;
use tuttu::model::epoch::Epoch;
use tuttu::model::handle::{Handle, Pepper};
use tuttu::model::id::AccountId;
use tuttu::model::keys::Keys;
use tuttu::model::number::PhoneNumber;
use tuttu::model::sealed::seal;
use tuttu::rotation::{Rotation, begin};
use tuttu::store::{AccountChange, DatabaseUrl, Listing, Store};

const ROWS: u32 = 1_000;
/// A lookup every 10 ms: what is measured is the epoch, not how fast lookups are.
const BETWEEN: Duration = Duration::from_millis(10);
/// Accounts that are asked for all the while.
const ASKED: u32 = 1_000;
/// The next ones hide meanwhile.
const HIDDEN: u32 = 500;

fn number(place: u32) -> PhoneNumber {
    PhoneNumber::stored(&format!("+3584{place:08}")).unwrap()
}

fn account(place: u32) -> AccountId {
    AccountId::from_bytes(*blake3::hash(&place.to_le_bytes()).as_bytes().first_chunk().unwrap())
}

/// The handles of those who are asked for, in an epoch, ascending.
fn asked(pepper: &Pepper) -> Vec<[u8; 16]> {
    let mut handles: Vec<_> =
        (0..ASKED).map(|place| *Handle::derive(pepper, &number(place)).as_bytes()).collect();
    handles.sort_unstable();
    handles
}

/// Discoverable accounts, each with its row in the epoch that is live.
async fn write(file: &Path, keys: &Keys, pepper: &Pepper, accounts: u32) {
    let options = SqliteConnectOptions::new().filename(file).journal_mode(SqliteJournalMode::Wal);
    let mut connection = options.synchronous(SqliteSynchronous::Off).connect().await.unwrap();
    let mut listed = Vec::new();
    for first in (0..accounts).step_by(ROWS as usize) {
        let places = first..accounts.min(first + ROWS);
        let rows = vec!["(?, ?, ?, 1, 1)"; places.len()].join(", ");
        let insert = format!(
            "INSERT INTO accounts (account_id, number_index, number_sealed, discoverable_since, created_at) VALUES {rows}"
        );
        let mut insert = sqlx::query(AssertSqlSafe(insert));
        for place in places {
            let (id, number) = (account(place), number(place));
            let sealed = seal(keys.number(), &Account::number_place(&id), number.e164().as_bytes()).unwrap();
            let index = keys.number_index(&number).as_bytes().to_vec();
            insert = insert.bind(id.as_bytes().to_vec()).bind(index).bind(sealed);
            listed.push((keys.directory(1).store_handle(Handle::derive(pepper, &number)), id));
        }
        insert.execute(&mut connection).await.unwrap();
    }
    // In the order of the table, which it is written in many times faster.
    listed.sort_unstable();
    for listed in listed.chunks(ROWS as usize) {
        let rows = vec!["(1, ?, ?, ?)"; listed.len()].join(", ");
        let insert = format!("INSERT INTO directory (epoch_id, handle, account_id, tag) VALUES {rows}");
        let mut insert = sqlx::query(AssertSqlSafe(insert));
        for (handle, id) in listed {
            let tag = keys.directory(1).tag(1, *handle, *id).to_vec();
            insert = insert.bind(handle.as_bytes().to_vec()).bind(id.as_bytes().to_vec()).bind(tag);
        }
        insert.execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// Hides people one by one while the newest epoch is being written.
async fn hide(store: &Store, keys: &Keys, epochs: &Epochs) {
    let mut turns = interval(BETWEEN / 5);
    for place in ASKED..ASKED + HIDDEN {
        turns.tick().await;
        let stored = |epoch: &Epoch| {
            let handle = Handle::derive_stored(&epoch.pepper, number(place).e164()).unwrap();
            (epoch.id, keys.directory(epoch.id).store_handle(handle))
        };
        let listing = Listing::Hidden(epochs.known().iter().map(stored).collect());
        let hidden = store.set_visibility(account(place), None, &listing, Clock::System.now()).await.unwrap();
        assert_eq!(hidden, AccountChange::Done(()));
    }
}

/// A node with every row of the first epoch in memory.
async fn complete(store: &Store, keys: &Arc<Keys>) -> Arc<Directory> {
    let mut config = Config::default();
    config.directory.mode = DirectoryMode::Complete;
    let directory = Arc::new(Directory::new(store.clone(), keys.clone(), &config, Clock::System));
    directory.fill(&[1]).await.unwrap();
    directory
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_gets_a_row_in_a_new_epoch_beside_lookups() {
    let accounts = if std::env::var_os("TUTTU_PROVE").is_some() { 10_000_000 } else { 6_000 };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tuttu.db");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", file.display())).unwrap();
    let store = Store::connect(&url, true, 8).await.unwrap();
    store.migrate().await.unwrap();
    let (keys, clock) = (keys(), Clock::System);
    let epochs = Epochs::open(&store, &keys, clock.now()).await.unwrap();
    let pepper = epochs.live(clock.now())[0].pepper.clone();
    write(&file, &keys, &pepper, accounts).await;
    let directory = complete(&store, &keys).await;
    let rotation =
        Rotation::new(store.clone(), keys.clone(), epochs.clone(), directory.clone(), clock.clone());

    let (over, lookups) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let handles = asked(&pepper);
    let asking = {
        let (over, lookups, directory) = (over.clone(), lookups.clone(), directory.clone());
        TaskTracker::new().spawn(async move {
            let mut turns = interval(BETWEEN);
            while !over.load(Ordering::SeqCst) {
                turns.tick().await;
                let found = ask(&directory, 1, &handles).await;
                assert_eq!(found.accounts().len(), handles.len(), "nobody is missed");
                lookups.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    assert_eq!(begin(&store, &keys, true, clock.now()).await.unwrap(), 2);
    let begun = Instant::now();
    epochs.reload(clock.now()).await.unwrap();
    let stop = CancellationToken::new();
    let (tended, ()) = futures_util::future::join(rotation.tend(&stop), hide(&store, &keys, &epochs)).await;
    tended.unwrap();
    let prepared = begun.elapsed();
    let begun = Instant::now();
    directory.fill(&[1, 2]).await.unwrap();
    rotation.tend(&stop).await.unwrap();
    let filled = begun.elapsed();
    over.store(true, Ordering::SeqCst);
    asking.await.unwrap();

    let next = epochs.known().first().unwrap().clone();
    assert!(next.id == 2 && next.life.valid_from.is_some(), "it begins: {:?}", next.life);
    assert_eq!(store.directory_size(2).await.unwrap(), u64::from(accounts - HIDDEN));
    assert_eq!(ask(&directory, 2, &asked(&next.pepper)).await.accounts().len(), ASKED as usize);
    println!(
        "| {accounts} accounts | rows written in {:.1} s, read into the view in {:.1} s | {} lookups of {ASKED} handles meanwhile, none wrong |",
        prepared.as_secs_f64(),
        filled.as_secs_f64(),
        lookups.load(Ordering::SeqCst),
    );
}
