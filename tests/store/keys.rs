//! Keys that are added, used and retired, the servers that have read them, and values sealed anew.

use super::admins::enrolled;
use super::epochs::preparing;
use super::fixtures::{approved, ask, at, contract, registered, registration, started, verification};
use jiff::Timestamp;
use std::time::Duration;
use tuttu::model::admin::Role;
use tuttu::model::id::AccountId;
use tuttu::model::key_life::KeyLife;
use tuttu::store::{
    KeyFingerprint, KeyLease, KeyMark, Node, NodeKey, Plan, Resealed, SealedColumn, Store, UseOutcome,
};

const ANNA: &str = "+358401234561";
const BERTA: &str = "+358501234562";
const LIVE: Duration = Duration::from_secs(15);

fn fingerprint(version: u8) -> KeyFingerprint {
    KeyFingerprint { purpose: "code_key".to_owned(), version, fingerprint: vec![version; 16] }
}

fn node(byte: u8) -> Node {
    Node {
        id: [byte; 16],
        name: format!("machine {byte}"),
        program: "1.2.3".to_owned(),
        started_at: at(i64::from(byte)),
    }
}

/// What a server says that has read these versions and uses the first.
fn read(versions: &[u8]) -> Vec<NodeKey> {
    let key = |version: &u8| NodeKey {
        purpose: "code_key".to_owned(),
        version: *version,
        in_use: Some(version) == versions.first(),
    };
    versions.iter().map(key).collect()
}

async fn put(store: &Store, now: Timestamp) -> UseOutcome {
    store.use_key(("code_key", 2), now - LIVE, now).await.unwrap()
}

async fn lives(store: &Store) -> Vec<KeyLife> {
    store.key_marks().await.unwrap().iter().map(|KeyMark { life, .. }| *life).collect()
}

contract!(a_version_is_added_once_used_once_and_retired_once, |store| {
    store.record_key_fingerprints(&[fingerprint(1)], &[1]).await.unwrap();
    assert_eq!(put(store, at(0)).await, UseOutcome::NotAdded);
    assert!(store.add_key(&fingerprint(2), at(1)).await.unwrap());
    assert!(!store.add_key(&fingerprint(2), at(2)).await.unwrap());
    assert_eq!(put(store, at(3)).await, UseOutcome::Used);
    assert_eq!(put(store, at(4)).await, UseOutcome::NotAdded, "it is in use");
    assert!(!store.withdraw_key(("code_key", 2), at(4)).await.unwrap(), "it was used");
    assert!(store.retire_key(("code_key", 1), at(0), at(5)).await.unwrap());
    assert!(!store.retire_key(("code_key", 1), at(0), at(6)).await.unwrap());
    let first = KeyLife { retired_at: Some(at(5)), ..KeyLife::default() };
    let second = KeyLife { added_at: Some(at(1)), used_at: Some(at(3)), retired_at: None };
    assert_eq!(lives(store).await, [first, second]);
});

contract!(what_was_added_and_never_used_is_taken_back, |store| {
    store.record_key_fingerprints(&[fingerprint(1)], &[1]).await.unwrap();
    assert!(!store.withdraw_key(("code_key", 1), at(0)).await.unwrap(), "it came with the database");
    store.add_key(&fingerprint(2), at(1)).await.unwrap();
    assert!(store.withdraw_key(("code_key", 2), at(2)).await.unwrap());
    assert!(!store.withdraw_key(("code_key", 2), at(3)).await.unwrap(), "it was taken back");
    assert_eq!(put(store, at(4)).await, UseOutcome::NotAdded);
    let withdrawn = KeyLife { added_at: Some(at(1)), used_at: None, retired_at: Some(at(2)) };
    assert_eq!(lives(store).await, [KeyLife::default(), withdrawn]);
});

contract!(a_version_is_used_once_every_server_that_runs_has_read_it, |store| {
    store.record_key_fingerprints(&[fingerprint(1)], &[1]).await.unwrap();
    store.add_key(&fingerprint(2), at(1)).await.unwrap();
    store.report_node(&node(1), &read(&[1, 2]), at(1)).await.unwrap();
    store.report_node(&node(2), &read(&[1]), at(2)).await.unwrap();
    let lacking = UseOutcome::Lacking(vec!["machine 2".to_owned()]);
    assert_eq!(put(store, at(3)).await, lacking);
    assert!(store.see_node([2; 16], at(30)).await.unwrap());
    assert_eq!(put(store, at(44)).await, lacking, "it was seen 14 s ago");
    assert_eq!(put(store, at(45)).await, UseOutcome::Used, "it is gone");
});

contract!(a_version_that_a_server_uses_is_not_retired, |store| {
    store.record_key_fingerprints(&[fingerprint(1), fingerprint(2)], &[1]).await.unwrap();
    store.report_node(&node(1), &read(&[1, 2]), at(0)).await.unwrap();
    assert!(!store.retire_key(("code_key", 1), at(-1), at(1)).await.unwrap());
    store.report_node(&node(1), &read(&[2, 1]), at(1)).await.unwrap();
    assert!(store.retire_key(("code_key", 1), at(-1), at(1)).await.unwrap());
});

contract!(servers_are_known_while_they_say_so, |store| {
    store.report_node(&node(1), &read(&[1]), at(10)).await.unwrap();
    store.report_node(&node(2), &read(&[2, 1]), at(20)).await.unwrap();
    let seen = store.nodes(at(0)).await.unwrap();
    assert_eq!(seen.iter().map(|seen| seen.node.clone()).collect::<Vec<_>>(), [node(1), node(2)]);
    let mut keys = seen[1].keys.clone();
    keys.reverse();
    assert_eq!((seen[1].seen_at, keys), (at(20), read(&[2, 1])));
    assert_eq!(store.nodes(at(10)).await.unwrap().len(), 1);
    assert_eq!(store.forget_nodes(at(10)).await.unwrap(), 1);
    assert!(!store.see_node([1; 16], at(30)).await.unwrap(), "it is forgotten");
    store.end_node([2; 16]).await.unwrap();
    assert_eq!(store.nodes(at(0)).await.unwrap(), vec![]);
});

contract!(what_is_under_a_version_is_counted, |store| {
    let v = started(store, ANNA, at(0)).await;
    registered(store, BERTA, 1, at(0)).await;
    assert_eq!(store.count_codes(1, v.expires_at).await.unwrap(), 2);
    assert_eq!(store.count_codes(1, v.expires_at + Duration::from_millis(1)).await.unwrap(), 0);
    assert_eq!(store.count_codes(2, at(0)).await.unwrap(), 0);
    assert_eq!(store.count_tokens(1, at(0)).await.unwrap(), 1);
    assert_eq!(store.count_tokens(1, at(1)).await.unwrap(), 0, "it was not seen since");
    assert_eq!(store.count_tokens(2, at(0)).await.unwrap(), 0);
    // An account's number begins with 4, a device's name with 7, each verification's number and each subject's key with 1.
    for (version, count) in [(1, 4), (4, 1), (7, 1), (9, 0)] {
        assert_eq!(store.count_sealed(version).await.unwrap(), count, "version {version}");
    }
});

contract!(a_value_is_replaced_if_it_is_as_it_was_read, |store| {
    registered(store, ANNA, 1, at(0)).await;
    registered(store, BERTA, 2, at(0)).await;
    for name in ["anna", "berta"] {
        enrolled(store, name, &[Role::Admin]).await;
    }
    let mut held = 0;
    for column in SealedColumn::ALL {
        let all = store.sealed_values(column, &[], 9).await.unwrap();
        assert!(all.len() >= 2 && all.is_sorted_by(|one, next| one.row < next.row), "{column:?}");
        assert_eq!(store.sealed_values(column, &all[0].row, 9).await.unwrap(), all[1..], "{column:?}");
        let anew =
            |value: &tuttu::store::SealedValue| Resealed { before: value.clone(), sealed: vec![9; 30] };
        assert_eq!(store.replace_sealed(column, &[anew(&all[0])]).await.unwrap(), 1);
        let values: Vec<Resealed> = all.iter().map(anew).collect();
        let rest = all.len() as u64 - 1;
        assert_eq!(store.replace_sealed(column, &values).await.unwrap(), rest, "the first is done");
        let all = store.sealed_values(column, &[], 9).await.unwrap();
        assert!(all.iter().all(|value| value.sealed == vec![9; 30]), "{column:?}");
        held += rest + 1;
    }
    assert_eq!(store.count_sealed(9).await.unwrap(), held);
});

contract!(a_pepper_is_replaced_if_it_is_as_it_was_read, |store| {
    let epoch = preparing(1, 0);
    store.add_epoch(&epoch).await.unwrap();
    assert!(!store.replace_pepper(1, b"another", b"anew").await.unwrap());
    assert!(store.replace_pepper(1, &epoch.pepper_sealed, b"anew").await.unwrap());
    assert_eq!(store.epochs().await.unwrap()[0].pepper_sealed, b"anew");
});

contract!(the_epochs_whose_rows_are_under_a_version_are_counted, |store| {
    let epoch = preparing(1, 0);
    store.add_epoch(&epoch).await.unwrap();
    assert_eq!(store.epochs().await.unwrap()[0].directory_key, epoch.directory_key);
    assert_eq!(store.count_epochs(epoch.directory_key).await.unwrap(), 1);
    assert_eq!(store.count_epochs(1).await.unwrap(), 0);
    store.end_epoch_emptying(1, at(9)).await.unwrap();
    assert_eq!(store.count_epochs(epoch.directory_key).await.unwrap(), 0);
});

contract!(one_node_at_a_time_works_on_a_key, |store| {
    let lease =
        |worker: u8, until| KeyLease { purpose: "number_key", worker: [worker; 16], until: at(until) };
    assert!(store.take_key_work(&lease(1, 10), at(0)).await.unwrap());
    assert!(!store.take_key_work(&lease(2, 20), at(9)).await.unwrap());
    assert!(store.take_key_work(&lease(1, 12), at(9)).await.unwrap());
    assert!(store.take_key_work(&lease(2, 30), at(12)).await.unwrap(), "the lease is over");
});

contract!(the_version_of_a_code_and_of_a_token_is_read_as_it_was_written, |store| {
    let mut v = verification(ANNA, at(0));
    v.key_version = 3;
    ask(store, &v, at(0)).await;
    assert_eq!(store.verification(v.id).await.unwrap().unwrap().key_version, 3);
    let v = approved(store, BERTA, at(0)).await;
    let mut registration = registration(&v, Plan::Create, AccountId::random(), 1, at(0));
    registration.device.key_version = 4;
    store.register(&registration).await.unwrap();
    let devices = store.devices(registration.account.id).await.unwrap();
    assert_eq!(devices[0].key_version, 4);
});

contract!(the_index_secret_is_replaced_if_it_is_as_it_was_read, |store| {
    assert_eq!(store.index_secret().await.unwrap(), None);
    store.record_key_fingerprints(&[fingerprint(1)], &[1, 7]).await.unwrap();
    assert!(!store.replace_index_secret(&[1, 8], &[2, 7]).await.unwrap());
    assert_eq!(store.count_index_secrets(1).await.unwrap(), 1);
    assert!(store.replace_index_secret(&[1, 7], &[2, 7]).await.unwrap());
    assert_eq!(store.index_secret().await.unwrap(), Some(vec![2, 7]));
    assert_eq!(store.count_index_secrets(1).await.unwrap(), 0);
    assert_eq!(store.count_index_secrets(3).await.unwrap(), 1, "it may come under it yet");
});
