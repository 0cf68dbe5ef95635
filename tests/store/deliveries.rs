//! The outbox: one holder per delivery, and no way back.

use super::fixtures::{at, contract, started};
use std::collections::HashSet;
use std::time::Duration;
use tuttu::model::delivery::DeliveryStatus;
use tuttu::model::id::VerificationId;
use tuttu::store::{Settlement, Store};

const LEASE: Duration = Duration::from_secs(30);

async fn status(store: &Store, verification: VerificationId) -> DeliveryStatus {
    store.deliveries(verification).await.unwrap()[0].status
}

contract!(a_delivery_is_claimed_once_though_many_ask, |store| {
    for last in 10..30 {
        started(store, &format!("+3584012345{last}"), at(0)).await;
    }
    let claims =
        futures_util::future::join_all((0..8).map(|_| store.claim_deliveries(at(1), LEASE, 5))).await;
    let claimed: Vec<_> = claims.into_iter().flat_map(Result::unwrap).map(|delivery| delivery.id).collect();
    let mut all = claimed.clone();
    loop {
        let more = store.claim_deliveries(at(1), LEASE, 5).await.unwrap();
        if more.is_empty() {
            break;
        }
        all.extend(more.iter().map(|delivery| delivery.id));
    }
    assert_eq!(all.len(), 20);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 20);
});

contract!(a_lease_that_ends_without_a_word_is_unknown_and_never_claimed_again, |store| {
    let v = started(store, "+358401234561", at(0)).await;
    let claimed = store.claim_deliveries(at(1), LEASE, 5).await.unwrap();
    assert_eq!(claimed[0].verification, v.id);
    assert!(store.claim_deliveries(at(30), LEASE, 5).await.unwrap().is_empty());
    assert_eq!(status(store, v.id).await, DeliveryStatus::Claimed);
    assert!(store.claim_deliveries(at(31), LEASE, 5).await.unwrap().is_empty());
    assert_eq!(status(store, v.id).await, DeliveryStatus::Unknown);
});

contract!(what_is_settled_stays_settled, |store| {
    let v = started(store, "+358401234561", at(0)).await;
    let claimed = store.claim_deliveries(at(1), LEASE, 5).await.unwrap();
    let settlement = |status| Settlement { status, gateway: "main", message: Some("SM1") };
    store.settle_delivery(claimed[0].id, settlement(DeliveryStatus::Sent), at(2)).await.unwrap();
    store.settle_delivery(claimed[0].id, settlement(DeliveryStatus::Failed), at(3)).await.unwrap();
    let delivery = &store.deliveries(v.id).await.unwrap()[0];
    assert_eq!((delivery.status, delivery.at), (DeliveryStatus::Sent, at(2)));
});
