//! Transactions side by side, which SQLite commits in groups: each is kept or undone for itself.

use super::fixtures::{approved, at, contract, registered, registration};
use futures_util::future::join_all;
use tuttu::model::id::{AccountId, DeviceId};
use tuttu::model::keys::SecretKey;
use tuttu::model::sync_token::SyncToken;
use tuttu::store::{BudgetPolicy, Charge, ChargeOutcome, Plan, RegisterOutcome, Registration, Store};

const BUDGET: BudgetPolicy = BudgetPolicy { capacity: 100, leak_per_hour: 6 };

fn charge(registration: &Registration, cost: u32, receipt: u8) -> Charge {
    let account = AccountId::from_bytes([1; 16]);
    Charge {
        number: registration.account.number_index,
        device: registration.device.id,
        cost,
        carried: None,
        token: SyncToken::commit(&SecretKey::new(1, [1; 32]), account, 1, &[[receipt; 16]]),
        other_forms: Vec::new(),
    }
}

async fn paid(store: &Store, charge: &Charge) -> Option<u32> {
    match store.charge_lookup(charge, BUDGET, at(0)).await.unwrap() {
        ChargeOutcome::Paid(cost) => Some(cost),
        ChargeOutcome::Spent(_) => None,
    }
}

contract!(what_is_undone_takes_nothing_of_its_neighbours_along, |store| {
    let mut plans = Vec::new();
    for last in 0..8 {
        let number = format!("+3584012345{last:02}");
        let verification = approved(store, &number, at(0)).await;
        plans.push(registration(&verification, Plan::Create, AccountId::random(), last, at(0)));
    }
    // Everybody twice, so that one of each pair is refused and undone among the others.
    let again: Vec<Registration> = plans
        .iter()
        .map(|plan| {
            let mut again = plan.clone();
            (again.account.id, again.device.id) = (AccountId::random(), DeviceId::random());
            again.device.account = again.account.id;
            again
        })
        .collect();
    let both = plans.iter().zip(&again).flat_map(|(first, second)| [first, second]);
    let outcomes = join_all(both.map(|plan| store.register(plan))).await;
    for pair in outcomes.chunks(2) {
        let done =
            pair.iter().filter(|outcome| matches!(outcome, Ok(RegisterOutcome::Registered(_)))).count();
        assert_eq!(done, 1, "{pair:?}");
    }
    assert_eq!(store.directory_size(1).await.unwrap(), 8);
    for (first, second) in plans.iter().zip(&again) {
        let accounts = [&first.account, &second.account];
        let mut there = 0;
        for account in accounts {
            let devices = store.devices(account.id).await.unwrap().len();
            let account = store.account(account.id).await.unwrap();
            assert_eq!(devices, usize::from(account.is_some()));
            there += devices;
        }
        assert_eq!(there, 1);
    }
});

contract!(who_goes_away_in_the_middle_leaves_all_or_nothing, |store| {
    let mut people = Vec::new();
    for last in 0..24 {
        people.push(registered(store, &format!("+3584012345{last:02}"), last, at(0)).await);
    }
    // Each is dropped after another number of polls, among neighbours who stay.
    let asking = people.iter().enumerate().map(|(place, person)| async move {
        let charge = charge(person, 50, 1);
        let leaving = async {
            for _ in 0..place * 3 {
                tokio::task::yield_now().await;
            }
        };
        if place % 3 == 0 {
            assert_eq!(paid(store, &charge).await, Some(50));
        } else {
            tokio::select! {
                biased;
                _ = paid(store, &charge) => {}
                () = leaving => {}
            }
        }
    });
    join_all(asking).await;
    for person in &people {
        let retried = paid(store, &charge(person, 50, 1)).await;
        assert!(matches!(retried, Some(0 | 50)), "{retried:?}");
        assert_eq!(paid(store, &charge(person, 51, 2)).await, None, "it was charged once");
        assert_eq!(paid(store, &charge(person, 50, 3)).await, Some(50));
    }
});
