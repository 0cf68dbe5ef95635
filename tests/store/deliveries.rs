//! The outbox: one holder per delivery, and no way back.

use super::fixtures::{at, contract, delivery, order, policy, started};
use std::collections::HashSet;
use std::time::Duration;
use tuttu::model::delivery::{Channel, Delivery, DeliveryStatus, FailureReason};
use tuttu::model::id::{DeliveryId, VerificationId};
use tuttu::model::number::PhoneNumber;
use tuttu::store::{SendOrder, SendOutcome, SendingPause, Settlement, Store};

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

fn settlement(status: DeliveryStatus) -> Settlement<'static> {
    Settlement { status, gateway: "main", message: Some("SM1".to_owned()), reason: None, unpaid: false }
}

contract!(a_status_never_regresses_and_the_first_that_ends_a_delivery_stays, |store| {
    for (number, &first) in (10..).zip(DeliveryStatus::ALL) {
        let v = started(store, &format!("+3584012345{number}"), at(0)).await;
        let id = store.deliveries(v.id).await.unwrap()[0].id;
        store.settle_delivery(id, &settlement(first), at(1)).await.unwrap();
        for (second, &then) in (2..).zip(DeliveryStatus::ALL) {
            let before = status(store, v.id).await;
            let changed = store.settle_delivery(id, &settlement(then), at(second)).await.unwrap();
            let after = status(store, v.id).await;
            assert!(after.rank() >= before.rank(), "{before:?} became {after:?}");
            assert_eq!(changed.is_some(), then.rank() > before.rank());
            assert_eq!(after, if changed.is_some() { then } else { before });
        }
    }
});

contract!(a_report_before_the_answer_counts_and_the_answer_adds_the_name, |store| {
    let v = started(store, "+358401234561", at(0)).await;
    let claimed = store.claim_deliveries(at(1), LEASE, 5).await.unwrap();
    let report = Settlement { message: None, ..settlement(DeliveryStatus::Delivered) };
    let settled = store.settle_delivery(claimed[0].id, &report, at(2)).await.unwrap().unwrap();
    assert_eq!((settled.country.as_str(), settled.channel), ("FI", Channel::Sms));
    let answer = settlement(DeliveryStatus::Sent);
    assert_eq!(store.settle_delivery(claimed[0].id, &answer, at(3)).await.unwrap(), None);
    let delivery = store.delivery(claimed[0].id).await.unwrap().unwrap();
    assert_eq!((delivery.id, delivery.verification), (claimed[0].id, v.id));
    assert_eq!((delivery.status, delivery.at), (DeliveryStatus::Delivered, at(2)));
    assert_eq!(delivery.gateway.as_deref(), Some("main"));
    let stranger = Settlement { gateway: "other", ..settlement(DeliveryStatus::Failed) };
    assert_eq!(store.settle_delivery(claimed[0].id, &stranger, at(4)).await.unwrap(), None);
    let unknown = DeliveryId::random();
    assert_eq!(store.settle_delivery(unknown, &answer, at(4)).await.unwrap(), None);
    assert!(store.delivery(unknown).await.unwrap().is_none());
});

contract!(a_delivery_that_was_not_accepted_is_claimed_again_when_it_is_due, |store| {
    let v = started(store, "+358401234561", at(0)).await;
    let first = store.claim_deliveries(at(1), LEASE, 5).await.unwrap().remove(0);
    assert!(store.renew_claim(&first, at(60)).await.unwrap());
    assert!(store.postpone_delivery(&first, at(40), FailureReason::Outage).await.unwrap());
    assert!(!store.renew_claim(&first, at(90)).await.unwrap(), "it is nobody's");
    assert!(!store.postpone_delivery(&first, at(90), FailureReason::Outage).await.unwrap());
    assert!(store.claim_deliveries(at(39), LEASE, 5).await.unwrap().is_empty());
    assert_eq!(status(store, v.id).await, DeliveryStatus::Claimed, "it waits, its lease does not end");
    let second = store.claim_deliveries(at(65), LEASE, 5).await.unwrap().remove(0);
    assert_eq!((second.id, second.attempts), (first.id, 2));
    assert!(!store.renew_claim(&first, at(99)).await.unwrap(), "it is another's");
    assert!(store.claim_deliveries(at(95), LEASE, 5).await.unwrap().is_empty());
    assert_eq!(status(store, v.id).await, DeliveryStatus::Unknown);
    assert!(!store.renew_claim(&second, at(120)).await.unwrap(), "its lease is over");
});

contract!(while_sending_is_stopped_nothing_is_claimed, |store| {
    started(store, "+358401234561", at(0)).await;
    let pause = SendingPause { reason: "incident".to_owned(), at: at(1) };
    store.pause_sending(&pause).await.unwrap();
    assert!(store.claim_deliveries(at(1), LEASE, 5).await.unwrap().is_empty());
    store.resume_sending(at(0)).await.unwrap();
    assert_eq!(store.claim_deliveries(at(2), LEASE, 5).await.unwrap().len(), 1);
});

contract!(a_rejected_message_opens_the_way_for_a_call_until_the_next_send, |store| {
    let v = started(store, "+358401234561", at(0)).await;
    let number = PhoneNumber::parse("+358401234561", None).unwrap();
    let claimed = store.claim_deliveries(at(1), LEASE, 5).await.unwrap();
    let v = store.verification(v.id).await.unwrap().unwrap();
    assert_eq!(v.not_before(Channel::Voice, &number), at(60));
    let reason = Some(FailureReason::Landline);
    let rejected = Settlement { reason, ..settlement(DeliveryStatus::Failed) };
    store.settle_delivery(claimed[0].id, &rejected, at(2)).await.unwrap();
    let v = store.verification(v.id).await.unwrap().unwrap();
    assert_eq!(v.not_before(Channel::Voice, &number), at(2));
    assert_eq!(v.not_before(Channel::Sms, &number), at(30));
    let call = Delivery { channel: Channel::Voice, ..delivery(&v, at(3)) };
    let order = SendOrder { delivery: call, ..order(&v, at(3)) };
    let sent = store.send_again(&order, &policy()).await.unwrap();
    assert!(matches!(sent, SendOutcome::Sending(_)), "{sent:?}");
    let v = store.verification(v.id).await.unwrap().unwrap();
    assert!(v.not_before(Channel::Voice, &number) > at(60));
});
