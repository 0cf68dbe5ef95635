//! A server that is killed while people register.

mod again;
mod crowd;
mod life;

use super::harness::{Engine, Person, Place, Server, on_both_engines, registration};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

const ROUNDS: usize = 4;
const AT_ONCE: usize = 8;

/// What a person knows when the server is gone.
#[derive(Debug)]
enum Outcome {
    /// The registration was answered.
    Acknowledged(Person),
    /// The grant was sent, and no answer came.
    Unanswered { number: String, grant: String },
    /// It ended before that.
    CutOff,
}

/// One registration, as far as the server lives.
async fn try_register(server: &Server, number: String) -> Option<Outcome> {
    let body = json!({"phone_number": &number, "channel": "sms"});
    let started = server.ask(Method::POST, "/v1/verifications", "", Some(&body)).await?;
    assert_eq!(started.status, 201, "{started:?}");
    let code = server.try_code(&number).await?;
    let path = format!("/v1/verifications/{}/check", started.text("/id"));
    let body = json!({"code": code});
    let grant = server.ask(Method::POST, &path, &started.text("/secret"), Some(&body)).await?.text("/grant");
    let body = registration(&grant, "Phone");
    Some(match server.ask(Method::POST, "/v1/accounts", "", Some(&body)).await {
        None => Outcome::Unanswered { number, grant },
        Some(answer) => {
            assert_eq!(answer.status, 201, "{answer:?}");
            Outcome::Acknowledged(Person::registered(&number, &answer))
        }
    })
}

/// People register side by side until so many are acknowledged; at that moment the server is killed.
async fn register_until_killed(server: &Server, round: usize) -> Vec<Outcome> {
    let (next, acknowledged) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let enough = 5 + 6 * round;
    let one_after_the_other = async || {
        let mut outcomes = Vec::new();
        loop {
            // Each in a block of its own: the codes of those who are cut off are never entered.
            let number = format!("+35840{round}{:02}0000", next.fetch_add(1, Ordering::Relaxed));
            let outcome = try_register(server, number).await.unwrap_or(Outcome::CutOff);
            let over = !matches!(outcome, Outcome::Acknowledged(_));
            outcomes.push(outcome);
            if over {
                return outcomes;
            }
            if acknowledged.fetch_add(1, Ordering::Relaxed) + 1 == enough {
                server.kill();
            }
        }
    };
    let outcomes = join_all((0..AT_ONCE).map(|_| one_after_the_other())).await;
    assert!(acknowledged.into_inner() >= enough);
    outcomes.into_iter().flatten().collect()
}

/// Everybody who was told to be registered is, and is found.
async fn expect_all(server: &Server, people: &[Person], unanswered: &[String]) -> BTreeMap<String, String> {
    for person in people {
        assert_eq!(server.account_of(&person.token).await, person.account_id);
    }
    let numbers: Vec<String> =
        people.iter().map(|person| person.number.clone()).chain(unanswered.iter().cloned()).collect();
    let found = server.look_up(&people[0].token, &numbers).await;
    for person in people {
        assert_eq!(found.get(&person.number), Some(&person.account_id), "found by others");
    }
    found
}

/// Who got no answer asks again: a spent grant has left an account, an unspent one makes it now.
async fn ask_again(
    server: &Server,
    number: &str,
    grant: &str,
    found: &BTreeMap<String, String>,
) -> Option<Person> {
    let answer = server.post("/v1/accounts", "", &registration(grant, "Phone")).await;
    if found.contains_key(number) {
        answer.expect(409, "grant_used");
        return None;
    }
    Some(Person::registered(number, &answer.expect(201, "")))
}

on_both_engines!(whoever_was_told_to_be_registered_is_so_after_a_kill, |place| {
    let mut people = Vec::new();
    for round in 0..ROUNDS {
        let mut server = place.serve();
        server.inbox_key();
        let outcomes = register_until_killed(&server, round).await;
        server.gone();

        let server = place.serve();
        let mut unanswered = Vec::new();
        for outcome in outcomes {
            match outcome {
                Outcome::Acknowledged(person) => people.push(person),
                Outcome::Unanswered { number, grant } => unanswered.push((number, grant)),
                Outcome::CutOff => {}
            }
        }
        let numbers: Vec<String> = unanswered.iter().map(|(number, _)| number.clone()).collect();
        let found = expect_all(&server, &people, &numbers).await;
        for (number, grant) in &unanswered {
            people.extend(ask_again(&server, number, grant, &found).await);
        }
        expect_all(&server, &people, &[]).await;
    }
});
