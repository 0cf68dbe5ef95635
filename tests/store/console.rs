//! What the console reads, and what support does to a person.

use crate::store::fixtures::{
    approved, at, contract, index, order, registered, registration, started, verification,
};
use std::time::Duration;
use tuttu::model::audit::{Action, Note};
use tuttu::model::counter::{Counter, SendPolicy};
use tuttu::model::guard::Subject;
use tuttu::model::keys::NumberIndex;
use tuttu::store::{
    AccountChange, Attempt, AttemptCursor, AttemptFilter, CountFilter, Listing, Plan, RegisterOutcome, Seen,
    Span, Store,
};

const ANNA: &str = "+358401234561";

/// An event about the attempt `n`, `n` seconds after the beginning.
fn seen(idx: u64, n: u8, action: &str) -> Seen {
    Seen {
        idx,
        at: at(i64::from(n)),
        action: action.to_owned(),
        outcome: "success",
        reason: None,
        attempt: Some([n; 16]),
        number: Some(vec![n % 3; 32]),
        masked: "+358 ••••••• 61".to_owned(),
        account: None,
        country: ["FI", "DE"][usize::from(n % 2)].to_owned(),
        blocks: Some([[n % 4; 16], [if n % 10 == 3 { 1 } else { 9 }; 16]]),
        source: Some([n % 5; 16]),
        gateway: String::new(),
        channel: "sms".to_owned(),
        price: 0,
    }
}

/// Lets the audit log know of the people at the numbers of [`seen`].
async fn know(store: &Store) {
    for n in 0..3 {
        let number = NumberIndex::from_slice(&[n; 32]).unwrap();
        store.write_event(Note::new(Action::PersonSearched).of_number(&number), at(0)).await.unwrap();
    }
}

async fn names(store: &Store, filter: &AttemptFilter, limit: i64) -> Vec<u8> {
    let found = store.find_attempts(filter, limit).await.unwrap();
    found.iter().map(|attempt| attempt.id[0]).collect()
}

async fn attempt(store: &Store, n: u8) -> Attempt {
    store.attempt(&[n; 16]).await.unwrap().unwrap()
}

contract!(an_attempt_gathers_what_happened_to_it, |store| {
    know(store).await;
    let mut sent = seen(1, 1, "delivery.sent");
    (sent.gateway, sent.price, sent.at) = ("twilio".to_owned(), 70_000, at(2));
    let mut arrived = Seen { idx: 2, at: at(5), ..sent.clone() };
    "delivery.delivered".clone_into(&mut arrived.action);
    let mut right = seen(3, 1, "verification.approved");
    right.at = at(31);
    let mut new = seen(4, 1, "account.registered");
    new.account = Some([7; 16]);
    let events = [seen(0, 1, "verification.started"), sent, arrived, right, new];
    assert!(store.apply_attempts((0, 5), &events).await.unwrap());
    assert_eq!(store.attempts_read().await.unwrap(), 5);
    let found = attempt(store, 1).await;
    assert_eq!((found.status.as_str(), found.gateway.as_str(), found.price), ("approved", "twilio", 70_000));
    assert_eq!((found.deliveries, found.account, found.approved_at), (1, Some([7; 16]), Some(at(31))));
    let steps = store.attempt_steps(&[1; 16]).await.unwrap();
    assert_eq!(steps.iter().map(|step| step.log_idx).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let all = CountFilter { span: Span::Hour, from: at(0), until: at(4_000) };
    let sums = store.attempt_sums(all).await.unwrap();
    let of = |kind: &str| sums.iter().find(|sum| sum.kind == kind).unwrap();
    assert_eq!((of("sent").total, of("sent").gateway.as_str()), (70_000, "twilio"));
    assert_eq!((of("delivered").reason.as_str(), of("delivered").total), ("5s", 3_000));
    assert_eq!((of("approved").gateway.as_str(), of("approved").total), ("twilio", 30_000));
    let minutes = CountFilter { span: Span::Minute, ..all };
    assert_eq!(store.attempt_series(minutes).await.unwrap().len(), 5, "one of each kind in the first minute");
});

contract!(what_was_read_of_the_log_counts_once, |store| {
    let events = [seen(0, 1, "verification.started")];
    assert!(store.apply_attempts((0, 1), &events).await.unwrap());
    assert!(!store.apply_attempts((0, 1), &events).await.unwrap(), "another node was faster");
    let all = CountFilter { span: Span::Hour, from: at(0), until: at(4_000) };
    assert_eq!(store.attempt_sums(all).await.unwrap()[0].number, 1);
});

contract!(what_is_refused_is_an_attempt_too_and_what_is_approved_stays_so, |store| {
    know(store).await;
    let mut refused = seen(0, 1, "verification.refused");
    refused.reason = Some("guard_country".to_owned());
    let mut late = seen(3, 2, "verification.code_wrong");
    late.reason = Some("checks_exhausted".to_owned());
    let mut exhausted = seen(5, 3, "verification.code_wrong");
    exhausted.reason.clone_from(&late.reason);
    let events = [
        refused,
        seen(1, 2, "verification.started"),
        seen(2, 2, "verification.approved"),
        late,
        seen(4, 3, "verification.started"),
        exhausted,
        seen(6, 9, "verification.approved"),
    ];
    assert!(store.apply_attempts((0, 7), &events).await.unwrap());
    assert_eq!(attempt(store, 1).await.status, "refused");
    assert_eq!(attempt(store, 1).await.reason.as_deref(), Some("guard_country"));
    assert_eq!(attempt(store, 2).await.status, "approved");
    assert_eq!(attempt(store, 3).await.status, "exhausted");
    assert!(store.attempt(&[9; 16]).await.unwrap().is_none(), "nobody saw it begin");
});

contract!(pages_go_on_where_the_last_one_ended, |store| {
    know(store).await;
    let events: Vec<Seen> = (0..30_u8).map(|n| seen(u64::from(n), n, "verification.started")).collect();
    assert!(store.apply_attempts((0, 30), &events).await.unwrap());
    let mut filter = AttemptFilter { country: Some("FI".to_owned()), ..AttemptFilter::default() };
    assert_eq!(names(store, &filter, 4).await, [28, 26, 24, 22]);
    filter.before = AttemptCursor { started_at: at(22).as_millisecond(), id: [22; 16] };
    assert_eq!(names(store, &filter, 4).await, [20, 18, 16, 14]);
    filter.from = at(17).as_millisecond();
    assert_eq!(names(store, &filter, 9).await, [20, 18]);
    let one = |change: fn(&mut AttemptFilter)| {
        let mut filter = AttemptFilter::default();
        change(&mut filter);
        filter
    };
    assert_eq!(names(store, &one(|f| f.number = Some(vec![0; 32])), 2).await, [27, 24]);
    let block = names(store, &one(|f| f.block = Some(vec![1; 16])), 4).await;
    assert_eq!(block, [29, 25, 23, 21], "less four digits or less six");
    assert_eq!(names(store, &one(|f| f.block = Some(vec![9; 16])), 1).await, [29]);
    assert_eq!(names(store, &one(|f| f.source = Some(vec![3; 16])), 2).await, [28, 23]);
    assert!(names(store, &one(|f| f.account = Some(vec![3; 16])), 2).await.is_empty());
    assert!(names(store, &one(|f| f.gateway = Some("twilio".to_owned())), 2).await.is_empty());
    let both = one(|f| (f.country, f.status) = (Some("DE".to_owned()), Some("pending".to_owned())));
    assert_eq!(names(store, &both, 2).await, [29, 27]);
});

contract!(every_filter_goes_along_an_index_and_sorts_nothing, |store| {
    let text = || Some(String::new());
    let bytes = || Some(Vec::new());
    let none = AttemptFilter::default;
    let filters = [
        none(),
        AttemptFilter { number: bytes(), ..none() },
        AttemptFilter { account: bytes(), ..none() },
        AttemptFilter { block: bytes(), ..none() },
        AttemptFilter { source: bytes(), ..none() },
        AttemptFilter { country: text(), ..none() },
        AttemptFilter { gateway: text(), ..none() },
        AttemptFilter { status: text(), ..none() },
        AttemptFilter { country: text(), status: text(), ..none() },
        AttemptFilter { gateway: text(), status: text(), ..none() },
        AttemptFilter { country: text(), gateway: text(), ..none() },
    ];
    for filter in filters {
        for step in store.explain_attempts(&filter).await.unwrap() {
            assert!(step.contains("SEARCH attempts USING INDEX attempts_by_"), "{step} of {filter:?}");
        }
    }
});

contract!(attempts_and_sums_are_forgotten_in_time, |store| {
    know(store).await;
    let events: Vec<Seen> = (0..10_u8).map(|n| seen(u64::from(n), n, "verification.started")).collect();
    assert!(store.apply_attempts((0, 10), &events).await.unwrap());
    assert_eq!(store.forget_attempts(at(5), 3).await.unwrap(), 3);
    assert_eq!(store.forget_attempts(at(5), 3).await.unwrap(), 2);
    assert_eq!(names(store, &AttemptFilter::default(), 20).await, [9, 8, 7, 6, 5]);
    assert!(store.attempt_steps(&[4; 16]).await.unwrap().is_empty());
    store.forget_minutes(at(60)).await.unwrap();
    let all = CountFilter { span: Span::Minute, from: at(0), until: at(4_000) };
    assert!(store.attempt_series(all).await.unwrap().is_empty());
});

contract!(an_account_that_is_erased_takes_its_attempts_with_it, |store| {
    know(store).await;
    let registration = registered(store, ANNA, 1, at(0)).await;
    let account = &registration.account;
    let mut mine = seen(0, 1, "verification.started");
    mine.number = Some(account.number_index.as_bytes().to_vec());
    assert!(store.apply_attempts((0, 2), &[mine, seen(1, 2, "verification.started")]).await.unwrap());
    let erased = store.erase_account(account, &Listing::Hidden(vec![]), at(3)).await.unwrap();
    assert!(matches!(erased, AccountChange::Done(_)));
    assert_eq!(names(store, &AttemptFilter::default(), 20).await, [2]);
    assert!(store.attempt_steps(&[1; 16]).await.unwrap().is_empty());
});

contract!(what_is_read_late_of_a_person_who_was_erased_is_no_attempt, |store| {
    let begun = [seen(0, 1, "verification.started"), seen(1, 1, "verification.approved")];
    assert!(store.apply_attempts((0, 2), &begun).await.unwrap());
    assert!(store.attempt(&[1; 16]).await.unwrap().is_none());
    assert!(store.attempt_steps(&[1; 16]).await.unwrap().is_empty());
    assert_eq!(store.attempts_read().await.unwrap(), 2);
});

contract!(a_locked_account_is_refused_until_it_is_unlocked, |store| {
    let first = registered(store, ANNA, 1, at(0)).await;
    let (account, device) = (&first.account, first.device.id);
    assert_eq!(store.lock_account(account, "it was stolen", at(1)).await.unwrap(), Some(vec![device]));
    assert_eq!(store.lock_account(account, "it was stolen", at(1)).await.unwrap(), None);
    assert!(store.device_auth(device).await.unwrap().is_none());
    let lock = store.account_lock(account.id).await.unwrap().unwrap();
    assert_eq!((lock.at, lock.reason.as_str()), (at(1), "it was stolen"));
    let v = approved(store, ANNA, at(100)).await;
    let mut again = registration(&v, Plan::Continue, account.id, 1, at(101));
    again.listing = Listing::Unchanged;
    assert_eq!(store.register(&again).await.unwrap(), RegisterOutcome::Locked);
    assert_eq!(store.unlock_account(account, "it was found", at(102)).await.unwrap(), Some(vec![device]));
    assert_eq!(store.unlock_account(account, "it was found", at(102)).await.unwrap(), None);
    assert!(store.account_lock(account.id).await.unwrap().is_none());
    assert!(store.device_auth(device).await.unwrap().is_some());
    assert!(matches!(store.register(&again).await.unwrap(), RegisterOutcome::Registered(_)));
});

contract!(a_number_that_is_unblocked_is_sent_a_code_at_once, |store| {
    started(store, ANNA, at(0)).await;
    let next = verification(ANNA, at(1));
    let policy = SendPolicy {
        per_number: 6,
        per_range: 3,
        window: Duration::from_hours(24),
        waits: [30, 60, 120, 300, 600].map(Duration::from_secs),
    };
    let mut asked = order(&next, at(1));
    asked.counter = Counter::Open;
    let refused = store.start_verification(&next, &asked, &policy).await.unwrap();
    assert!(matches!(refused, tuttu::store::SendOutcome::Refused(_)), "{refused:?}");
    store
        .unblock_number(&index(ANNA), &[Subject::from_slice(&[1; 16]).unwrap()], "a real person", at(1))
        .await
        .unwrap();
    let sent = store.start_verification(&next, &asked, &policy).await.unwrap();
    assert!(matches!(sent, tuttu::store::SendOutcome::Sending(_)), "{sent:?}");
});
