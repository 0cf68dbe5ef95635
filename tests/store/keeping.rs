//! The schema and the marks of keys.

use super::fixtures::{Database, contract};
use crate::engine::Engine;
use std::time::Duration;
use tuttu::model::key_life::KeyLife;
use tuttu::store::{KeyFingerprint, KeyMark};

#[tokio::test]
async fn an_empty_database_says_how_far_it_is_behind_and_migrating_twice_is_harmless() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::empty(engine).await;
        assert!(database.store.pending_migrations().await.unwrap() > 0);
        database.store.migrate().await.unwrap();
        database.store.migrate_within(Duration::ZERO).await.unwrap();
        assert_eq!(database.store.pending_migrations().await.unwrap(), 0);
        database.store.ping().await.unwrap();
        assert_eq!(database.store.engine(), if engine == Engine::Sqlite { "sqlite" } else { "postgres" });
        database.end().await;
    }
}

contract!(a_mark_of_a_key_stays_as_it_was_first_made, |store| {
    let mark =
        |byte: u8| KeyFingerprint { purpose: "code_key".to_owned(), version: 1, fingerprint: vec![byte; 16] };
    assert_eq!(store.key_marks().await.unwrap(), vec![]);
    store.record_key_fingerprints(&[mark(1)], b"one").await.unwrap();
    store.record_key_fingerprints(&[mark(2)], b"two").await.unwrap();
    let expected = KeyMark { key: mark(1), life: KeyLife::default() };
    assert_eq!(store.key_marks().await.unwrap(), vec![expected]);
    assert_eq!(store.index_secret().await.unwrap(), Some(b"one".to_vec()));
});
