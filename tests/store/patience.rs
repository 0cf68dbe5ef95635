//! Nobody waits for the database longer than a request may.

use super::fixtures::{Database, at, registered};
use crate::engine::{Engine, SERVING};
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::time::Duration;
use tuttu::store::{Connections, DatabaseUrl, FeedNews, Patience, Store};

/// SQLite has no server that could be slow, nor locks that another process holds for long.
#[tokio::test]
async fn a_request_waits_no_longer_than_it_may_and_the_next_one_is_answered() {
    let database = Database::fresh(Engine::Postgres).await;
    let store = &database.store;
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    let mut held = other.begin().await.unwrap();
    held.execute("LOCK TABLE directory IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let patience = Patience::of(Duration::from_millis(50));
    let asked = patience.clone().bound(store.directory_size(1)).await;
    assert_eq!(asked.unwrap_err().to_string(), "the database did not answer in time");
    let asked = patience.bound(store.ping()).await;
    assert!(asked.is_err(), "what a request may wait is for all of its statements together");
    held.rollback().await.unwrap();
    let own = store.patience();
    assert!(own.is_some(), "PostgreSQL is waited for no longer than is configured");
    assert_eq!(Patience::bound_if(own, store.directory_size(1)).await.unwrap(), 0);
    database.end().await;
}

#[tokio::test]
async fn who_does_not_yield_passes_all_who_do() {
    let database = Database::fresh(Engine::Postgres).await;
    // Four places, three of them for those who yield.
    let two = Connections { request_timeout: Duration::from_mins(1), ..Connections::from(2) };
    let store = Store::connect(&DatabaseUrl::parse(&database.url).unwrap(), false, two).await.unwrap();
    let patience = || store.patience().unwrap();
    let mut first = [(); 3].map(|()| patience().yielding()).to_vec();
    for one in &first {
        one.clone().bound(store.ping()).await.unwrap();
    }
    let mut fourth = Box::pin(patience().yielding().bound(store.ping()));
    let asked = tokio::time::timeout(Duration::from_millis(50), &mut fourth).await;
    assert!(asked.is_err(), "who came first may have more to ask");
    patience().bound(store.ping()).await.unwrap();
    first.pop();
    fourth.await.unwrap();
    store.close().await;
    database.end().await;
}

#[tokio::test]
async fn what_is_counted_by_the_million_may_take_longer_than_any_other_statement() {
    let database = Database::fresh(Engine::Postgres).await;
    let timeout = Duration::from_millis(100);
    let hurried = Connections { count: 2, request_timeout: timeout * 30, statement_timeout: timeout };
    let store = Store::connect(&DatabaseUrl::parse(&database.url).unwrap(), false, hurried).await.unwrap();
    let owner = database.url.replacen(SERVING, "postgres", 1);
    let mut owner = PgConnection::connect(&owner).await.unwrap();
    owner.execute("BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let others = async {
        let listed = store.discoverable_accounts(None, 1).await;
        owner.execute("ROLLBACK").await.unwrap();
        listed
    };
    let (counted, listed) = futures_util::join!(store.count_discoverable(), others);
    assert_eq!(counted.unwrap(), 0);
    assert!(listed.is_err(), "a page of rows is no such statement");
    store.close().await;
    database.end().await;
}

#[tokio::test]
async fn a_node_hears_that_another_has_written_and_not_itself() {
    let database = Database::fresh(Engine::Postgres).await;
    let store = &database.store;
    let mut listener = store.listen_to_feed("one").await.unwrap().unwrap();
    store.wake_feed("one").await.unwrap();
    store.wake_feed("other").await.unwrap();
    listener.woken().await.unwrap();
    let own = tokio::time::timeout(Duration::from_millis(50), listener.woken()).await;
    assert!(own.is_err(), "nothing else was heard");
    database.end().await;
    let alone = Database::fresh(Engine::Sqlite).await;
    assert!(alone.store.listen_to_feed("one").await.unwrap().is_none(), "on SQLite nodes poll");
    alone.store.wake_feed("one").await.unwrap();
    alone.end().await;
}

#[tokio::test]
async fn a_transaction_that_is_open_for_long_holds_up_nobody_and_is_told_when_it_ends() {
    let database = Database::fresh(Engine::Postgres).await;
    let mut reader = database.store.open_feed().await.unwrap();
    let head = reader.head().await.unwrap();
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    let mut open = other.begin().await.unwrap();
    open.execute(
        "INSERT INTO directory_feed (epoch_id, handle) VALUES (1, '\\x00000000000000000000000000000001')",
    )
    .await
    .unwrap();
    registered(&database.store, "+358401234561", 2, at(0)).await;
    let FeedNews::Changes(first, next) = reader.news(&head, 9).await.unwrap() else { panic!("elsewhere") };
    open.commit().await.unwrap();
    let FeedNews::Changes(late, _) = reader.news(&next, 9).await.unwrap() else { panic!("elsewhere") };
    assert_eq!((first.len(), late.len()), (1, 1));
    assert!(first[0].listed.is_some() && late[0].listed.is_none());
    database.end().await;
}
