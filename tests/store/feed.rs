//! The feed tells every change of the directory.

use super::fixtures::{Database, at, contract, handle, registered};
use crate::engine::{Engine, SERVING};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tuttu::store::{DatabaseUrl, FeedChange, FeedCursor, FeedNews, Listing, Store};

async fn news(store: &Store, cursor: &FeedCursor) -> (Vec<FeedChange>, FeedCursor) {
    match told(store, cursor, 1_000).await {
        FeedNews::Changes(changes, next) => (changes, next),
        other => panic!("the cursor is of this feed: {other:?}"),
    }
}

async fn told(store: &Store, cursor: &FeedCursor, most: u32) -> FeedNews {
    store.open_feed().await.unwrap().news(cursor, most).await.unwrap()
}

async fn head_of(store: &Store) -> FeedCursor {
    store.open_feed().await.unwrap().head().await.unwrap()
}

contract!(what_is_committed_after_a_cursor_is_told_once_and_in_order, |store| {
    registered(store, "+358401234561", 1, at(0)).await;
    let head = head_of(store).await;
    assert!(news(store, &head).await.0.is_empty(), "what was before the cursor is not told");
    let bo = registered(store, "+358401234562", 2, at(0)).await;
    let hidden = Listing::Hidden(vec![(1, handle(2))]);
    store.set_visibility(bo.account.id, None, &hidden, at(0)).await.unwrap();
    let cursor = FeedCursor::parse(&head.to_text()).unwrap();
    let (changes, next) = news(store, &cursor).await;
    let seen: Vec<_> = changes.iter().map(|c| (c.epoch, c.handle, c.listed.as_ref().map(|l| l.0))).collect();
    assert_eq!(seen, [(1, handle(2), Some(bo.account.id)), (1, handle(2), None)]);
    assert!(news(store, &next).await.0.is_empty());
});

contract!(what_is_rolled_back_is_not_told, |store| {
    let head = head_of(store).await;
    let anna = registered(store, "+358401234561", 1, at(0)).await;
    assert_eq!(news(store, &head).await.0.len(), 1);
    let head = head_of(store).await;
    store.register(&anna).await.unwrap();
    assert!(news(store, &head).await.0.is_empty(), "its grant is spent");
});

contract!(more_changes_than_are_worth_reading_are_not_told, |store| {
    let head = head_of(store).await;
    registered(store, "+358401234561", 1, at(0)).await;
    assert!(matches!(told(store, &head, 1).await, FeedNews::Changes(changes, _) if changes.len() == 1));
    registered(store, "+358401234562", 2, at(0)).await;
    assert!(matches!(told(store, &head, 1).await, FeedNews::TooMany));
});

/// SQLite alone: PostgreSQL's cursor is a snapshot, and a restored cluster has another timeline.
#[tokio::test]
async fn a_cursor_from_after_the_copy_that_was_put_back_goes_on_elsewhere() {
    let database = Database::fresh(Engine::Sqlite).await;
    let store = &database.store;
    registered(store, "+358401234561", 1, at(0)).await;
    let head = head_of(store).await;
    assert!(news(store, &head).await.0.is_empty());
    let (identity, position) =
        head.to_text().split_once(' ').map(|(i, p)| (i.to_owned(), p.to_owned())).unwrap();
    let ahead = format!("{identity} {}", position.parse::<i64>().unwrap() + 1);
    let ahead = FeedCursor::parse(&ahead).unwrap();
    assert!(matches!(told(store, &ahead, 1_000).await, FeedNews::Elsewhere));
    database.end().await;
}

/// PostgreSQL alone: though nobody has said that it is a copy, and its transaction numbers may be any.
#[tokio::test]
async fn a_cursor_goes_on_elsewhere_in_a_copy_of_the_database() {
    let original = Database::fresh(Engine::Postgres).await;
    registered(&original.store, "+358401234561", 1, at(0)).await;
    let head = head_of(&original.store).await;
    assert!(news(&original.store, &head).await.0.is_empty());
    let (server, name) = original.url.rsplit_once('/').unwrap();
    let (server, copied) = (server.replacen(SERVING, "postgres", 1), format!("{name}_copy"));
    original.store.close().await;
    original.owner.close().await;
    let mut administrator = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    let copy = AssertSqlSafe(format!("CREATE DATABASE {copied} TEMPLATE {name}"));
    sqlx::raw_sql(copy).execute(&mut administrator).await.unwrap();
    let url = DatabaseUrl::parse(&format!("{server}/{copied}")).unwrap();
    let store = Store::connect(&url, false, 1).await.unwrap();
    assert!(matches!(told(&store, &head, 1_000).await, FeedNews::Elsewhere));
    store.close().await;
    let drop = AssertSqlSafe(format!("DROP DATABASE {copied} WITH (FORCE)"));
    sqlx::raw_sql(drop).execute(&mut administrator).await.unwrap();
    original.end().await;
}

contract!(the_feed_is_forgotten_after_a_day, |store| {
    let head = head_of(store).await;
    registered(store, "+358401234561", 1, at(0)).await;
    store.forget_feed(at(0)).await.unwrap();
    registered(store, "+358401234562", 2, at(0)).await;
    store.forget_feed(at(86_399)).await.unwrap();
    assert_eq!(news(store, &head).await.0.len(), 2);
    store.forget_feed(at(86_400)).await.unwrap();
    let kept = news(store, &head).await.0;
    assert_eq!(kept.iter().map(|change| change.handle).collect::<Vec<_>>(), [handle(2)]);
});
