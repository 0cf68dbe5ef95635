//! Keys that are random, and keys that are as bad as can be.

use std::collections::HashMap;
use tuttu::directory::{Hits, Table};
use tuttu::model::handle::Handle;
use tuttu::model::id::AccountId;

pub(super) type Key = [u8; 16];

/// Random numbers that are the same in every run: `SplitMix64`.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The key of a number, anywhere in the range.
pub(super) fn spread(number: u64) -> Key {
    let mut random = Random(number << 8);
    let mut key = [0; 16];
    key[..8].copy_from_slice(&random.next().to_be_bytes());
    key[8..].copy_from_slice(&random.next().to_be_bytes());
    key
}

/// The key of a number; all begin with the same bytes, so that they belong in the same bucket.
pub(super) fn clustered(first: u8, same: usize, number: u64) -> Key {
    let mut key = spread(number);
    key[..same].fill(first);
    key
}

pub(super) fn change(key: Key, account: Option<Key>) -> (Handle, Option<AccountId>) {
    (Handle::from_bytes(key), account.map(AccountId::from_bytes))
}

/// What a batch finds, by the key found.
pub(super) fn found(keys: &[Key], hits: &Hits) -> HashMap<Key, Key> {
    let there = |bit: &usize| hits.bitmap()[bit / 8] >> (bit % 8) & 1 == 1;
    let bits: Vec<usize> = (0..keys.len()).filter(there).collect();
    assert_eq!(bits.len(), hits.accounts().len());
    bits.iter().map(|bit| keys[*bit]).zip(hits.accounts().iter().copied()).collect()
}

/// Fails unless the table answers as the map does, for all its keys and as many strangers, and shows the same.
pub(super) fn assert_same(table: &Table, map: &HashMap<Key, Key>, strangers: impl Iterator<Item = Key>) {
    let mut keys: Vec<Key> = map.keys().copied().chain(strangers).collect();
    keys.sort_unstable();
    keys.dedup();
    for keys in keys.chunks(1_000) {
        let mut hits = Hits::new(keys.len());
        table.find(keys, 0, &mut hits);
        let expected = keys.iter().filter_map(|key| map.get(key).map(|account| (*key, *account))).collect();
        assert_eq!(found(keys, &hits), expected);
    }
    let mut shown = HashMap::new();
    let visit = |entries: &mut dyn Iterator<Item = (Handle, AccountId)>| {
        for (handle, account) in entries {
            assert_eq!(shown.insert(*handle.as_bytes(), *account.as_bytes()), None, "shown twice");
        }
        Ok::<_, ()>(())
    };
    table.for_each_shard(visit).unwrap();
    assert_eq!(&shown, map);
    assert_eq!(table.len(), map.len());
}
