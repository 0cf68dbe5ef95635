//! Sends of a number and its lookup budget: counted before they are judged.

use super::fixtures::{ask, at, contract, registered, verification};
use tuttu::model::counter::Due;
use tuttu::model::handle::Handle;
use tuttu::model::id::AccountId;
use tuttu::model::keys::SecretKey;
use tuttu::model::sync_token::SyncToken;
use tuttu::store::{BudgetPolicy, CarriedOver, Charge, ChargeOutcome, Refusal, Registration, SendOutcome};

const ANNA: &str = "+358401234561";
const BUDGET: BudgetPolicy = BudgetPolicy { capacity: 100, leak_per_hour: 6 };

fn charge(registration: &Registration, cost: u32, receipt: u8) -> Charge {
    let handle = Handle::from_bytes([receipt; 16]);
    Charge {
        number: registration.account.number_index,
        device: registration.device.id,
        cost,
        carried: None,
        token: SyncToken::commit(
            &SecretKey::new(1, [1; 32]),
            AccountId::from_bytes([1; 16]),
            1,
            &[*handle.as_bytes()],
        ),
        other_forms: Vec::new(),
    }
}

contract!(a_receipt_that_was_given_under_another_version_of_the_key_pays_too, |store| {
    let r = registered(store, ANNA, 1, at(0)).await;
    let given = charge(&r, 5, 1);
    let asked = charge(&r, 5, 2);
    let paid = |charge: Charge| async move { store.charge_lookup(&charge, BUDGET, at(1)).await.unwrap() };
    assert_eq!(paid(given.clone()).await, ChargeOutcome::Paid(5));
    let again = Charge { other_forms: vec![charge(&r, 5, 9).token, given.token], ..asked.clone() };
    assert_eq!(paid(again).await, ChargeOutcome::Paid(0));
    assert_eq!(paid(asked).await, ChargeOutcome::Paid(5), "that is another lookup");
});

contract!(the_waits_grow_and_the_window_holds_six_sends, |store| {
    let mut second = 0;
    for wait in [30, 60, 120, 300, 600, 600] {
        let v = verification(ANNA, at(second));
        let outcome = ask(store, &v, at(second)).await;
        let SendOutcome::Sending(sending) = outcome else { panic!("{outcome:?}") };
        assert_eq!(sending.resend_at, at(second + wait));
        second += wait;
    }
    let v = verification(ANNA, at(second));
    let outcome = ask(store, &v, at(second)).await;
    assert!(matches!(outcome, SendOutcome::ChallengeDue(Due::NumberSends, None)), "{outcome:?}");
    let v = verification(ANNA, at(86_400));
    let outcome = ask(store, &v, at(86_400)).await;
    assert!(matches!(outcome, SendOutcome::Sending(_)), "{outcome:?}");
});

contract!(when_the_window_ends_within_the_last_wait_the_wait_counts, |store| {
    for second in [0, 100, 300, 700, 1_400, 86_000] {
        let v = verification(ANNA, at(second));
        let outcome = ask(store, &v, at(second)).await;
        assert!(matches!(outcome, SendOutcome::Sending(_)), "{outcome:?}");
    }
    let v = verification(ANNA, at(86_001));
    let outcome = ask(store, &v, at(86_001)).await;
    let SendOutcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal, Refusal::TooEarly { not_before: at(86_600) });
    let v = verification(ANNA, at(86_600));
    let outcome = ask(store, &v, at(86_600)).await;
    assert!(matches!(outcome, SendOutcome::Sending(_)), "{outcome:?}");
});

contract!(a_charge_fits_or_says_exactly_when_it_will, |store| {
    let r = registered(store, ANNA, 1, at(0)).await;
    let paid = store.charge_lookup(&charge(&r, 90, 1), BUDGET, at(0)).await.unwrap();
    assert_eq!(paid, ChargeOutcome::Paid(90));
    let refused = store.charge_lookup(&charge(&r, 11, 2), BUDGET, at(0)).await.unwrap();
    assert_eq!(refused, ChargeOutcome::Spent(at(600)), "one handle leaks in ten minutes");
    let early = store.charge_lookup(&charge(&r, 11, 2), BUDGET, at(599)).await.unwrap();
    assert_eq!(early, ChargeOutcome::Spent(at(600)));
    assert_eq!(
        store.charge_lookup(&charge(&r, 11, 2), BUDGET, at(600)).await.unwrap(),
        ChargeOutcome::Paid(11)
    );
});

contract!(the_last_paid_lookup_asked_again_costs_nothing_for_a_day, |store| {
    let r = registered(store, ANNA, 1, at(0)).await;
    for (second, receipt, cost) in
        [(0, 1, 40), (10, 1, 0), (20, 2, 40), (30, 2, 0), (86_419, 2, 0), (86_420, 2, 40)]
    {
        let paid = store.charge_lookup(&charge(&r, 40, receipt), BUDGET, at(second)).await.unwrap();
        assert_eq!(paid, ChargeOutcome::Paid(cost), "at second {second}");
    }
});

contract!(of_many_charges_at_once_as_many_fit_as_the_bucket_holds, |store| {
    let r = registered(store, ANNA, 1, at(0)).await;
    let charges: Vec<Charge> = (0..20).map(|receipt| charge(&r, 15, receipt)).collect();
    let outcomes = futures_util::future::join_all(
        charges.iter().map(|charge| store.charge_lookup(charge, BUDGET, at(0))),
    )
    .await;
    let paid = outcomes.iter().filter(|outcome| matches!(outcome, Ok(ChargeOutcome::Paid(15)))).count();
    assert_eq!(paid, 6);
});

contract!(more_than_a_full_bucket_never_fits, |store| {
    let r = registered(store, ANNA, 1, at(0)).await;
    let outcome = store.charge_lookup(&charge(&r, 101, 1), BUDGET, at(0)).await.unwrap();
    assert!(matches!(outcome, ChargeOutcome::Spent(_)), "{outcome:?}");
});

contract!(a_receipt_of_the_last_epoch_pays_once_for_a_number_and_an_epoch, |store| {
    let r = registered(store, ANNA, 1, at(0)).await;
    let over = |cost, credit, receipt| Charge {
        carried: Some(CarriedOver { epoch: 2, credit }),
        ..charge(&r, cost, receipt)
    };
    assert_eq!(
        store.charge_lookup(&charge(&r, 90, 1), BUDGET, at(0)).await.unwrap(),
        ChargeOutcome::Paid(90)
    );
    let refused = store.charge_lookup(&over(50, 30, 2), BUDGET, at(0)).await.unwrap();
    assert!(matches!(refused, ChargeOutcome::Spent(_)), "20 do not fit, and the credit is kept: {refused:?}");
    assert_eq!(store.charge_lookup(&over(30, 30, 3), BUDGET, at(0)).await.unwrap(), ChargeOutcome::Paid(0));
    assert_eq!(
        store.charge_lookup(&over(30, 30, 3), BUDGET, at(0)).await.unwrap(),
        ChargeOutcome::Paid(0),
        "retried"
    );
    assert_eq!(
        store.charge_lookup(&over(5, 5, 4), BUDGET, at(0)).await.unwrap(),
        ChargeOutcome::Paid(5),
        "only once"
    );
    let next = Charge { carried: Some(CarriedOver { epoch: 3, credit: 5 }), ..charge(&r, 6, 5) };
    assert_eq!(store.charge_lookup(&next, BUDGET, at(0)).await.unwrap(), ChargeOutcome::Paid(1));
});

contract!(a_receipt_is_forgotten_after_a_day, |store| {
    let r = registered(store, ANNA, 1, at(0)).await;
    store.charge_lookup(&charge(&r, 40, 1), BUDGET, at(10)).await.unwrap();
    store.forget_limits(at(86_409)).await.unwrap();
    // A clock that went back finds the receipt as long as it is there.
    assert_eq!(
        store.charge_lookup(&charge(&r, 40, 1), BUDGET, at(10)).await.unwrap(),
        ChargeOutcome::Paid(0)
    );
    store.forget_limits(at(86_410)).await.unwrap();
    assert_eq!(
        store.charge_lookup(&charge(&r, 40, 1), BUDGET, at(10)).await.unwrap(),
        ChargeOutcome::Paid(40)
    );
});
