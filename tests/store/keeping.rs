//! The schema, the marks of keys, the epochs.

use super::fixtures::{Database, at, contract};
use crate::engine::Engine;
use tuttu::store::{KeyFingerprint, SealedEpoch};

#[tokio::test]
async fn an_empty_database_says_how_far_it_is_behind_and_migrating_twice_is_harmless() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::empty(engine).await;
        assert!(database.store.pending_migrations().await.unwrap() > 0);
        database.store.migrate().await.unwrap();
        database.store.migrate().await.unwrap();
        assert_eq!(database.store.pending_migrations().await.unwrap(), 0);
        database.store.ping().await.unwrap();
        assert_eq!(database.store.engine(), if engine == Engine::Sqlite { "sqlite" } else { "postgres" });
        database.end().await;
    }
}

contract!(a_mark_of_a_key_stays_as_it_was_first_made, |store| {
    let mark =
        |byte: u8| KeyFingerprint { purpose: "code_key".to_owned(), version: 1, fingerprint: vec![byte; 16] };
    assert_eq!(store.key_fingerprints().await.unwrap(), vec![]);
    store.record_key_fingerprints(&[mark(1)]).await.unwrap();
    store.record_key_fingerprints(&[mark(2)]).await.unwrap();
    assert_eq!(store.key_fingerprints().await.unwrap(), vec![mark(1)]);
});

contract!(of_epochs_the_live_ones_are_listed_newest_first_and_the_first_writer_wins, |store| {
    let epoch = |id: u32, from: i64, until: Option<i64>, byte: u8| SealedEpoch {
        id,
        algorithm: "blake3-keyed-128".to_owned(),
        pepper_sealed: vec![byte],
        valid_from: at(from),
        valid_until: until.map(at),
    };
    store.add_epoch(&epoch(1, 0, Some(100), 1)).await.unwrap();
    store.add_epoch(&epoch(1, 0, None, 9)).await.unwrap();
    store.add_epoch(&epoch(2, 50, None, 2)).await.unwrap();
    let mut live = Vec::new();
    for second in [0, 49, 50, 99, 100] {
        let epochs = store.live_epochs(at(second)).await.unwrap();
        live.push(epochs.iter().map(|epoch| (epoch.id, epoch.pepper_sealed[0])).collect::<Vec<_>>());
    }
    let (first, second) = ((1, 1), (2, 2));
    assert_eq!(live, vec![vec![first], vec![first], vec![second, first], vec![second, first], vec![second]]);
});
