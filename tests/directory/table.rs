//! The table against a standard map.

use super::keys::{Key, Random, assert_same, change, clustered, found, spread};
use proptest::prelude::*;
use std::collections::HashMap;
use tuttu::directory::{Hits, Table};

/// Makes random changes to both, two of three of them insertions, of keys out of so many.
fn churn(table: &Table, map: &mut HashMap<Key, Key>, changes: u64, key: impl Fn(&mut Random) -> Key) {
    let mut random = Random(7);
    let mut run = Vec::new();
    for _ in 0..changes {
        let (key, dice) = (key(&mut random), random.next());
        let account = (dice % 3 != 0).then(|| spread(dice));
        match account {
            Some(account) => map.insert(key, account),
            None => map.remove(&key),
        };
        run.push(change(key, account));
        if dice % 1_000 < 5 {
            table.apply(&run).unwrap();
            run.clear();
        }
    }
    table.apply(&run).unwrap();
}

#[test]
fn random_changes_leave_what_they_leave_in_a_standard_map() {
    let (table, mut map) = (Table::with_capacity(0).unwrap(), HashMap::new());
    churn(&table, &mut map, 400_000, |random| spread(random.next() % 150_000));
    assert!(map.len() > 50_000);
    assert_same(&table, &map, (0..200_000).map(spread));
}

#[test]
fn keys_that_belong_in_one_bucket_are_all_found() {
    for same in [2, 7, 8] {
        for first in [0, 0x5a, 0xff] {
            let (table, mut map) = (Table::with_capacity(1_000).unwrap(), HashMap::new());
            churn(&table, &mut map, 3_000, |random| clustered(first, same, random.next() % 1_500));
            assert_same(&table, &map, (0..3_000).map(|number| clustered(first, same, number)));
        }
    }
}

#[test]
fn the_ends_of_the_range_are_found() {
    let table = Table::with_capacity(10).unwrap();
    let mut map = HashMap::new();
    for key in [[0; 16], [0xff; 16], u128::to_be_bytes(1), u128::to_be_bytes(u128::MAX - 1)] {
        table.apply(&[change(key, Some(key))]).unwrap();
        map.insert(key, key);
    }
    assert_same(&table, &map, std::iter::empty());
}

#[test]
fn a_batch_in_any_order_and_with_repetitions_is_answered() {
    let table = Table::with_capacity(1_000).unwrap();
    let run: Vec<_> = (0..1_000).map(|number| change(spread(number), Some(spread(number + 1)))).collect();
    table.apply(&run).unwrap();
    let mut random = Random(3);
    let keys: Vec<Key> = (0..2_000).map(|_| spread(random.next() % 2_000)).collect();
    let mut hits = Hits::new(keys.len());
    table.find(&keys, 0, &mut hits);
    let expected = (0..1_000).map(|number| (spread(number), spread(number + 1)));
    assert_eq!(found(&keys, &hits), expected.filter(|(key, _)| keys.contains(key)).collect());
}

#[test]
fn a_batch_in_parts_sets_the_bits_of_the_whole() {
    let table = Table::with_capacity(100).unwrap();
    let mut keys: Vec<Key> = (0..200).map(spread).collect();
    keys.sort_unstable();
    let run: Vec<_> = keys.iter().step_by(3).map(|key| change(*key, Some(*key))).collect();
    table.apply(&run).unwrap();
    let (mut whole, mut parts) = (Hits::new(200), Hits::new(200));
    table.find(&keys, 0, &mut whole);
    for (part, keys) in keys.chunks(77).enumerate() {
        table.find(keys, part * 77, &mut parts);
    }
    assert_eq!(whole, parts);
    assert_eq!(whole.accounts().len(), 67);
}

#[test]
fn a_user_takes_at_most_sixty_bytes_before_and_after_growth() {
    let table = Table::with_capacity(100_000).unwrap();
    for part in 0..30 {
        let run: Vec<_> =
            (part * 10_000..(part + 1) * 10_000).map(|n| change(spread(n), Some([1; 16]))).collect();
        table.apply(&run).unwrap();
        let users = table.len();
        assert!(users < 100_000 || table.bytes() < 61 * users, "{} bytes for {users} users", table.bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_changes_leave_what_they_leave_in_a_standard_map(
        changes in prop::collection::vec((0..4_u8, 0..9_usize, 0..300_u64, any::<Option<u8>>()), 0..1_500),
        capacity in 0..500_usize,
    ) {
        let (table, mut map) = (Table::with_capacity(capacity).unwrap(), HashMap::new());
        for (first, same, number, account) in changes {
            let key = clustered(first.wrapping_mul(85), same, number);
            match account {
                Some(byte) => map.insert(key, [byte; 16]),
                None => map.remove(&key),
            };
            table.apply(&[change(key, account.map(|byte| [byte; 16]))]).unwrap();
        }
        assert_same(&table, &map, (0..300).map(|number| clustered(85, 4, number)));
    }
}
