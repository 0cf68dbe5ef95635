//! Two servers on one database: what is counted is counted once for both.

use super::harness::{Answer, Attempt, Engine, Place, Server, on_both_engines};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::time::Duration;

const CHECKS: usize = 1_000;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Wrong codes, checked all at once on both servers: how often each was the answer.
async fn check_all_at_once(servers: [&Server; 2], attempt: &Attempt, right: &str) -> BTreeMap<String, usize> {
    let guess = |n: usize| format!("{n:06}");
    let guesses = (0..).map(guess).filter(|guess| guess != right).take(CHECKS).enumerate();
    let checks = guesses.map(async |(n, guess)| answered(servers[n % 2], attempt, &guess).await);
    let mut answers = BTreeMap::new();
    for answer in join_all(checks).await {
        *answers.entry(format!("{} {}", answer.status, answer.text("/code"))).or_default() += 1;
    }
    answers
}

/// The answer to a check. A node that has no connection to the database free says so before it counts anything, and when
/// to come back.
async fn answered(server: &Server, attempt: &Attempt, guess: &str) -> Answer {
    let mut turns = tokio::time::interval(RETRY_AFTER);
    for _ in 0..60 {
        turns.tick().await;
        let answer = server.check(attempt, guess).await;
        if answer.status != 503 {
            return answer;
        }
    }
    panic!("no check was answered in a minute");
}

on_both_engines!(of_a_thousand_wrong_checks_at_once_exactly_five_are_evaluated, |place| {
    let (mut one, other) = (place.serve(), place.serve());
    one.inbox_key();
    let attempt = one.attempt("+358401234561").await;
    let code = one.try_code("+358401234561").await.unwrap();
    let answers = check_all_at_once([&one, &other], &attempt, &code).await;
    let expected = [("422 code_incorrect".to_owned(), 5), ("429 checks_exhausted".to_owned(), CHECKS - 5)];
    assert_eq!(answers, expected.into());
    other.check(&attempt, &code).await.expect(429, "checks_exhausted");
});
