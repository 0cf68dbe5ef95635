//! Accounts and devices.

use super::fixtures::{approved, at, contract, entry, handle, index, registered, registration, started};
use tuttu::model::account::MAX_DEVICES;
use tuttu::model::id::{AccountId, DeviceId};
use tuttu::store::{AccountChange, Listing, Plan, RegisterOutcome};

const ANNA: &str = "+358401234561";

contract!(an_account_and_its_device_are_read_as_they_were_written, |store| {
    let written = registered(store, ANNA, 1, at(7)).await;
    let account = store.account(written.account.id).await.unwrap().unwrap();
    assert_eq!((account.discoverable, account.created_at), (true, at(7)));
    assert_eq!(account.number_sealed, written.account.number_sealed);
    let (of_number, seen) = store.account_of_number(&written.account.number_index).await.unwrap().unwrap();
    assert_eq!((of_number.id, seen), (account.id, Some(at(7))));
    let auth = store.device_auth(written.device.id).await.unwrap().unwrap();
    assert_eq!((auth.account, auth.number_index), (account.id, account.number_index));
    assert_eq!(auth.secret.as_bytes(), written.device.secret.as_bytes());
    let devices = store.devices(account.id).await.unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!((devices[0].platform, devices[0].last_seen_at), (written.device.platform, at(7)));
    assert!(store.device_auth(DeviceId::random()).await.unwrap().is_none());
    assert!(store.account(AccountId::random()).await.unwrap().is_none());
});

contract!(a_grant_is_spent_once_though_many_ask, |store| {
    let v = approved(store, ANNA, at(0)).await;
    let attempts: Vec<_> =
        (0..16).map(|_| registration(&v, Plan::Create, AccountId::random(), 1, at(1))).collect();
    let outcomes =
        futures_util::future::join_all(attempts.iter().map(|attempt| store.register(attempt))).await;
    let done =
        outcomes.iter().filter(|outcome| matches!(outcome, Ok(RegisterOutcome::Registered(_)))).count();
    assert_eq!(done, 1);
    assert_eq!(store.directory_size(1).await.unwrap(), 1);
});

contract!(a_verification_that_is_not_approved_or_too_old_buys_nothing, |store| {
    let pending = started(store, ANNA, at(0)).await;
    let attempt = registration(&pending, Plan::Create, AccountId::random(), 1, at(1));
    assert_eq!(store.register(&attempt).await.unwrap(), RegisterOutcome::GrantUnusable);
    let old = approved(store, "+358401234562", at(0)).await;
    let attempt = registration(&old, Plan::Create, AccountId::random(), 1, at(600));
    assert_eq!(store.register(&attempt).await.unwrap(), RegisterOutcome::GrantUnusable);
    assert!(store.account(attempt.account.id).await.unwrap().is_none());
});

contract!(a_plan_that_another_registration_overtook_changes_nothing_and_spends_no_grant, |store| {
    let first = registered(store, ANNA, 1, at(0)).await;
    let v = approved(store, ANNA, at(1)).await;
    let outdated = registration(&v, Plan::Create, AccountId::random(), 2, at(2));
    assert_eq!(store.register(&outdated).await.unwrap(), RegisterOutcome::PlanOutdated);
    assert!(store.verification(v.id).await.unwrap().unwrap().grant_used_at.is_none());
    assert!(store.find_in_directory(1, &[handle(2)]).await.unwrap().is_empty());
    let right = registration(&v, Plan::Continue, first.account.id, 1, at(3));
    assert_eq!(store.register(&right).await.unwrap(), RegisterOutcome::Registered(vec![]));
    assert_eq!(store.devices(first.account.id).await.unwrap().len(), 2);
});

contract!(replacing_an_account_ends_it_with_its_devices, |store| {
    let old = registered(store, ANNA, 1, at(0)).await;
    let v = approved(store, ANNA, at(1)).await;
    let new = registration(&v, Plan::Replace(old.account.id), AccountId::random(), 1, at(2));
    assert_eq!(store.register(&new).await.unwrap(), RegisterOutcome::Registered(vec![old.device.id]));
    assert!(store.account(old.account.id).await.unwrap().is_none());
    assert!(store.device_auth(old.device.id).await.unwrap().is_none());
    assert_eq!(store.find_in_directory(1, &[handle(1)]).await.unwrap()[0].account, new.account.id);
});

contract!(a_seventh_device_ends_the_one_not_seen_for_longest, |store| {
    let first = registered(store, ANNA, 1, at(0)).await;
    let mut devices = vec![first.device.id];
    for second in 1..MAX_DEVICES {
        let v = approved(store, ANNA, at(second * 86_400)).await;
        let more = registration(&v, Plan::Continue, first.account.id, 1, at(second * 86_400));
        assert_eq!(store.register(&more).await.unwrap(), RegisterOutcome::Registered(vec![]));
        devices.push(more.device.id);
    }
    store.see_device(first.device.id, at(600_000)).await.unwrap();
    let v = approved(store, ANNA, at(600_001)).await;
    let seventh = registration(&v, Plan::Continue, first.account.id, 1, at(600_001));
    assert_eq!(store.register(&seventh).await.unwrap(), RegisterOutcome::Registered(vec![devices[1]]));
});

contract!(a_revoked_device_is_gone_and_another_account_cannot_revoke_it, |store| {
    let (anna, bo) =
        (registered(store, ANNA, 1, at(0)).await, registered(store, "+358401234562", 2, at(0)).await);
    assert!(!store.revoke_device(bo.account.id, anna.device.id, at(0)).await.unwrap());
    assert!(store.revoke_device(anna.account.id, anna.device.id, at(0)).await.unwrap());
    assert!(!store.revoke_device(anna.account.id, anna.device.id, at(0)).await.unwrap());
    assert!(store.device_auth(anna.device.id).await.unwrap().is_none());
});

contract!(an_account_is_seen_by_the_devices_that_it_had, |store| {
    let anna = registered(store, ANNA, 1, at(0)).await;
    let seen = async || store.account_of_number(&index(ANNA)).await.unwrap().unwrap().1;
    store.see_device(anna.device.id, at(7)).await.unwrap();
    assert!(store.revoke_device(anna.account.id, anna.device.id, at(9)).await.unwrap());
    assert_eq!(seen().await, Some(at(7)));
    let again = approved(store, ANNA, at(600)).await;
    let registration = registration(&again, Plan::Continue, anna.account.id, 2, at(5));
    store.register(&registration).await.unwrap();
    assert!(store.revoke_device(anna.account.id, registration.device.id, at(9)).await.unwrap());
    assert_eq!(seen().await, Some(at(7)), "the later one counts");
    let all = store.accounts_seen((at(-1), at(1)), None, 9).await.unwrap();
    assert_eq!(all[0].1, Some(at(7)));
});

contract!(erasing_an_account_leaves_nothing_of_it, |store| {
    let anna = registered(store, ANNA, 1, at(0)).await;
    let hidden = Listing::Hidden(vec![(1, handle(1))]);
    let erased = store.erase_account(&anna.account, &hidden, at(0)).await.unwrap();
    assert_eq!(erased, AccountChange::Done(vec![anna.device.id]));
    assert!(store.account(anna.account.id).await.unwrap().is_none());
    assert!(store.account_of_number(&anna.account.number_index).await.unwrap().is_none());
    assert!(store.verification(anna.verification).await.unwrap().is_none());
    assert!(store.deliveries(anna.verification).await.unwrap().is_empty());
    assert_eq!(store.directory_size(1).await.unwrap(), 0);
    assert_eq!(store.erase_account(&anna.account, &hidden, at(0)).await.unwrap(), AccountChange::Ended);
    let listed = Listing::Listed(vec![entry(1, 1, anna.account.id)]);
    let changed = store.set_visibility(anna.account.id, Some(at(1)), &listed, at(0)).await.unwrap();
    assert_eq!(changed, AccountChange::Ended);
    assert_eq!(store.directory_size(1).await.unwrap(), 0, "a change of what has ended is undone");
});

contract!(accounts_of_a_period_are_read_in_pages_with_when_they_were_seen, |store| {
    let mut written = Vec::new();
    for last in 1..=5 {
        written.push(
            registered(store, &format!("+35840123456{last}"), last, at(i64::from(last))).await.account.id,
        );
    }
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = store.accounts_seen((at(1), at(4)), after, 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.id);
        assert!(page.iter().all(|(account, seen)| *seen == Some(account.created_at)));
        read.extend(page.into_iter().map(|(account, _)| account.id));
    }
    assert_eq!(read.len(), 3);
    assert!(written[1..4].iter().all(|id| read.contains(id)));
});
