//! Readers beside a writer.

use super::keys::{Key, change, found, spread};
use std::sync::atomic::{AtomicBool, Ordering};
use tuttu::directory::{Hits, Table};

#[test]
fn readers_see_every_key_that_was_there_while_shards_grow() {
    const THERE: u64 = 20_000;
    let table = Table::with_capacity(100).unwrap();
    let run: Vec<_> = (0..THERE).map(|number| change(spread(number), Some(spread(number)))).collect();
    table.apply(&run).unwrap();
    let mut keys: Vec<Key> = (0..THERE).map(spread).collect();
    keys.sort_unstable();
    let grown = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let last = grown.load(Ordering::Acquire);
                    for keys in keys.chunks(1_000) {
                        let mut hits = Hits::new(keys.len());
                        table.find(keys, 0, &mut hits);
                        assert_eq!(found(keys, &hits).len(), keys.len());
                        assert_eq!(hits.accounts(), keys);
                    }
                    if last {
                        break;
                    }
                }
            });
        }
        let before = table.bytes();
        for number in THERE..6 * THERE {
            table.apply(&[change(spread(number), Some(spread(number)))]).unwrap();
        }
        grown.store(true, Ordering::Release);
        assert!(table.bytes() > 4 * before, "no shard grew");
    });
    assert_eq!(table.len(), usize::try_from(6 * THERE).unwrap());
}
