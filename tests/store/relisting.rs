//! Rows of whole epochs: one worker at a time, nobody listed who is not any more.

use super::fixtures::{at, contract, entry, handle, index, registered};
use tuttu::model::id::AccountId;
use tuttu::store::{
    AccountChange, DiscoverableAccount, EpochLease, EpochProgress, Listing, NewRow, Resealed, SealedColumn,
    Store,
};

fn lease(worker: u8, until: i64) -> EpochLease {
    EpochLease { epoch: 2, worker: [worker; 16], until: at(until) }
}

/// The row of an account, at the handle of `byte`.
fn row(account: &DiscoverableAccount, byte: u8) -> NewRow {
    NewRow { handle: handle(byte), account: account.id, tag: [byte; 8] }
}

/// Some people, as they are read, each with the row to come.
async fn people(store: &Store, count: u8) -> Vec<NewRow> {
    for last in 1..=count {
        registered(store, &format!("+3584012345{last:02}"), last, at(0)).await;
    }
    let accounts = store.discoverable_accounts(None, 100).await.unwrap();
    assert_eq!(accounts.len(), usize::from(count));
    accounts.iter().zip(100..).map(|(account, byte)| row(account, byte)).collect()
}

/// Handles and owners of an epoch.
async fn listed(store: &Store, epoch: u32) -> Vec<(tuttu::model::keys::StoredHandle, AccountId)> {
    let rows = store.directory_page(epoch, None, None, 100).await.unwrap();
    rows.iter().map(|row| (row.handle, row.account)).collect()
}

contract!(one_worker_at_a_time_holds_an_epoch_and_another_takes_over_when_its_time_is_up, |store| {
    assert_eq!(store.epoch_progress(2).await.unwrap(), None);
    assert!(store.take_epoch_work(&lease(1, 10), at(0)).await.unwrap());
    assert!(!store.take_epoch_work(&lease(2, 19), at(9)).await.unwrap());
    assert!(store.take_epoch_work(&lease(1, 15), at(9)).await.unwrap(), "its own");
    let progress = EpochProgress {
        accounts: Some(9),
        done: 5,
        passed: 3,
        passed_to: Some(AccountId::from_bytes([7; 16])),
    };
    assert!(store.keep_epoch_work(&lease(1, 20), &progress).await.unwrap());
    assert_eq!(store.epoch_progress(2).await.unwrap(), Some(progress));
    assert!(!store.take_epoch_work(&lease(2, 29), at(19)).await.unwrap());
    assert!(store.take_epoch_work(&lease(2, 30), at(20)).await.unwrap());
    assert!(!store.keep_epoch_work(&lease(1, 40), &EpochProgress::default()).await.unwrap());
    assert_eq!(store.epoch_progress(2).await.unwrap(), Some(progress), "what was reached stays");
    store.let_go_of_epoch_work(&lease(1, 0)).await.unwrap();
    assert!(!store.take_epoch_work(&lease(1, 40), at(21)).await.unwrap());
    store.let_go_of_epoch_work(&lease(2, 0)).await.unwrap();
    assert!(store.take_epoch_work(&lease(1, 40), at(21)).await.unwrap());
});

contract!(everybody_discoverable_is_read_in_pages, |store| {
    let people = people(store, 5).await;
    let hidden = Listing::Hidden(vec![(1, handle(1))]);
    let anna = store.account_of_number(&index("+358401234501")).await.unwrap().unwrap().0;
    assert_eq!(store.set_visibility(anna.id, None, &hidden, at(0)).await.unwrap(), AccountChange::Done(()));
    let (mut after, mut read) = (None, Vec::new());
    loop {
        let page = store.discoverable_accounts(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        read.extend(page.iter().map(|account| account.id));
    }
    let expected: Vec<_> = people.iter().map(|row| row.account).filter(|id| *id != anna.id).collect();
    assert_eq!(read, expected);
    assert_eq!(store.count_discoverable().await.unwrap(), 4);
});

contract!(rows_are_added_for_those_who_are_still_discoverable_and_replace_nothing, |store| {
    let mut relisting = store.begin_relisting(2).await.unwrap();
    let rows = people(store, 6).await;
    let (hid, erased, listed_since) = (rows[0], rows[1], rows[2]);
    let hidden = |row: &NewRow, byte| Listing::Hidden(vec![(1, handle(byte)), (2, row.handle)]);
    store.set_visibility(hid.account, None, &hidden(&hid, 1), at(0)).await.unwrap();
    let newer = AccountId::random();
    let mut entry = entry(2, 0, newer);
    entry.handle = listed_since.handle;
    store.set_visibility(rows[4].account, Some(at(1)), &Listing::Listed(vec![entry]), at(0)).await.unwrap();
    assert_eq!(store.add_epoch_rows(&mut relisting, &rows[3..4]).await.unwrap(), Some(1));
    let account = store.account(erased.account).await.unwrap().unwrap();
    store.erase_account(&account, &hidden(&erased, 2), at(0)).await.unwrap();
    assert_eq!(store.add_epoch_rows(&mut relisting, &rows).await.unwrap(), Some(2));
    assert_eq!(store.add_epoch_rows(&mut relisting, &rows).await.unwrap(), Some(0), "again, after a crash");
    let expected: Vec<_> = vec![
        (listed_since.handle, newer),
        (rows[3].handle, rows[3].account),
        (rows[4].handle, rows[4].account),
        (rows[5].handle, rows[5].account),
    ];
    assert_eq!(listed(store, 2).await, expected);
    assert_eq!(store.add_epoch_rows(&mut relisting, &[]).await.unwrap(), Some(0));
    let found = store.find_in_directory(2, &[rows[4].handle]).await.unwrap();
    assert_eq!(found[0].tag, [104; 8]);
});

contract!(an_account_whose_number_was_sealed_anew_meanwhile_gets_its_row, |store| {
    let mut relisting = store.begin_relisting(2).await.unwrap();
    let rows = people(store, 2).await;
    let before = store.sealed_values(SealedColumn::AccountNumber, &[], 1).await.unwrap().remove(0);
    let resealed = Resealed { before, sealed: vec![2; 57] };
    assert_eq!(store.replace_sealed(SealedColumn::AccountNumber, &[resealed]).await.unwrap(), 1);
    assert_eq!(store.add_epoch_rows(&mut relisting, &rows).await.unwrap(), Some(2));
});

contract!(rows_that_are_older_than_the_feed_must_be_read_again, |store| {
    let mut relisting = store.begin_relisting(2).await.unwrap();
    let rows = people(store, 3).await;
    let hidden = Listing::Hidden(vec![(1, handle(1)), (2, rows[0].handle)]);
    store.set_visibility(rows[0].account, None, &hidden, at(0)).await.unwrap();
    for hour in [0, 25] {
        store.forget_feed(at(hour * 3_600)).await.unwrap();
    }
    // PostgreSQL looks at the accounts.
    let known = (store.engine() == "postgres").then_some(2);
    assert_eq!(store.add_epoch_rows(&mut relisting, &rows).await.unwrap(), known);
    assert_eq!(listed(store, 2).await.len(), known.map_or(0, |_| 2));
    let mut again = store.begin_relisting(2).await.unwrap();
    let added = store.add_epoch_rows(&mut again, &rows[1..]).await.unwrap();
    assert_eq!(added, Some(if known.is_some() { 0 } else { 2 }));
});

contract!(hiding_beside_the_writing_of_a_row_leaves_none, |store| {
    let mut relisting = store.begin_relisting(2).await.unwrap();
    for row in people(store, 12).await {
        let hidden = Listing::Hidden(vec![(2, row.handle)]);
        let (hid, added) = futures_util::future::join(
            store.set_visibility(row.account, None, &hidden, at(0)),
            store.add_epoch_rows(&mut relisting, &[row]),
        )
        .await;
        assert_eq!((hid.unwrap(), added.is_ok()), (AccountChange::Done(()), true));
        assert_eq!(listed(store, 2).await, []);
    }
});

contract!(an_ended_epoch_is_emptied_in_pieces_and_the_others_stay, |store| {
    let rows = people(store, 7).await;
    let mut relisting = store.begin_relisting(2).await.unwrap();
    store.add_epoch_rows(&mut relisting, &rows).await.unwrap();
    let (mut after, mut pieces) = (None, 0);
    loop {
        after = store.empty_epoch(1, after, 4).await.unwrap();
        if after.is_none() {
            break;
        }
        pieces += 1;
    }
    assert_eq!((store.directory_size(1).await.unwrap(), store.directory_size(2).await.unwrap()), (0, 7));
    assert_eq!(pieces, 4, "14 rows, four at a time");
});
