//! What admins decide, what they were shown, and what they see of gateways.

use crate::store::fixtures::{at, contract, index};
use tuttu::model::audit::{Action, Note};
use tuttu::model::guard::Subject;
use tuttu::model::policy::{Policy, PolicySubject, Verdict};
use tuttu::store::GatewayState;

const ANNA: &str = "+358401234561";

contract!(so_many_numbers_are_revealed_in_an_hour_and_no_more, |store| {
    let note = || Note::new(Action::PersonRevealed).of_number(&index(ANNA)).because("ticket 4711");
    let mut shown = 0;
    for n in 0..25 {
        shown += u32::from(store.count_reveal(&[1; 16], 20, note(), at(n)).await.unwrap());
    }
    assert_eq!(shown, 20);
    assert!(store.count_reveal(&[2; 16], 20, note(), at(30)).await.unwrap(), "another admin");
    assert!(!store.count_reveal(&[3; 16], 0, note(), at(30)).await.unwrap());
    store.forget_reveals(at(3_700)).await.unwrap();
    assert!(store.count_reveal(&[1; 16], 20, note(), at(3_700)).await.unwrap(), "the next hour");
    store.note_look(note(), at(3_701)).await.unwrap();
    let (waiting, _) = store.audit_waiting().await.unwrap();
    assert_eq!(waiting, 23, "each was written down, and what was refused was not");
});

contract!(the_newest_decision_on_a_country_holds_until_it_is_over, |store| {
    let policy = |verdict, expires_at| Policy {
        subject: PolicySubject::parse("FI").unwrap(),
        verdict,
        reason: "pumping since noon".to_owned(),
        set_by: "anna".to_owned(),
        set_at: at(0),
        expires_at,
    };
    store.set_policy(&policy(Verdict::Monitor, None)).await.unwrap();
    store.set_policy(&policy(Verdict::Block, Some(at(10)))).await.unwrap();
    assert_eq!(store.policies(at(9)).await.unwrap(), [policy(Verdict::Block, Some(at(10)))]);
    assert!(store.policies(at(10)).await.unwrap().is_empty());
    store.forget_policies(at(10)).await.unwrap();
    let subject = policy(Verdict::Block, None).subject;
    assert!(!store.remove_policy(&subject, "it is over", at(11)).await.unwrap());
    store.set_policy(&policy(Verdict::Allow, None)).await.unwrap();
    assert!(store.remove_policy(&subject, "it is over", at(12)).await.unwrap());
    assert!(store.policies(at(12)).await.unwrap().is_empty());
});

contract!(a_destination_is_shut_for_as_long_as_it_is_told, |store| {
    let subject = Subject::from_slice(&[7; 16]).unwrap();
    assert_eq!(store.destination_pause(subject, at(0)).await.unwrap(), None);
    let until = store.pause_destination(subject, at(0), at(0)).await.unwrap();
    assert_eq!(store.destination_pause(subject, at(1)).await.unwrap(), Some(until));
    assert_eq!(store.destination_pause(subject, until).await.unwrap(), None);
    assert_eq!(store.conversion(subject, at(0)).await.unwrap(), (0, 0), "nothing was sent there");
});

contract!(what_a_node_says_of_its_gateways_holds_while_it_lives, |store| {
    let state = |gateway: &str, failures, open_until| GatewayState {
        gateway: gateway.to_owned(),
        failures,
        open_until,
    };
    let said = [state("main", 5, Some(at(30))), state("spare", 0, None)];
    store.report_gateways([1; 16], &said, (at(-90), at(0))).await.unwrap();
    store.report_gateways([2; 16], &[state("main", 0, None)], (at(-60), at(30))).await.unwrap();
    let seen = store.gateway_states(at(-1)).await.unwrap();
    assert_eq!(seen, [said[0].clone(), state("main", 0, None), said[1].clone()]);
    store.report_gateways([1; 16], &[state("main", 0, None)], (at(-50), at(40))).await.unwrap();
    assert_eq!(
        store.gateway_states(at(0)).await.unwrap(),
        vec![state("main", 0, None); 2],
        "the newest word holds"
    );
    store.report_gateways([2; 16], &[], (at(40), at(130))).await.unwrap();
    assert!(store.gateway_states(at(-1)).await.unwrap().is_empty(), "what is old is forgotten");
});
