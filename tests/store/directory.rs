//! The directory's rows.

use super::fixtures::{Database, at, contract, entry, handle, registered};
use crate::engine::Engine;
use futures_util::future::join_all;
use sqlx::{Connection as _, SqliteConnection};
use std::time::Duration;
use tuttu::store::{AccountChange, Listing};

contract!(a_batch_finds_what_is_there_and_nothing_else, |store| {
    let (anna, bo) = (
        registered(store, "+358401234561", 1, at(0)).await,
        registered(store, "+358401234562", 2, at(0)).await,
    );
    let mut found = store.find_in_directory(1, &[handle(1), handle(2), handle(3), handle(1)]).await.unwrap();
    found.sort_by_key(|row| row.handle);
    found.dedup_by_key(|row| row.handle);
    let accounts: Vec<_> = found.iter().map(|row| (row.account, row.tag.clone())).collect();
    assert_eq!(accounts, vec![(anna.account.id, vec![1; 8]), (bo.account.id, vec![2; 8])]);
    assert!(store.find_in_directory(2, &[handle(1)]).await.unwrap().is_empty(), "another epoch");
    assert!(store.find_in_directory(1, &[]).await.unwrap().is_empty());
});

contract!(those_who_ask_at_once_each_find_their_own, |store| {
    for byte in 1..=40 {
        registered(store, &format!("+3584012345{byte:02}"), byte, at(0)).await;
    }
    let asked = |who: u8| (0..who % 9).map(|step| handle(who % 41 + step * 5)).collect::<Vec<_>>();
    let asks = (0..64).map(|who| async move {
        let (epoch, asked) = (u32::from(who % 5 == 4) + 1, asked(who));
        let mut found: Vec<_> = store.find_in_directory(epoch, &asked).await.unwrap();
        found.sort_by_key(|row| row.handle);
        let there = |byte: &u8| epoch == 1 && asked.contains(&handle(*byte));
        let expected: Vec<_> = (1..=40).filter(there).map(|byte| (1, handle(byte))).collect();
        let found: Vec<_> = found.iter().map(|row| (row.epoch, row.handle)).collect();
        assert_eq!(found, expected, "{who}");
    });
    // Some go away without waiting: the others are answered all the same.
    let gone = (0..8).map(|_| tokio::time::timeout(Duration::ZERO, store.find_in_directory(1, &[])));
    futures_util::future::join(join_all(asks), join_all(gone)).await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_fails_nobody_but_those_who_ask_for_it() {
    let database = Database::fresh(Engine::Sqlite).await;
    for byte in 0..2 {
        registered(&database.store, &format!("+35840123456{byte}"), byte, at(0)).await;
    }
    let mut somebody = SqliteConnection::connect(&database.url).await.unwrap();
    let alter = sqlx::query("UPDATE directory SET tag = x'01' WHERE handle = $1");
    alter.bind(handle(1).as_bytes().as_slice()).execute(&mut somebody).await.unwrap();
    let store = &database.store;
    let asks = (0..32).map(|turn| async move {
        store.find_in_directory(1, &[handle(turn % 2)]).await.map(|rows| rows.len()).ok()
    });
    let found = join_all(asks).await;
    assert_eq!(found, [Some(1), None].repeat(16));
    database.end().await;
}

contract!(pages_hold_the_whole_directory_in_order, |store| {
    for byte in [5, 1, 4, 2, 3] {
        registered(store, &format!("+35840123456{byte}"), byte, at(0)).await;
    }
    let (mut after, mut handles) = (None, Vec::new());
    loop {
        let page = store.directory_page(1, after, None, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.handle);
        handles.extend(page.iter().map(|row| row.handle));
    }
    assert_eq!(handles, [1, 2, 3, 4, 5].map(handle));
    assert_eq!(store.directory_size(1).await.unwrap(), 5);
    assert_eq!(store.directory_size(2).await.unwrap(), 0);
});

contract!(hiding_takes_the_rows_away_and_listing_puts_them_back, |store| {
    let anna = registered(store, "+358401234561", 1, at(0)).await;
    let hidden = Listing::Hidden(vec![(1, handle(1))]);
    let done = AccountChange::Done(());
    assert_eq!(store.set_visibility(anna.account.id, None, &hidden, at(0)).await.unwrap(), done);
    assert_eq!(store.directory_size(1).await.unwrap(), 0);
    assert!(!store.account(anna.account.id).await.unwrap().unwrap().discoverable);
    let listed = Listing::Listed(vec![entry(1, 1, anna.account.id)]);
    assert_eq!(store.set_visibility(anna.account.id, Some(at(5)), &listed, at(0)).await.unwrap(), done);
    assert_eq!(store.directory_size(1).await.unwrap(), 1);
    assert!(store.account(anna.account.id).await.unwrap().unwrap().discoverable);
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asked_before_a_store_is_closed_is_answered() {
    let database = Database::fresh(Engine::Sqlite).await;
    let store = &database.store;
    registered(store, "+358401234561", 1, at(0)).await;
    // Of several epochs, which share no statement: some must wait for others.
    let asked = [handle(1)];
    let asks = (0..64).map(|who| store.find_in_directory(who % 4 + 1, &asked));
    let (found, ()) = futures_util::future::join(join_all(asks), store.close()).await;
    for (who, rows) in found.into_iter().enumerate() {
        assert_eq!(rows.unwrap().len(), usize::from(who % 4 == 0), "{who}");
    }
    store.find_in_directory(1, &asked).await.unwrap_err();
    database.end().await;
}
