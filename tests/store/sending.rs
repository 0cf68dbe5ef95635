//! The guard, the ledger, money and the kill switch: what is counted with a send, and what is given back.

use super::fixtures::{ask, at, check, contract, keys, order, policy, started, verification};
use jiff::Timestamp;
use std::time::Duration;
use tuttu::model::counter::{Counter, Due};
use tuttu::model::delivery::{Channel, DeliveryStatus};
use tuttu::model::guard::{BucketSize, GuardPolicy, Lane, Level, Subject};
use tuttu::model::number::PhoneNumber;
use tuttu::model::source::Source;
use tuttu::model::verification::{Awaiting, Proof, Verdict, Verification};
use tuttu::store::{Caps, CheckOutcome, Refusal, SendOrder, SendOutcome, SendingPause, Settlement, Store};

const ANNA: &str = "+358401234561";

/// A guard whose country holds two units, and one of them in its second lane.
fn guarded(verification: &Verification, number: &str, now: Timestamp) -> SendOrder {
    let wide = BucketSize { capacity: 100, per_hour: 100 };
    let sizes = [wide, wide, wide, wide, BucketSize { capacity: 2, per_hour: 1 }];
    let guard = GuardPolicy { sizes, conversion_percent: 50 };
    let number = PhoneNumber::parse(number, None).unwrap();
    let source = Source::of("192.0.2.1".parse().unwrap());
    let tolls = |lane| guard.tolls(keys().subjects(), lane, Some(&number), &source);
    SendOrder { first: tolls(Lane::First), second: tolls(Lane::Second), ..order(verification, now) }
}

/// A start that the guard looks at.
async fn guarded_start(store: &Store, number: &str, now: Timestamp) -> (Verification, SendOutcome) {
    let v = verification(number, now);
    let outcome = store.start_verification(&v, &guarded(&v, number, now), &policy()).await.unwrap();
    (v, outcome)
}

/// A start that must wait for a challenge with that nonce.
async fn awaiting(store: &Store, number: &str, nonce: u8, now: Timestamp) -> Verification {
    let mut v = verification(number, now);
    v.awaiting = Some(Awaiting { channel: Channel::Sms, nonce: [nonce; 16], difficulty: Some(7) });
    store.start_awaiting(&v, &order(&v, now)).await.unwrap();
    v
}

/// The awaited send, with a proof for the challenge of that nonce.
async fn prove(
    store: &Store,
    v: &Verification,
    number: &str,
    proof: (Proof, u8),
    now: Timestamp,
) -> SendOutcome {
    let order = SendOrder { proof: Some((proof.0, [proof.1; 16])), ..guarded(v, number, now) };
    store.send_again(&order, &policy()).await.unwrap()
}

fn is_sending(outcome: &SendOutcome) -> bool {
    matches!(outcome, SendOutcome::Sending(_))
}

/// A start with a price, under caps.
async fn paid(store: &Store, last: u8, price: i64, caps: Caps) -> (Verification, SendOutcome) {
    let mut v = verification(&format!("+3584012345{last:02}"), at(0));
    v.prefix = Some(Subject::derive(keys().subjects(), "conversion", "+358401"));
    let order = SendOrder { price, caps, ..order(&v, at(0)) };
    let outcome = store.start_verification(&v, &order, &policy()).await.unwrap();
    (v, outcome)
}

contract!(an_empty_bucket_asks_for_a_challenge_and_charges_no_other, |store| {
    for number in ["+358401234561", "+358501234562"] {
        assert!(is_sending(&guarded_start(store, number, at(0)).await.1));
    }
    let (v, outcome) = guarded_start(store, "+358441234563", at(0)).await;
    assert!(matches!(outcome, SendOutcome::ChallengeDue(Due::Guard, Some(Level::Country))), "{outcome:?}");
    let states = store.buckets(&guarded(&v, "+358441234563", at(0)).first, at(0)).await.unwrap();
    let deficits: Vec<f64> = states.iter().map(|state| state.deficit).collect();
    assert_eq!(deficits, vec![0.02, 0.02, 0.0, 0.0, 1.0], "the refused send took nothing from any level");
    assert_eq!(states[4].unit_at, at(3_600));
    assert!(!is_sending(&guarded_start(store, "+358441234563", at(3_599)).await.1));
    assert!(is_sending(&guarded_start(store, "+358441234563", at(3_600)).await.1), "the trickle brought one");
});

contract!(a_probe_says_what_would_come_of_a_send_and_changes_nothing, |store| {
    started(store, ANNA, at(0)).await;
    let v = verification(ANNA, at(0));
    for (second, sent) in [(29, false), (30, true), (30, true)] {
        let mut order = order(&v, at(0));
        order.delivery.at = at(second);
        let outcome = store.probe_send(&order, &policy(), Timestamp::MAX).await.unwrap();
        assert_eq!(is_sending(&outcome), sent, "at second {second}: {outcome:?}");
        assert!(store.deliveries(v.id).await.unwrap().is_empty());
    }
});

contract!(a_proof_of_work_opens_the_second_lane_once, |store| {
    for number in ["+358401234561", "+358501234562"] {
        guarded_start(store, number, at(0)).await;
    }
    let (first, second) =
        (awaiting(store, "+358441234563", 1, at(0)).await, awaiting(store, "+358451234564", 2, at(0)).await);
    let outcome = prove(store, &first, "+358441234563", (Proof::Work, 9), at(1)).await;
    assert!(
        matches!(outcome, SendOutcome::Refused(Refusal::ChallengeClosed)),
        "another's nonce: {outcome:?}"
    );
    let outcome = prove(store, &first, "+358441234563", (Proof::Work, 1), at(1)).await;
    let SendOutcome::Sending(sending) = outcome else { panic!("{outcome:?}") };
    assert_eq!(sending.lane, Some(Lane::Second));
    let outcome = prove(store, &first, "+358441234563", (Proof::Work, 1), at(60)).await;
    assert!(matches!(outcome, SendOutcome::Refused(Refusal::ChallengeClosed)), "spent: {outcome:?}");
    let outcome = prove(store, &second, "+358451234564", (Proof::Work, 2), at(1)).await;
    assert!(matches!(outcome, SendOutcome::ChallengeDue(Due::Guard, Some(Level::Country))), "{outcome:?}");
    let again = Awaiting { channel: Channel::Sms, nonce: [3; 16], difficulty: None };
    store.await_challenge(&second, &again, at(0)).await.unwrap();
    let outcome = prove(store, &second, "+358451234564", (Proof::Captcha, 3), at(1)).await;
    let SendOutcome::Sending(sending) = outcome else { panic!("{outcome:?}") };
    assert_eq!(sending.lane, None, "a captcha passes where both lanes are empty");
});

contract!(an_approval_refunds_every_bucket_once_a_day_for_a_number, |store| {
    let (anna, _) = guarded_start(store, ANNA, at(0)).await;
    let tolls = guarded(&anna, ANNA, at(0)).first;
    guarded_start(store, "+358501234562", at(0)).await;
    store.spend_check(anna.id, 50, at(1), |_| Verdict::Right).await.unwrap();
    let deficit = store.buckets(&tolls, at(1)).await.unwrap()[4].deficit;
    assert!(deficit < 0.01, "two units came back: {deficit}");
    let (again, outcome) = guarded_start(store, ANNA, at(2)).await;
    assert!(is_sending(&outcome));
    store.spend_check(again.id, 50, at(3), |_| Verdict::Right).await.unwrap();
    let deficit = store.buckets(&tolls, at(3)).await.unwrap()[4].deficit;
    assert!(deficit > 0.49, "the same number refunds once: {deficit}");
});

contract!(a_delivery_that_failed_gives_the_units_of_its_number_and_its_price_back, |store| {
    let caps = Caps { country: Some(10), ..Caps::default() };
    let v = verification(ANNA, at(0));
    let order = SendOrder { price: 8, caps, ..guarded(&v, ANNA, at(0)) };
    assert!(is_sending(&store.start_verification(&v, &order, &policy()).await.unwrap()));
    let claimed = store.claim_deliveries(at(0), Duration::from_secs(30), 5).await.unwrap();
    let settlement = Settlement {
        status: DeliveryStatus::Failed,
        gateway: "main",
        message: None,
        reason: None,
        unpaid: true,
    };
    store.settle_delivery(claimed[0].id, &settlement, at(1)).await.unwrap();
    store.settle_delivery(claimed[0].id, &settlement, at(1)).await.unwrap();
    let states = store.buckets(&order.first, at(0)).await.unwrap();
    let (addresses, numbers) = states.split_at(2);
    assert!(numbers.iter().all(|state| state.deficit == 0.0), "{states:?}");
    assert!(
        addresses.iter().all(|state| state.deficit > 0.0),
        "an address has no tries without end: {states:?}"
    );
    assert!(is_sending(&paid(store, 70, 8, caps).await.1), "the money is there again");
});

contract!(pauses_double_while_they_follow_one_another, |store| {
    let subject = Subject::derive(keys().subjects(), "guard_country", "FI");
    let pause = |now: i64| store.pause_destination(subject, at(now), at(now));
    assert_eq!(pause(0).await.unwrap(), at(300));
    assert_eq!(pause(299).await.unwrap(), at(300), "a pause is not made longer by asking");
    assert_eq!(pause(300).await.unwrap(), at(900));
    assert_eq!(pause(900).await.unwrap(), at(2_100));
    let (mut now, mut last) = (2_100, 0);
    for _ in 0..10 {
        let until = pause(now).await.unwrap().as_second() - at(0).as_second();
        (last, now) = (until - now, until);
    }
    assert_eq!(last, 43_200, "at most 12 hours");
    assert_eq!(pause(now + 43_201).await.unwrap(), at(now + 43_501), "after as long a quiet, from the start");
    let unit_at = at(now + 200_000);
    let far = store.pause_destination(subject, unit_at, at(now + 90_000)).await.unwrap();
    assert_eq!(far, unit_at, "never before there is something to be had");
});

contract!(a_paused_destination_refuses_where_the_first_lane_is_empty_and_lets_a_captcha_pass, |store| {
    let v = awaiting(store, ANNA, 1, at(0)).await;
    let country = guarded(&v, ANNA, at(0)).second[4].subject;
    store.pause_destination(country, at(0), at(0)).await.unwrap();
    let refused = |outcome: &SendOutcome| {
        let SendOutcome::Refused(Refusal::Destination { level, until }) = outcome else { return false };
        (*level, *until) == (Level::Country, at(300))
    };
    for number in ["+358501234563", "+358501234564"] {
        assert!(is_sending(&guarded_start(store, number, at(1)).await.1), "the first lane is not paused");
    }
    assert!(refused(&guarded_start(store, "+358501234562", at(1)).await.1));
    assert!(refused(&prove(store, &v, ANNA, (Proof::Work, 1), at(1)).await));
    assert!(is_sending(&prove(store, &v, ANNA, (Proof::Captcha, 1), at(1)).await));
    let after = guarded_start(store, "+358501234562", at(300)).await.1;
    assert!(matches!(after, SendOutcome::ChallengeDue(Due::Guard, Some(Level::Country))), "{after:?}");
});

contract!(in_monitor_mode_an_empty_guard_is_only_told_of, |store| {
    for number in ["+358401234561", "+358501234562"] {
        guarded_start(store, number, at(0)).await;
    }
    let v = verification("+358441234563", at(0));
    let order = SendOrder { enforce: false, ..guarded(&v, "+358441234563", at(0)) };
    let outcome = store.start_verification(&v, &order, &policy()).await.unwrap();
    let SendOutcome::Sending(sending) = outcome else { panic!("{outcome:?}") };
    assert_eq!(sending.monitored, Some(Level::Country));
});

contract!(one_range_has_half_of_a_numbers_sends_and_half_of_those_behind_challenges, |store| {
    let range = |name: &str| Some(Subject::derive(keys().subjects(), "sends_per_range", name));
    let start = async |second: i64, name: &str| {
        let v = verification(ANNA, at(second));
        let order = SendOrder { range: range(name), ..order(&v, at(second)) };
        store.start_verification(&v, &order, &policy()).await.unwrap()
    };
    for second in [0, 600, 1_200] {
        assert!(is_sending(&start(second, "stranger").await));
    }
    let outcome = start(1_800, "stranger").await;
    assert!(matches!(outcome, SendOutcome::ChallengeDue(Due::RangeShare, None)), "{outcome:?}");
    for (proof, second) in (1..).zip([1_800, 2_400, 3_000]) {
        let v = awaiting(store, ANNA, proof, at(second)).await;
        let order = SendOrder {
            range: range("stranger"),
            proof: Some((Proof::Work, [proof; 16])),
            ..order(&v, at(second))
        };
        assert!(is_sending(&store.send_again(&order, &policy()).await.unwrap()), "proof {proof}");
    }
    let outcome = start(3_600, "stranger").await;
    assert!(matches!(outcome, SendOutcome::Refused(Refusal::Exhausted { until }) if until == at(86_400)));
    for second in [3_600, 4_200, 4_800] {
        assert!(is_sending(&start(second, "holder").await), "the holder's sends are there");
    }
});

contract!(a_device_of_the_account_has_sends_and_waits_of_its_own, |store| {
    started(store, ANNA, at(0)).await;
    assert!(!is_sending(&ask(store, &verification(ANNA, at(1)), at(1)).await));
    let mut own = verification(ANNA, at(1));
    own.counter = Counter::Device;
    assert!(is_sending(&ask(store, &own, at(1)).await));
    for second in [600, 1_200, 1_800, 2_400, 3_000] {
        let own = Verification { counter: Counter::Device, ..verification(ANNA, at(second)) };
        assert!(is_sending(&ask(store, &own, at(second)).await));
    }
    let own = Verification { counter: Counter::Device, ..verification(ANNA, at(3_600)) };
    let outcome = ask(store, &own, at(3_600)).await;
    assert!(matches!(outcome, SendOutcome::Refused(Refusal::Exhausted { until }) if until == at(86_401)));
});

contract!(the_last_fifth_of_a_cap_is_for_prefixes_that_convert, |store| {
    let caps = Caps { country: Some(10), total: Some(100), conversion_percent: 35 };
    let (first, outcome) = paid(store, 10, 8, caps).await;
    assert!(is_sending(&outcome));
    let (_, outcome) = paid(store, 11, 2, caps).await;
    let midnight = Store::next_day(at(0));
    assert!(
        matches!(outcome, SendOutcome::Refused(Refusal::Money { total: false, until }) if until == midnight),
        "{outcome:?}"
    );
    check(store, first.id, at(1), Verdict::Right).await.unwrap();
    assert!(is_sending(&paid(store, 12, 2, caps).await.1), "one of one is 100 %");
    let (_, outcome) = paid(store, 13, 1, caps).await;
    assert!(matches!(outcome, SendOutcome::Refused(Refusal::Money { total: false, .. })), "{outcome:?}");
    let in_all = Caps { country: None, total: Some(11), ..caps };
    let (_, outcome) = paid(store, 14, 2, in_all).await;
    assert!(matches!(outcome, SendOutcome::Refused(Refusal::Money { total: true, .. })), "{outcome:?}");
});

contract!(while_sending_is_stopped_nothing_is_sent, |store| {
    let pause = SendingPause { reason: "incident 7".to_owned(), at: at(0) };
    assert_eq!(store.sending_pause().await.unwrap(), None);
    store.pause_sending(&pause).await.unwrap();
    assert_eq!(store.sending_pause().await.unwrap(), Some(pause));
    let outcome = ask(store, &verification(ANNA, at(1)), at(1)).await;
    assert!(matches!(outcome, SendOutcome::Refused(Refusal::KillSwitch)), "{outcome:?}");
    assert!(store.resume_sending(at(0)).await.unwrap());
    assert!(!store.resume_sending(at(0)).await.unwrap());
    assert!(is_sending(&ask(store, &verification(ANNA, at(1)), at(1)).await));
});

contract!(what_was_not_sent_cannot_be_guessed_and_is_forgotten_with_its_code, |store| {
    let v = awaiting(store, ANNA, 1, at(0)).await;
    let outcome = check(store, v.id, at(1), Verdict::Right).await;
    assert!(matches!(outcome, Some(CheckOutcome::Unsent)), "{outcome:?}");
    assert_eq!(store.verification(v.id).await.unwrap().unwrap().awaiting, v.awaiting);
    assert_eq!(store.forget_verifications(at(0), at(600)).await.unwrap(), 0);
    assert_eq!(store.forget_verifications(at(0), at(601)).await.unwrap(), 1);
});

contract!(limits_that_are_whole_again_leave_no_trace, |store| {
    let (v, _) = guarded_start(store, ANNA, at(0)).await;
    store.forget_limits(at(1)).await.unwrap();
    assert!(!is_sending(&ask(store, &verification(ANNA, at(1)), at(1)).await), "the wait is still known");
    store.forget_limits(at(90_000)).await.unwrap();
    let tolls = guarded(&v, ANNA, at(0)).first;
    assert!(store.buckets(&tolls, at(0)).await.unwrap().iter().all(|state| state.deficit == 0.0));
});
