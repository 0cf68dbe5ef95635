//! A database that was put back from a copy, and the copy.

use super::fixtures::{Database, approved, at, check, order, policy, registered, registration, started};
use crate::engine::{Engine, SERVING};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use tuttu::model::delivery::DeliveryStatus;
use tuttu::model::id::AccountId;
use tuttu::model::secret::{HashedSecret, PlainSecret};
use tuttu::model::verification::{Status, Verdict, Verification};
use tuttu::store::{
    BackupRefused, CheckOutcome, ClaimOutcome, DatabaseUrl, EpochLease, FeedNews, Hold, KeyedRequest, Plan,
    RegisterOutcome, Restored, SendOutcome, Store,
};

const IDENTITY: [u8; 16] = [7; 16];
const LEASE: Duration = Duration::from_mins(1);

/// Runs a test of what the owner of the tables does, on both engines.
macro_rules! by_the_owner {
    ($name:ident, |$store:ident| $body:block) => {
        #[tokio::test]
        async fn $name() {
            for engine in [Engine::Sqlite, Engine::Postgres] {
                let database = Database::fresh(engine).await;
                let $store = &database.owner;
                $body
                database.end().await;
            }
        }
    };
}

async fn status_of(store: &Store, v: &Verification, seconds: i64) -> Status {
    store.verification(v.id).await.unwrap().unwrap().status(at(seconds))
}

by_the_owner!(after_a_restore_open_codes_and_grants_are_over_and_spent_ones_stay, |store| {
    let anna = registered(store, "+358401234561", 1, at(0)).await;
    let pending = started(store, "+358401234562", at(0)).await;
    let granted = approved(store, "+358401234563", at(0)).await;
    let restored = store.begin_anew(IDENTITY, None, at(60)).await.unwrap();
    assert_eq!((restored.verifications, restored.devices), (2, 0));
    for over in [&pending, &granted] {
        assert_eq!(status_of(store, over, 60).await, Status::Expired);
        let checked = check(store, over.id, at(60), Verdict::Right).await;
        assert!(matches!(checked, Some(CheckOutcome::Over(Status::Expired))), "{checked:?}");
        let again = store.send_again(&order(over, at(120)), &policy()).await.unwrap();
        assert!(matches!(again, SendOutcome::Over), "{again:?}");
    }
    let spending = registration(&granted, Plan::Create, AccountId::random(), 3, at(60));
    assert_eq!(store.register(&spending).await.unwrap(), RegisterOutcome::GrantUnusable);
    assert_eq!(
        status_of(store, &Verification { id: anna.verification, ..granted }, 60).await,
        Status::Approved
    );
    assert_eq!(store.devices(anna.account.id).await.unwrap().len(), 1);
    let again = store.begin_anew(IDENTITY, None, at(61)).await.unwrap();
    assert_eq!(again, Restored::default(), "there is nothing left to end");
});

by_the_owner!(after_a_restore_no_message_that_was_under_way_is_sent_again, |store| {
    started(store, "+358401234561", at(0)).await;
    let claimed = store.claim_deliveries(at(1), LEASE, 9).await.unwrap();
    let queued = started(store, "+358401234562", at(1)).await;
    assert_eq!(store.begin_anew(IDENTITY, None, at(2)).await.unwrap().deliveries, 2);
    assert!(store.claim_deliveries(at(3), LEASE, 9).await.unwrap().is_empty());
    assert!(store.claim_deliveries(at(3600), LEASE, 9).await.unwrap().is_empty());
    for verification in [claimed[0].verification, queued.id] {
        assert_eq!(store.deliveries(verification).await.unwrap()[0].status, DeliveryStatus::Unknown);
    }
});

by_the_owner!(after_a_restore_the_feed_is_another_one_and_tells_what_comes, |store| {
    registered(store, "+358401234561", 1, at(0)).await;
    let before = store.open_feed().await.unwrap().head().await.unwrap();
    store.begin_anew(IDENTITY, None, at(1)).await.unwrap();
    assert!(matches!(
        store.open_feed().await.unwrap().news(&before, 1_000).await.unwrap(),
        FeedNews::Elsewhere
    ));
    let head = store.open_feed().await.unwrap().head().await.unwrap();
    registered(store, "+358401234562", 2, at(2)).await;
    let FeedNews::Changes(changes, _) = store.open_feed().await.unwrap().news(&head, 1_000).await.unwrap()
    else {
        panic!("it is this feed")
    };
    assert_eq!(changes.len(), 1);
});

by_the_owner!(after_a_restore_kept_answers_and_leases_are_gone, |store| {
    let request = KeyedRequest { id: [1; 32], payload: [1; 32], claim: [1; 16] };
    store.claim_request(&request, LEASE, at(0)).await.unwrap();
    store.keep_answer(&request, b"sealed", at(1000)).await.unwrap();
    let work = |worker| EpochLease { epoch: 2, worker: [worker; 16], until: at(1000) };
    assert!(store.take_epoch_work(&work(1), at(0)).await.unwrap());
    store.begin_anew(IDENTITY, None, at(1)).await.unwrap();
    assert_eq!(store.claim_request(&request, LEASE, at(1)).await.unwrap(), ClaimOutcome::Claimed);
    assert!(store.take_epoch_work(&work(2), at(1)).await.unwrap());
});

by_the_owner!(a_restore_that_signs_out_leaves_devices_that_no_token_fits, |store| {
    let anna = registered(store, "+358401234561", 1, at(0)).await;
    let secret: HashedSecret = PlainSecret::random().hash();
    assert_eq!(store.begin_anew(IDENTITY, Some(&secret), at(1)).await.unwrap().devices, 1);
    let kept = store.device_auth(anna.device.id).await.unwrap().unwrap();
    assert_eq!(kept.secret.as_bytes(), secret.as_bytes());
    assert_eq!(kept.account, anna.account.id);
});

by_the_owner!(the_number_of_an_epoch_was_never_used_before_a_restore_either, |store| {
    assert_eq!(store.next_epoch().await.unwrap(), 1);
    store.begin_anew(IDENTITY, None, at(0)).await.unwrap();
    let first = store.next_epoch().await.unwrap();
    assert_eq!(i64::from(first), at(0).as_second() / 60, "the minute of the restore");
    store.begin_anew(IDENTITY, None, at(600)).await.unwrap();
    assert_eq!(store.next_epoch().await.unwrap(), first + 10);
});

#[tokio::test]
async fn the_serving_role_restores_nothing() {
    let database = Database::fresh(Engine::Postgres).await;
    assert!(database.store.is_whole().await.unwrap());
    assert_eq!(database.store.next_epoch().await.unwrap(), 1);
    assert!(database.url.contains(SERVING));
    let refused = database.store.begin_anew(IDENTITY, None, at(0)).await.unwrap_err();
    assert!(refused.to_string().contains("permission denied"), "{refused}");
    database.end().await;
}

#[tokio::test]
async fn a_backup_is_whole_for_its_owner_alone_and_replaces_nothing() {
    let database = Database::fresh(Engine::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy of 'it'.db");
    let anna = registered(&database.store, "+358401234561", 1, at(0)).await;
    let size = database.store.back_up(&file).await.unwrap();
    let written = std::fs::metadata(&file).unwrap();
    assert_eq!((written.len(), written.permissions().mode() & 0o777), (size, 0o600));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    registered(&database.store, "+358401234562", 2, at(0)).await;
    let refused = database.store.back_up(&file).await.unwrap_err();
    assert!(matches!(&refused, BackupRefused::Taken(taken) if *taken == file), "{refused}");
    assert_eq!(std::fs::metadata(&file).unwrap().len(), size);

    let copy = Store::connect(&DatabaseUrl::Sqlite(file), false, 1).await.unwrap();
    assert!(copy.is_whole().await.unwrap());
    assert!(copy.account(anna.account.id).await.unwrap().is_some());
    assert_eq!(copy.count_discoverable().await.unwrap(), 1, "it is of the time when it was made");
    copy.close().await;
    database.end().await;
}

#[tokio::test]
async fn postgresql_is_backed_up_by_its_own_tools() {
    let database = Database::fresh(Engine::Postgres).await;
    let refused = database.store.back_up("copy.db".as_ref()).await.unwrap_err();
    assert!(matches!(refused, BackupRefused::NotEmbedded), "{refused}");
    assert!(refused.to_string().contains("pg_dump"));
    database.end().await;
}

#[tokio::test]
async fn a_folder_is_held_alone_only_while_nobody_has_the_database_open() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tuttu.db");
    let url = DatabaseUrl::Sqlite(file.clone());
    let open = Store::connect(&url, true, 1).await.unwrap();
    assert!(Hold::alone(&file).unwrap_err().to_string().contains("stop it first"));
    open.close().await;
    drop(open);
    let held = Hold::alone(&file).unwrap();
    let refused = Store::connect(&url, true, 1).await.unwrap_err().to_string();
    assert!(refused.contains("`tuttu restore` is at work"), "{refused}");
    let alone = Store::connect_alone(&file, &held).await.unwrap();
    alone.ping().await.unwrap();
    alone.close().await;
    drop(held);
    Store::connect(&url, true, 1).await.unwrap().close().await;
}
