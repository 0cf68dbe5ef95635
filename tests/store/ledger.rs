//! Wrong checks: of a number over its verifications, and over all numbers.

use super::fixtures::{ask, at, check, contract, order, policy, started, verification};
use std::time::Duration;
use tuttu::model::counter::{Counter, Due};
use tuttu::model::delivery::DeliveryStatus;
use tuttu::model::verification::{Verdict, Verification};
use tuttu::store::{CheckOutcome, SendOrder, SendOutcome, Settlement, Store};

const ANNA: &str = "+358401234561";

contract!(wrong_checks_of_a_number_add_up_over_its_verifications, |store| {
    let mut second = 0;
    for (attempt, wrong) in (0..12).zip([5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]) {
        let v = Verification { counter: Counter::Device, ..verification(ANNA, at(second)) };
        let SendOutcome::Sending(sending) = ask(store, &v, at(second)).await else { panic!("not sent") };
        let digits = if attempt < 10 { 6 } else { 8 };
        assert_eq!((sending.hardness.digits, sending.hardness.checks), (digits, 5), "attempt {attempt}");
        for _ in 0..wrong {
            check(store, v.id, at(second), Verdict::Wrong).await.unwrap();
        }
        second += 20_000;
    }
    assert_eq!(store.ledger(&verification(ANNA, at(0)).number_index, at(second)).await.unwrap(), 5_010);
});

contract!(a_success_clears_the_ledger_from_the_next_day_on, |store| {
    let number = verification(ANNA, at(0)).number_index;
    let v = started(store, ANNA, at(0)).await;
    for verdict in [Verdict::Wrong, Verdict::Wrong, Verdict::Right] {
        check(store, v.id, at(1), verdict).await.unwrap();
    }
    check(store, v.id, at(2), Verdict::Wrong).await.unwrap();
    assert_eq!(store.ledger(&number, at(2)).await.unwrap(), 200, "what follows the approval adds nothing");
    let later = started(store, ANNA, at(10)).await;
    check(store, later.id, at(11), Verdict::Wrong).await.unwrap();
    let midnight = Store::next_day(at(0));
    assert_eq!(store.ledger(&number, midnight - Duration::from_millis(1)).await.unwrap(), 300);
    assert_eq!(store.ledger(&number, midnight).await.unwrap(), 100, "what came after the success stays");
    store.forget_limits(midnight).await.unwrap();
    assert_eq!(store.ledger(&number, midnight).await.unwrap(), 100, "and is not forgotten");
});

contract!(wrong_checks_over_all_numbers_make_every_code_harder, |store| {
    let guesses = 9;
    let unsent = started(store, "+358401234590", at(0)).await;
    let claimed = store.claim_deliveries(at(0), Duration::from_secs(30), 5).await.unwrap();
    let failed = Settlement {
        status: DeliveryStatus::Failed,
        gateway: "main",
        message: None,
        reason: None,
        unpaid: true,
    };
    store.settle_delivery(claimed[0].id, &failed, at(0)).await.unwrap();
    let refused = check(store, unsent.id, at(1), Verdict::Right).await;
    assert!(
        matches!(refused, Some(CheckOutcome::Unsent)),
        "what reached nobody can only be guessed: {refused:?}"
    );
    assert_eq!(store.guesses(at(1)).await.unwrap().wrong, 0);
    for last in 10..12 {
        let v = started(store, &format!("+3584012345{last}"), at(0)).await;
        for _ in 0..5 {
            check(store, v.id, at(1), Verdict::Wrong).await.unwrap();
        }
    }
    let approved = started(store, "+358401234599", at(0)).await;
    for verdict in [Verdict::Wrong, Verdict::Right] {
        check(store, approved.id, at(1), verdict).await.unwrap();
    }
    let counted = store.guesses(at(2)).await.unwrap();
    assert_eq!((counted.wrong, counted.approvals), (10, 1), "the approved one's wrong check was no guess");
    let v = verification(ANNA, at(2));
    let order = SendOrder { guesses, ..order(&v, at(2)) };
    let outcome = store.start_verification(&v, &order, &policy()).await.unwrap();
    assert!(matches!(outcome, SendOutcome::ChallengeDue(Due::Guessing, None)), "{outcome:?}");
    assert_eq!(store.start_awaiting(&v, &order).await.unwrap().digits, 8);
    assert_eq!(store.guesses(Store::next_day(at(2))).await.unwrap().wrong, 0);
});
