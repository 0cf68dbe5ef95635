//! What an erasure takes with it, and what it leaves.

use super::fixtures::{at, contract, handle, index, registered, started};
use jiff::Timestamp;
use tuttu::model::audit::{Action, Note, Subject};
use tuttu::store::{AccountChange, Erasure, Listing};

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";
const BEGINNING: (Timestamp, Subject) = (Timestamp::UNIX_EPOCH, Subject([0; 16]));

fn whole(number: &str) -> Erasure<'static> {
    let note = Note::new(Action::PersonErased).of_number(&index(number));
    Erasure { number: index(number), account: None, whole: true, note }
}

contract!(a_person_without_an_account_is_erased_with_every_trace_and_remembered_by_name, |store| {
    let (anna, bo) = (started(store, ANNA, at(0)).await, started(store, BO, at(0)).await);
    let subject = store.audit_subject(index(ANNA).as_bytes()).await.unwrap().unwrap().subject;
    assert!(store.knows_of(&index(ANNA)).await.unwrap());
    assert_eq!(store.erase(&whole(ANNA), at(1)).await.unwrap(), AccountChange::Done(vec![]));
    assert!(!store.knows_of(&index(ANNA)).await.unwrap());
    assert!(store.knows_of(&index(BO)).await.unwrap());
    assert!(store.verification(anna.id).await.unwrap().is_none());
    assert!(store.deliveries(anna.id).await.unwrap().is_empty());
    assert!(store.verification(bo.id).await.unwrap().is_some());
    assert_eq!(store.erasures(BEGINNING, 10).await.unwrap(), [(at(1), subject)]);
    assert_eq!(store.erasures((at(1), subject), 10).await.unwrap(), []);
});

contract!(a_whole_erasure_takes_the_account_it_was_planned_with_and_no_other, |store| {
    let anna = registered(store, ANNA, 1, at(0)).await;
    assert_eq!(store.erase(&whole(ANNA), at(1)).await.unwrap(), AccountChange::Ended, "it has an account");
    let hidden = Listing::Hidden(vec![(1, handle(1))]);
    let erasure = Erasure { account: Some((anna.account.id, &hidden)), ..whole(ANNA) };
    let open = started(store, ANNA, at(60)).await;
    let erased = store.erase(&erasure, at(61)).await.unwrap();
    assert_eq!(erased, AccountChange::Done(vec![anna.device.id]));
    assert!(store.verification(open.id).await.unwrap().is_none(), "nobody has proven it");
    assert!(!store.knows_of(&index(ANNA)).await.unwrap());
    assert_eq!(store.directory_size(1).await.unwrap(), 0);
    assert_eq!(store.erase(&erasure, at(62)).await.unwrap(), AccountChange::Ended);
});

contract!(whoever_erases_an_account_keeps_what_limits_have_counted_and_is_remembered, |store| {
    let anna = registered(store, ANNA, 1, at(0)).await;
    let open = started(store, ANNA, at(60)).await;
    let hidden = Listing::Hidden(vec![(1, handle(1))]);
    store.erase_account(&anna.account, &hidden, at(61)).await.unwrap();
    assert!(store.verification(open.id).await.unwrap().is_some(), "it may be a stranger's");
    assert!(store.knows_of(&index(ANNA)).await.unwrap());
    assert_eq!(store.erasures(BEGINNING, 10).await.unwrap().len(), 1);
});

contract!(the_write_ahead_log_is_emptied_and_pages_are_written_anew, |store| {
    started(store, ANNA, at(0)).await;
    assert!(store.empty_wal().await.unwrap());
    assert_eq!(store.rewrite().await.unwrap(), store.engine() == "sqlite");
    assert!(store.verification(started(store, BO, at(1)).await.id).await.unwrap().is_some());
});
