//! The snapshot file: what fits is believed, and what does not is only a loss of time.

use super::modes::{ask, batch, keys, write};
use jiff::Timestamp;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tuttu::clock::Clock;
use tuttu::config::{ByteSize, Config, DirectoryMode};
use tuttu::directory::Directory;
use tuttu::epochs::Epochs;
use tuttu::model::keys::{Keys, Purpose, SecretKey};
use tuttu::store::{DatabaseUrl, Store};

/// Enough for several segments.
const USERS: u64 = 100_000;

/// A database whose rows are gone, and the snapshot that was written before.
struct Place {
    folder: TempDir,
    store: Store,
    keys: Arc<Keys>,
    clock: Clock,
    config: Config,
}

impl Place {
    async fn prepared() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tuttu.db");
        let url = DatabaseUrl::parse(&format!("sqlite://{}", file.display())).unwrap();
        let store = Store::connect(&url, true, 8).await.unwrap();
        store.migrate().await.unwrap();
        let (keys, clock) = (keys(), Clock::fixed(Timestamp::from_second(1_800_000_000).unwrap()));
        Epochs::open(&store, &keys, clock.now()).await.unwrap();
        write(&file, &keys, USERS).await;
        let mut config = Config::default();
        config.directory.mode = DirectoryMode::Complete;
        config.directory.snapshot = Some(folder.path().join("snapshot"));
        let place = Self { folder, store, keys, clock, config };
        let directory = place.directory().await;
        directory.save_snapshot().await.unwrap();
        let mut connection = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
        // Behind the feed's back: what is found from now on was in the snapshot.
        sqlx::query("DELETE FROM directory").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        place
    }

    fn snapshot(&self) -> PathBuf {
        self.folder.path().join("snapshot")
    }

    /// A node that starts now.
    async fn directory(&self) -> Arc<Directory> {
        let directory =
            Directory::new(self.store.clone(), self.keys.clone(), &self.config, self.clock.clone());
        let directory = Arc::new(directory);
        directory.fill(&[1]).await.unwrap();
        assert!(directory.is_ready());
        directory
    }

    async fn found(&self) -> usize {
        ask(&*self.directory().await, 1, &batch(0, USERS)).await.accounts().len()
    }
}

#[tokio::test]
async fn what_was_known_is_known_after_a_restart_without_the_rows() {
    let place = Place::prepared().await;
    assert_eq!(place.found().await, 3_334, "a third of what is asked");
    place.clock.advance(Duration::from_hours(12));
    assert_eq!(place.found().await, 3_334, "half a day later");
    let bytes = std::fs::read(place.snapshot()).unwrap();
    let user = batch(0, USERS)[0];
    assert!(!bytes.windows(16).any(|window| window == user), "it shows no handle");
}

#[tokio::test]
async fn a_file_that_was_cut_or_altered_anywhere_is_not_believed() {
    let place = Place::prepared().await;
    let whole = std::fs::read(place.snapshot()).unwrap();
    for part in 0..8 {
        std::fs::write(place.snapshot(), &whole[..whole.len() * part / 8]).unwrap();
        assert_eq!(place.found().await, 0, "cut after {part} eighths");
        let mut altered = whole.clone();
        altered[whole.len() * part / 8 + 40] ^= 1;
        std::fs::write(place.snapshot(), &altered).unwrap();
        assert_eq!(place.found().await, 0, "altered after {part} eighths");
    }
    // Its last segment is missing, and nothing is broken in what is left.
    let mut ends = 32;
    let mut last = ends;
    while ends < whole.len() {
        last = ends;
        ends += 4 + u32::from_le_bytes(*whole[ends..].first_chunk().unwrap()) as usize;
    }
    std::fs::write(place.snapshot(), &whole[..last]).unwrap();
    assert_eq!(place.found().await, 0, "without its end");
    std::fs::write(place.snapshot(), &whole).unwrap();
    assert_eq!(place.found().await, 3_334, "the whole file again");
}

#[tokio::test]
async fn a_file_of_another_key_time_or_database_is_not_believed() {
    let mut place = Place::prepared().await;
    let own = place.keys.clone();
    let others: BTreeMap<_, _> =
        Purpose::ALL.into_iter().map(|purpose| (purpose, SecretKey::new(1, [99; 32]))).collect();
    place.keys = Arc::new(Keys::new(&others).unwrap());
    assert_eq!(place.found().await, 0, "of other keys");
    place.keys = own;
    place.config.directory.mode = DirectoryMode::Auto;
    place.config.directory.memory = ByteSize::mebibytes(1);
    assert_eq!(place.found().await, 0, "larger than the memory");
    place.config.directory.mode = DirectoryMode::Filter;
    assert_eq!(place.found().await, 0, "where only a filter is wanted");
    place.config.directory.mode = DirectoryMode::Complete;
    assert_eq!(place.found().await, 3_334);
    place.store.begin_anew([5; 16], None, jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(place.found().await, 0, "of a database that was restored");

    let place = Place::prepared().await;
    place.clock.advance(Duration::from_hours(13));
    assert_eq!(place.found().await, 0, "older than the feed is sure to be");
}
