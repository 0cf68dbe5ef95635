//! The bounded cache.

use super::keys::{Key, Random, clustered, found, spread};
use std::collections::HashMap;
use tuttu::directory::Cache;
use tuttu::directory::Hits;

fn ask(cache: &Cache, keys: &[Key]) -> (HashMap<Key, Key>, Vec<u32>) {
    let (mut hits, mut missing) = (Hits::new(keys.len()), Vec::new());
    cache.find(keys, 0, &mut hits, &mut missing);
    assert_eq!(hits.accounts().len() + missing.len(), keys.len());
    (found(keys, &hits), missing)
}

#[test]
fn what_is_kept_is_found_and_the_rest_is_missing() {
    let cache = Cache::with_bytes(1 << 20).unwrap();
    let keys: Vec<Key> = (0..300).map(spread).collect();
    let kept: Vec<_> = keys.iter().step_by(2).map(|key| (*key, [9; 16])).collect();
    cache.insert(&kept);
    let (found, missing) = ask(&cache, &keys);
    assert_eq!(found, kept.into_iter().collect());
    assert_eq!(missing, (0..300).filter(|bit| bit % 2 == 1).collect::<Vec<_>>());
}

#[test]
fn what_is_forgotten_is_missing() {
    let cache = Cache::with_bytes(1 << 20).unwrap();
    let keys: Vec<Key> = (0..100).map(spread).collect();
    cache.insert(&keys.iter().map(|key| (*key, *key)).collect::<Vec<_>>());
    cache.remove(&keys);
    assert_eq!(ask(&cache, &keys).1.len(), keys.len());
    assert!(cache.is_empty());
}

#[test]
fn a_full_cache_answers_only_what_was_put_last() {
    let cache = Cache::with_bytes(100_000).unwrap();
    let (mut last, mut random) = (HashMap::new(), Random(1));
    for _ in 0..50_000 {
        let (key, account) = (spread(random.next() % 20_000), spread(random.next()));
        cache.insert(&[(key, account)]);
        last.insert(key, account);
    }
    let keys: Vec<Key> = last.keys().copied().collect();
    let (found, _) = ask(&cache, &keys);
    assert!(found.iter().all(|(key, account)| last[key] == *account));
    assert_eq!(found.len(), cache.len());
    assert!(cache.bytes() <= 100_000 && found.len() * 34 > 90_000, "{} of {}", found.len(), cache.bytes());
}

#[test]
fn a_bucket_of_equal_prefixes_never_spills() {
    let cache = Cache::with_bytes(100_000).unwrap();
    let keys: Vec<Key> = (0..200).map(|number| clustered(7, 8, number)).collect();
    for key in &keys {
        cache.insert(&[(*key, *key)]);
    }
    assert_eq!(ask(&cache, &keys).0.len(), 31);
}
