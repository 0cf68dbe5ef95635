//! A new epoch: prepared while people register and look up, begun, and the end of the old one.

use crate::harness::{Form, Person, Question, TestService, on_both_engines};
use futures_util::future::join;
use reqwest::Method;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use tuttu::model::handle::{Handle, Pepper};
use tuttu::model::number::PhoneNumber;
use tuttu::rotation::{RotateRefused, begin};

const WEEK: u64 = 7 * 24 * 3_600;
const DAY: u64 = 24 * 3_600;
/// Within which, of the machine's own time, a new epoch begins.
const BEGINS: Duration = Duration::from_mins(1);

/// Numbers in blocks of their own.
fn number(place: usize) -> String {
    format!("+35840{place:03}4561")
}

/// The ids of the live epochs, and the pepper of the first.
async fn epochs(service: &TestService, token: &str) -> (Vec<u64>, Pepper) {
    let reply = service.get("/v1/discovery/epochs", token).await.expect(200, "");
    let ids = reply.json["epochs"].as_array().unwrap().iter().map(|epoch| epoch["id"].as_u64().unwrap());
    (ids.collect(), Pepper::from_base64url(reply.text("/epochs/0/params/pepper")).unwrap())
}

/// What to ask about these people in an epoch.
fn question(epoch: u32, pepper: &Pepper, people: &[&Person]) -> Question {
    let handle =
        |person: &&Person| Handle::derive(pepper, &PhoneNumber::parse(&person.number, None).unwrap());
    let mut handles: Vec<Handle> = people.iter().map(handle).collect();
    handles.sort_unstable();
    Question::new(epoch, handles)
}

fn accounts(people: &[&Person]) -> Vec<String> {
    let mut accounts: Vec<String> = people.iter().map(|person| person.account_id.clone()).collect();
    accounts.sort_unstable();
    accounts
}

/// Asks, and expects exactly these people.
async fn expect_found(service: &TestService, asker: &Person, question: &Question, people: &[&Person]) {
    let answer = service.answer(&asker.token, question).await;
    let mut found: Vec<String> = answer.matches.into_iter().map(|(_, account)| account).collect();
    found.sort_unstable();
    assert_eq!(found, accounts(people));
}

on_both_engines!(
    nobody_is_missed_while_an_epoch_is_prepared_begins_and_ends,
    |config| {
        (config.discovery.requests_per_hour, config.discovery.handles_per_hour) = (u32::MAX, u32::MAX);
    },
    |service| {
        let mut people = Vec::new();
        for place in 0..6 {
            people.push(service.register(&number(place)).await);
        }
        let (asker, hidden) = (&people[0], &people[5]);
        let hide = json!({"discoverable": false});
        service.patch("/v1/account", &hidden.token, &hide).await.expect(200, "");
        let everybody: Vec<&Person> = people.iter().collect();
        let (ids, first) = epochs(service, &asker.token).await;
        assert_eq!(ids, [1]);
        let keys = service.keys().await;
        let now = || service.now();
        let refused = begin(service.store(), &keys, false, now()).await.unwrap_err();
        assert!(matches!(refused, RotateRefused::TooEarly { id: 1, .. }), "{refused}");
        assert_eq!(begin(service.store(), &keys, true, now()).await.unwrap(), 2);
        let refused = begin(service.store(), &keys, true, now()).await.unwrap_err();
        assert!(matches!(refused, RotateRefused::UnderWay(2)), "{refused}");

        let old = question(1, &first, &everybody);
        let paid = service.answer(&asker.token, &old).await;
        let again = old.again(&paid);
        let begun = AtomicBool::new(false);
        let asking = async {
            while !begun.load(Ordering::SeqCst) {
                expect_found(service, asker, &again, &everybody[..5]).await;
            }
        };
        let turning = async {
            let mut newcomers = Vec::new();
            for turn in 0.. {
                if newcomers.len() < 3 {
                    newcomers.push(service.register(&number(10 + turn)).await);
                }
                service.advance(1);
                if epochs(service, &asker.token).await.0 == [2, 1] {
                    break;
                }
            }
            begun.store(true, Ordering::SeqCst);
            newcomers
        };
        let ((), newcomers) = timeout(BEGINS, join(asking, turning)).await.unwrap();
        let (ids, second) = epochs(service, &asker.token).await;
        assert_eq!((ids, newcomers.len()), (vec![2, 1], 3));

        // What was paid for in the old epoch is paid for in the new one, once.
        let moved = Question {
            discard: old.new.clone(),
            token: paid.token.clone(),
            ..question(2, &second, &everybody)
        };
        for form in Form::ALL {
            let reply = service.pose(&asker.token, &moved, form).await.expect(200, "");
            assert_eq!(moved.answer(&reply).cost, 0);
        }
        let fewer = question(2, &second, &everybody[..3]);
        let fewer = Question { discard: moved.discard.clone(), token: moved.token.clone(), ..fewer };
        assert_eq!(service.answer(&asker.token, &fewer).await.cost, 3, "not twice");
        let known = Question { known: fewer.new.clone(), new: Vec::new(), ..fewer };
        let reply = service.pose(&asker.token, &known, Form::Json).await;
        reply.expect(409, "sync_token_invalid");

        // Both answer, with everybody who was there before, came meanwhile or comes now.
        let late = service.register(&number(90)).await;
        let everybody: Vec<&Person> = people.iter().chain(&newcomers).chain([&late]).collect();
        let mut found: Vec<&Person> =
            everybody.iter().copied().filter(|person| person.number != hidden.number).collect();
        for (id, pepper) in [(1, &first), (2, &second)] {
            expect_found(service, asker, &question(id, pepper, &everybody), &found).await;
        }
        // A change is one of both.
        service.patch("/v1/account", &late.token, &hide).await.expect(200, "");
        service.call(Method::DELETE, "/v1/account", &newcomers[0].token, None).await.expect(204, "");
        found.retain(|person| ![&late.number, &newcomers[0].number].contains(&&person.number));
        for (id, pepper) in [(1, &first), (2, &second)] {
            expect_found(service, asker, &question(id, pepper, &everybody), &found).await;
        }

        service.advance(WEEK - DAY);
        assert_eq!(epochs(service, &asker.token).await.0, [2, 1]);
        service.advance(DAY);
        assert_eq!(epochs(service, &asker.token).await.0, [2]);
        let late_question = question(1, &first, &everybody);
        let reply = service.pose(&asker.token, &late_question, Form::Json).await;
        let reply = reply.expect(409, "epoch_unknown");
        assert_eq!(
            (reply.json["epochs"][0]["id"].as_u64(), reply.json["epochs"].as_array().unwrap().len()),
            (Some(2), 1)
        );
        expect_found(service, asker, &question(2, &second, &everybody), &found).await;

        // A while after its end its rows go; those of the new one stay.
        service.advance(DAY);
        while service.store().directory_size(1).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(service.store().directory_size(2).await.unwrap(), found.len() as u64);
    }
);
