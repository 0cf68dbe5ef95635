//! The lives of epochs, and what may not be written without the newest.

use super::fixtures::{approved, at, contract, entry, handle, registered, registration};
use futures_util::future::join;
use tuttu::model::epoch::{EpochLife, EpochState};
use tuttu::model::id::AccountId;
use tuttu::store::{AccountChange, Listing, Plan, RegisterOutcome, SealedEpoch, Store};

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";

pub(super) fn preparing(id: u32, created: i64) -> SealedEpoch {
    let life = EpochLife {
        created_at: at(created),
        prepared_at: None,
        valid_from: None,
        valid_until: None,
        emptied_at: None,
    };
    SealedEpoch {
        id,
        algorithm: "blake3-keyed-128".to_owned(),
        pepper_sealed: vec![1],
        directory_key: 7,
        life,
    }
}

/// The first epoch, live.
async fn first(store: &Store) {
    let mut first = preparing(1, 0);
    (first.life.prepared_at, first.life.valid_from) = (Some(at(0)), Some(at(0)));
    assert!(store.add_epoch(&first).await.unwrap());
}

/// Number and state of every epoch.
async fn states(store: &Store, second: i64) -> Vec<(u32, EpochState)> {
    let epochs = store.epochs().await.unwrap();
    epochs.iter().map(|epoch| (epoch.id, epoch.life.state(at(second)))).collect()
}

contract!(of_two_who_write_an_epoch_the_first_wins, |store| {
    first(store).await;
    let mut other = preparing(2, 11);
    other.pepper_sealed = vec![2];
    assert!(store.add_epoch(&preparing(2, 10)).await.unwrap());
    assert!(!store.add_epoch(&other).await.unwrap());
    let epochs = store.epochs().await.unwrap();
    assert_eq!(epochs.iter().map(|epoch| epoch.id).collect::<Vec<_>>(), [2, 1], "the newest first");
    assert_eq!((epochs[0].pepper_sealed.as_slice(), epochs[0].life), ([1].as_slice(), preparing(2, 10).life));
});

contract!(an_epoch_is_prepared_then_live_and_ends_and_each_step_is_taken_once, |store| {
    use EpochState::{Ended, Live, Prepared, Preparing};
    first(store).await;
    store.add_epoch(&preparing(2, 10)).await.unwrap();
    assert_eq!(states(store, 20).await, [(2, Preparing), (1, Live)]);
    assert!(!store.start_epoch(2, at(20), at(120), at(20)).await.unwrap(), "not before every row is there");
    assert!(store.end_epoch_preparation(2, at(30)).await.unwrap());
    assert!(!store.end_epoch_preparation(2, at(31)).await.unwrap());
    assert_eq!(states(store, 30).await, [(2, Prepared), (1, Live)]);
    assert!(store.start_epoch(2, at(40), at(140), at(40)).await.unwrap());
    assert!(!store.start_epoch(2, at(41), at(141), at(41)).await.unwrap());
    assert_eq!(states(store, 39).await, [(2, Prepared), (1, Live)]);
    assert_eq!(states(store, 40).await, [(2, Live), (1, Live)]);
    assert_eq!(states(store, 140).await, [(2, Live), (1, Ended)]);
    store.end_epoch_emptying(1, at(150)).await.unwrap();
    store.end_epoch_emptying(1, at(160)).await.unwrap();
    assert_eq!(store.epochs().await.unwrap()[1].life.emptied_at, Some(at(150)));
});

contract!(what_was_planned_without_the_newest_epoch_changes_nothing, |store| {
    first(store).await;
    let anna = registered(store, ANNA, 1, at(0)).await;
    let v = approved(store, BO, at(1)).await;
    store.add_epoch(&preparing(2, 2)).await.unwrap();
    let bo = registration(&v, Plan::Create, AccountId::random(), 2, at(3));
    assert_eq!(store.register(&bo).await.unwrap(), RegisterOutcome::EpochsOutdated);
    assert!(store.verification(v.id).await.unwrap().unwrap().grant_used_at.is_none());
    let (id, outdated) = (anna.account.id, AccountChange::EpochsOutdated);
    let hidden = Listing::Hidden(vec![(1, handle(1))]);
    assert_eq!(store.set_visibility(id, None, &hidden, at(0)).await.unwrap(), outdated);
    let refused = store.erase_account(&anna.account, &hidden, at(0)).await.unwrap();
    assert_eq!(refused, AccountChange::EpochsOutdated);
    assert!(store.account(id).await.unwrap().unwrap().discoverable);
    assert_eq!((store.directory_size(1).await.unwrap(), store.directory_size(2).await.unwrap()), (1, 0));
});

contract!(what_was_planned_with_the_newest_epoch_is_written_for_it_too, |store| {
    first(store).await;
    store.add_epoch(&preparing(2, 2)).await.unwrap();
    let v = approved(store, BO, at(1)).await;
    let mut bo = registration(&v, Plan::Create, AccountId::random(), 2, at(3));
    bo.listing = Listing::Listed(vec![entry(2, 5, bo.account.id), entry(1, 2, bo.account.id)]);
    assert_eq!(store.register(&bo).await.unwrap(), RegisterOutcome::Registered(vec![]));
    assert_eq!((store.directory_size(1).await.unwrap(), store.directory_size(2).await.unwrap()), (1, 1));
});

contract!(a_registration_beside_the_writing_of_an_epoch_is_in_time_or_outdated, |store| {
    first(store).await;
    for round in 2..12_u8 {
        let v = approved(store, &format!("+3584012345{round:02}"), at(0)).await;
        let person = registration(&v, Plan::Create, AccountId::random(), round, at(1));
        let mut planned = person.clone();
        planned.listing = Listing::Listed(vec![entry(u32::from(round) - 1, round, person.account.id)]);
        let next = preparing(u32::from(round), 2);
        let (outcome, added) = join(store.register(&planned), store.add_epoch(&next)).await;
        assert!(added.unwrap());
        // Whoever reads once the epoch is written finds everybody who got through.
        let there = store.discoverable_accounts(None, 100).await.unwrap();
        let listed = there.iter().any(|account| account.id == person.account.id);
        match outcome.unwrap() {
            RegisterOutcome::Registered(_) => assert!(listed),
            other => assert_eq!((other, listed), (RegisterOutcome::EpochsOutdated, false)),
        }
    }
});
