//! Requests that are evaluated once.

use super::fixtures::{at, contract};
use jiff::Timestamp;
use std::time::Duration;
use tuttu::store::{ClaimOutcome, KeyedRequest, Store};

const LEASE: Duration = Duration::from_mins(1);

/// Somebody's request, by what it is called and what it holds.
fn request(id: u8, payload: u8, claim: u8) -> KeyedRequest {
    KeyedRequest { id: [id; 32], payload: [payload; 32], claim: [claim; 16] }
}

async fn claim(store: &Store, request: &KeyedRequest, now: Timestamp) -> ClaimOutcome {
    store.claim_request(request, LEASE, now).await.unwrap()
}

contract!(a_request_is_claimed_once_and_answered_until_its_answer_is_forgotten, |store| {
    let (first, second) = (request(1, 1, 1), request(1, 1, 2));
    assert_eq!(claim(store, &first, at(0)).await, ClaimOutcome::Claimed);
    assert_eq!(claim(store, &second, at(0)).await, ClaimOutcome::InFlight);
    assert_eq!(claim(store, &request(1, 9, 3), at(0)).await, ClaimOutcome::OtherPayload);
    assert!(store.keep_answer(&first, b"sealed", at(100)).await.unwrap());
    assert_eq!(claim(store, &second, at(99)).await, ClaimOutcome::Answered(b"sealed".to_vec()));
    assert_eq!(claim(store, &request(1, 9, 3), at(99)).await, ClaimOutcome::OtherPayload);
    assert_eq!(claim(store, &request(2, 1, 4), at(99)).await, ClaimOutcome::Claimed);
    assert_eq!(claim(store, &second, at(100)).await, ClaimOutcome::Claimed, "its time is over");
});

contract!(a_released_request_may_be_claimed_again_and_with_another_payload, |store| {
    assert_eq!(claim(store, &request(1, 1, 1), at(0)).await, ClaimOutcome::Claimed);
    store.release_request(&request(1, 1, 1)).await.unwrap();
    assert_eq!(claim(store, &request(1, 9, 2), at(0)).await, ClaimOutcome::Claimed);
});

contract!(whoever_lost_a_claim_ends_nobody_elses, |store| {
    let (slow, quick) = (request(1, 1, 1), request(1, 1, 2));
    assert_eq!(claim(store, &slow, at(0)).await, ClaimOutcome::Claimed);
    assert_eq!(claim(store, &quick, at(59)).await, ClaimOutcome::InFlight);
    assert_eq!(claim(store, &quick, at(60)).await, ClaimOutcome::Claimed, "the lease is over");
    store.release_request(&slow).await.unwrap();
    assert!(!store.keep_answer(&slow, b"late", at(500)).await.unwrap());
    assert_eq!(claim(store, &request(1, 1, 3), at(61)).await, ClaimOutcome::InFlight);
    assert!(store.keep_answer(&quick, b"sealed", at(500)).await.unwrap());
    assert!(!store.keep_answer(&quick, b"twice", at(500)).await.unwrap());
    store.release_request(&quick).await.unwrap();
    assert_eq!(claim(store, &slow, at(61)).await, ClaimOutcome::Answered(b"sealed".to_vec()));
});

contract!(of_many_at_once_one_claims, |store| {
    let requests: Vec<KeyedRequest> = (0..32).map(|caller| request(1, 1, caller)).collect();
    let outcomes =
        futures_util::future::join_all(requests.iter().map(|request| claim(store, request, at(0)))).await;
    let count = |wanted: &ClaimOutcome| outcomes.iter().filter(|outcome| *outcome == wanted).count();
    assert_eq!((count(&ClaimOutcome::Claimed), count(&ClaimOutcome::InFlight)), (1, 31));
});

contract!(of_many_at_once_after_the_lease_one_claims_too, |store| {
    assert_eq!(claim(store, &request(1, 1, 99), at(0)).await, ClaimOutcome::Claimed);
    let requests: Vec<KeyedRequest> = (0..32).map(|caller| request(1, 1, caller)).collect();
    let outcomes =
        futures_util::future::join_all(requests.iter().map(|request| claim(store, request, at(60)))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == ClaimOutcome::Claimed).count(), 1);
});

contract!(only_what_is_over_is_forgotten, |store| {
    for (id, until) in [(1, 100), (2, 200)] {
        assert_eq!(claim(store, &request(id, 1, 1), at(0)).await, ClaimOutcome::Claimed);
        assert!(store.keep_answer(&request(id, 1, 1), b"sealed", at(until)).await.unwrap());
    }
    assert_eq!(claim(store, &request(3, 1, 1), at(90)).await, ClaimOutcome::Claimed);
    assert_eq!(store.forget_answers(at(99)).await.unwrap(), 0);
    assert_eq!(store.forget_answers(at(100)).await.unwrap(), 1);
    assert_eq!(store.forget_answers(at(150)).await.unwrap(), 1, "the abandoned claim");
    assert_eq!(claim(store, &request(2, 1, 2), at(150)).await, ClaimOutcome::Answered(b"sealed".to_vec()));
});
