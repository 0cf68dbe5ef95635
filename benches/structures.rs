//! What it costs to look a handle up in memory: `cargo bench --bench structures [-- users...]`.
//!
//! Batches of 1 000 ascending handles, some of them there, are asked of every structure in turns, so that all
//! meet the same noise. Times are of the processor, medians over the rounds. Those that tell accounts answer
//! with the same bitmap and accounts; the filters only count.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark fails by panicking and prints what it measured"
)]

use bloomfilter::Bloom;
use fastbloom::{AtomicBloomFilter, BloomFilter};
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;
use std::sync::RwLock;
use tuttu::directory::{Cache, Filter, Hits, Table};
use tuttu::model::handle::Handle;
use tuttu::model::id::AccountId;
use tuttu::model::keys::StoredHandle;

const BATCH: usize = 1_000;
const BATCHES: usize = 200;
const ROUNDS: usize = 11;
const HIT_PERCENTS: [u64; 2] = [5, 30];
/// Above so many users, what takes hundreds of bytes for each is left out.
const MOST_OF_MOKA: u64 = 10_000_000;

type Key = [u8; 16];
/// Answers how many of a batch are there.
type Ask = Box<dyn Fn(&[Key]) -> usize>;

struct Subject {
    name: &'static str,
    bytes: u64,
    ask: Ask,
}

/// Passes on what is random already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u128(&mut self, key: u128) {
        self.0 = first_half(&key.to_be_bytes());
    }
}

fn first_half(key: &Key) -> u64 {
    u64::from_be_bytes(key[..8].try_into().unwrap())
}

/// `SplitMix64` of Steele and others, <https://doi.org/10.1145/2714064.2660195>.
fn mix(index: u64) -> u64 {
    let z = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn key(user: u64) -> Key {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&mix(2 * user + 1).to_be_bytes());
    key[8..].copy_from_slice(&mix(2 * user + 2).to_be_bytes());
    key
}

fn batches(users: u64, hit_percent: u64) -> Vec<Vec<Key>> {
    let draw = |index: u64| {
        let random = mix(index ^ 0x5eed_0000_0000_0000);
        let there = mix(random) % 100 < hit_percent;
        key(if there { random % users } else { users + random % (1 << 40) })
    };
    let batch = |batch: usize| {
        let first = (batch * BATCH) as u64;
        let mut keys: Vec<Key> = (first..).map(draw).take(BATCH).collect();
        keys.sort_unstable();
        keys
    };
    (0..BATCHES).map(batch).collect()
}

fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    4096 * pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap()
}

/// Builds a structure; its size is what the process has grown by, unless it knows better.
fn subject<T: 'static>(
    name: &'static str,
    build: impl FnOnce() -> T,
    ask: impl Fn(&T, &[Key]) -> usize + 'static,
) -> Subject {
    let before = resident();
    let structure = build();
    let bytes = resident().saturating_sub(before);
    Subject { name, bytes, ask: Box::new(move |keys| ask(&structure, keys)) }
}

fn table(users: u64) -> Subject {
    let build = move || {
        let table = Table::with_capacity(usize::try_from(users).unwrap()).unwrap();
        let mut changes = Vec::new();
        for first in (0..users).step_by(100_000) {
            changes.clear();
            changes.extend((first..users.min(first + 100_000)).map(|user| {
                let key = key(user);
                (Handle::from_bytes(key), Some(AccountId::from_bytes(key)))
            }));
            changes.sort_unstable();
            table.apply(&changes).unwrap();
        }
        table
    };
    subject("Table", build, |table, keys| {
        let mut hits = Hits::new(keys.len());
        table.find(keys, 0, &mut hits);
        black_box(hits).accounts().len()
    })
}

fn hash_map(users: u64) -> Subject {
    type Map = hashbrown::HashMap<u128, u128, BuildHasherDefault<Identity>>;
    let build = move || {
        let mut map =
            Map::with_capacity_and_hasher(usize::try_from(users).unwrap(), BuildHasherDefault::default());
        map.extend((0..users).map(|user| (u128::from_be_bytes(key(user)), u128::from_be_bytes(key(user)))));
        RwLock::new(map)
    };
    subject("hashbrown, identity hash, RwLock", build, |map, keys| {
        let mut hits = Hits::new(keys.len());
        let map = map.read().unwrap();
        for (bit, key) in keys.iter().enumerate() {
            if let Some(account) = map.get(&u128::from_be_bytes(*key)) {
                hits.push(bit, account.to_be_bytes());
            }
        }
        black_box(hits).accounts().len()
    })
}

fn cache(users: u64) -> Subject {
    let build = move || {
        let cache = Cache::with_bytes(users * 62).unwrap();
        for user in 0..users {
            cache.insert(&[(key(user), key(user))]);
        }
        cache
    };
    subject("Cache, 62 bytes a user", build, |cache, keys| {
        let mut hits = Hits::new(keys.len());
        let mut missing = Vec::with_capacity(keys.len());
        cache.find(keys, 0, &mut hits, &mut missing);
        black_box((hits, missing)).0.accounts().len()
    })
}

fn moka(users: u64) -> Subject {
    let build = move || {
        let cache = moka::sync::Cache::new(users * 2);
        (0..users).for_each(|user| cache.insert(key(user), key(user)));
        cache.run_pending_tasks();
        cache
    };
    subject("moka get", build, |cache, keys| keys.iter().filter(|key| cache.get(*key).is_some()).count())
}

fn filter(users: u64) -> Subject {
    let build = move || {
        // With room for so many, and 12 bits for each.
        let filter = Filter::for_users(users * 3 / 4, 1e-9);
        (0..users).for_each(|user| filter.insert(&StoredHandle::from_bytes(key(user))));
        filter
    };
    subject("Filter, 12 bits", build, |filter, keys| {
        let stored: Vec<_> = keys.iter().map(|key| StoredHandle::from_bytes(*key)).collect();
        filter.may_hold(&stored).filter(|held| *held).count()
    })
}

fn bloomfilter(users: u64) -> Subject {
    let build = move || {
        let users = usize::try_from(users).unwrap();
        let mut bloom = Bloom::<Key>::new_for_fp_rate(users, 0.01).unwrap();
        (0..users as u64).for_each(|user| bloom.set(&key(user)));
        bloom
    };
    subject("bloomfilter, 1 %", build, |bloom, keys| keys.iter().filter(|key| bloom.check(key)).count())
}

fn fastbloom(users: u64) -> Subject {
    let build = move || {
        let users = usize::try_from(users).unwrap();
        let mut bloom = BloomFilter::with_num_bits(12 * users).expected_items(users);
        for user in 0..users as u64 {
            bloom.insert_hash(first_half(&key(user)));
        }
        bloom
    };
    subject("fastbloom, 12 bits", build, |bloom, keys| {
        keys.iter().filter(|key| bloom.contains_hash(first_half(key))).count()
    })
}

fn atomic_fastbloom(users: u64) -> Subject {
    let build = move || {
        let users = usize::try_from(users).unwrap();
        let bloom = AtomicBloomFilter::with_num_bits(12 * users).expected_items(users);
        for user in 0..users as u64 {
            bloom.insert_hash(first_half(&key(user)));
        }
        bloom
    };
    subject("fastbloom, 12 bits, atomic", build, |bloom, keys| {
        keys.iter().filter(|key| bloom.contains_hash(first_half(key))).count()
    })
}

fn processor_ns() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn measure(subjects: &[Subject], batches: &[Vec<Key>]) -> Vec<(f64, usize)> {
    let mut times = vec![Vec::new(); subjects.len()];
    let mut found = vec![0; subjects.len()];
    for _ in 0..ROUNDS {
        for (index, subject) in subjects.iter().enumerate() {
            let (ns, there) = ask_all(subject, batches);
            times[index].push(ns as f64 / (BATCH * BATCHES) as f64);
            found[index] = there;
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    };
    times.iter_mut().map(median).zip(found).collect()
}

/// The time of all batches, and what they found. The handles of a request were written just before they are
/// asked for, so each batch is copied before its time begins.
fn ask_all(subject: &Subject, batches: &[Vec<Key>]) -> (i64, usize) {
    let (mut ns, mut found) = (0, 0);
    let mut request = Vec::with_capacity(BATCH);
    for batch in batches {
        request.clear();
        request.extend_from_slice(batch);
        let begun = processor_ns();
        found += (subject.ask)(black_box(&request));
        ns += processor_ns() - begun;
    }
    (ns, found)
}

fn report(users: u64) {
    let mut subjects = vec![table(users), hash_map(users)];
    if users <= MOST_OF_MOKA {
        subjects.extend([cache(users), moka(users)]);
    }
    subjects.extend([filter(users), bloomfilter(users), fastbloom(users), atomic_fastbloom(users)]);
    println!("\n| {users} users | bytes a user | hits | ns a lookup | of hashbrown | found | false |");
    println!("|---|---|---|---|---|---|---|");
    for percent in HIT_PERCENTS {
        let results = measure(&subjects, &batches(users, percent));
        let (floor, there) = results[1];
        for (Subject { name, bytes, .. }, (ns, found)) in subjects.iter().zip(results) {
            let bytes = *bytes as f64 / users as f64;
            let misses = (BATCH * BATCHES - there) as f64;
            let wrong = found.saturating_sub(there) as f64 / misses * 100.0;
            println!(
                "| {name} | {bytes:.1} | {percent} % | {ns:.1} | {:.2} | {found} | {wrong:.2} % |",
                ns / floor
            );
        }
    }
    println!("resident: {} MB", resident() >> 20);
}

fn main() {
    let sizes: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    for users in if sizes.is_empty() { vec![1_000_000, 10_000_000] } else { sizes } {
        report(users);
    }
}
