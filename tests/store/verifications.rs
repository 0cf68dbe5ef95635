//! Verifications: counted, then judged.

use super::fixtures::{approved, ask, ask_again, at, check, contract, started, verification};
use tuttu::model::id::VerificationId;
use tuttu::model::verification::Verdict;
use tuttu::store::{CheckOutcome, Refusal, SendOutcome};

const ANNA: &str = "+358401234561";

contract!(a_verification_is_read_as_it_was_written, |store| {
    let written = started(store, ANNA, at(0)).await;
    let read = store.verification(written.id).await.unwrap().unwrap();
    assert_eq!(read.number_index, written.number_index);
    assert_eq!(read.number_sealed, written.number_sealed);
    assert_eq!(read.template, written.template);
    assert_eq!(read.secret.as_bytes(), written.secret.as_bytes());
    assert_eq!((read.code_length, read.checks, read.checks_limit), (6, 0, 5));
    assert_eq!((read.created_at, read.expires_at, read.resend_at), (at(0), at(600), at(30)));
    assert!(store.verification(VerificationId::random()).await.unwrap().is_none());
});

contract!(a_refused_start_leaves_no_row, |store| {
    started(store, ANNA, at(0)).await;
    let second = verification(ANNA, at(29));
    let outcome = ask(store, &second, at(29)).await;
    let SendOutcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal, Refusal::TooEarly { not_before: at(30) });
    assert!(store.verification(second.id).await.unwrap().is_none());
    assert!(store.deliveries(second.id).await.unwrap().is_empty());
});

contract!(a_promised_resend_holds_though_another_send_happened_meanwhile, |store| {
    let first = started(store, ANNA, at(0)).await;
    let second = verification(ANNA, at(30));
    ask(store, &second, at(30)).await;
    let outcome = ask_again(store, &first, at(31)).await;
    assert!(matches!(outcome, SendOutcome::Sending(_)), "promised for second 30: {outcome:?}");
    let outcome = ask_again(store, &second, at(32)).await;
    assert!(matches!(outcome, SendOutcome::Refused(Refusal::TooEarly { .. })), "{outcome:?}");
});

contract!(nothing_is_sent_again_once_the_code_has_less_than_two_minutes, |store| {
    let v = started(store, ANNA, at(0)).await;
    let outcome = ask_again(store, &v, at(481)).await;
    assert!(matches!(outcome, SendOutcome::Over), "{outcome:?}");
    let outcome = ask_again(store, &v, at(480)).await;
    assert!(matches!(outcome, SendOutcome::Sending(_)), "{outcome:?}");
    assert_eq!(store.deliveries(v.id).await.unwrap().len(), 2);
});

contract!(of_32_checks_at_once_five_are_judged, |store| {
    let v = started(store, ANNA, at(0)).await;
    let checks = (0..32).map(|_| check(store, v.id, at(1), Verdict::Wrong));
    let outcomes = futures_util::future::join_all(checks).await;
    let judged = |outcome: &&Option<_>| matches!(outcome, Some(CheckOutcome::Wrong));
    assert_eq!(outcomes.iter().filter(judged).count(), 5);
    let after = check(store, v.id, at(1), Verdict::Right).await;
    assert!(matches!(after, Some(CheckOutcome::Over(_))), "right, and too late: {after:?}");
});

contract!(a_check_of_an_expired_code_is_not_spent, |store| {
    let v = started(store, ANNA, at(0)).await;
    let outcome = check(store, v.id, at(600), Verdict::Right).await;
    assert!(matches!(outcome, Some(CheckOutcome::Over(_))), "{outcome:?}");
    assert_eq!(store.verification(v.id).await.unwrap().unwrap().checks, 0);
    assert!(check(store, VerificationId::random(), at(0), Verdict::Right).await.is_none());
});

contract!(an_approval_is_repeated_three_times_within_ten_minutes, |store| {
    let v = approved(store, ANNA, at(0)).await;
    for _ in 0..3 {
        let outcome = check(store, v.id, at(599), Verdict::Right).await;
        assert!(matches!(outcome, Some(CheckOutcome::Approved { first: false })), "{outcome:?}");
    }
    let outcome = check(store, v.id, at(599), Verdict::Right).await;
    assert!(matches!(outcome, Some(CheckOutcome::Over(_))), "{outcome:?}");
    let late = approved(store, "+358401234562", at(0)).await;
    let outcome = check(store, late.id, at(600), Verdict::Right).await;
    assert!(matches!(outcome, Some(CheckOutcome::Over(_))), "{outcome:?}");
});

contract!(old_verifications_are_forgotten_with_their_deliveries, |store| {
    let (old, young) = (started(store, ANNA, at(0)).await, started(store, "+358401234562", at(100)).await);
    assert_eq!(store.forget_verifications(at(600), at(600)).await.unwrap(), 0);
    assert_eq!(store.forget_verifications(at(601), at(601)).await.unwrap(), 1);
    assert!(store.verification(old.id).await.unwrap().is_none());
    assert!(store.deliveries(old.id).await.unwrap().is_empty());
    assert!(store.verification(young.id).await.unwrap().is_some());
    assert_eq!(store.deliveries(young.id).await.unwrap().len(), 1);
});
