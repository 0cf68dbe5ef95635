//! A server that is killed (SIGKILL) at each step of a send: nothing is lost without a status, and nothing is
//! sent twice.
//!
//! `scripts/prove crash` kills it 200 times at each step on each engine and prints the table.

#![allow(clippy::print_stdout, reason = "the table is what a proof is read by")]

mod gateway;

use super::harness::{Engine, Place, Server, on_both_engines, until};
use gateway::{Full, Gateway};
use reqwest::Method;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqliteConnection};
use std::collections::BTreeMap;
use std::time::Duration;

/// Where the server is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// While it works on the request, at any moment.
    Asked,
    /// It has answered; no dispatcher has taken the message yet.
    Queued,
    /// A dispatcher has taken the message and connects to the gateway.
    Connecting,
    /// The message is with the gateway, which has not answered.
    Left,
    /// The gateway has answered; that is not written yet.
    Answered,
    /// The answer is written.
    Settled,
}

fn rounds() -> u32 {
    if std::env::var_os("TUTTU_PROVE").is_some() { 200 } else { 2 }
}

fn configure(place: &mut Place, base: &str) {
    place.write(
        "tuttu.toml",
        &format!(
            "[[sms.gateways]]\nname = \"paid\"\nkind = \"twilio\"\nbase_url = \"{base}\"\n\
             account_sid = \"AC1\"\nauth_token = \"secret\"\nfrom = \"+358501112222\"\n"
        ),
    );
    place.set("TUTTU__LIMITS__COUNTRIES__ALLOW", "FI");
    place.set("TUTTU__LIMITS__EXEMPT", "127.0.0.0/8");
    place.set("TUTTU__LIMITS__GUARD__MODE", "off");
}

/// Runs statements beside the server.
async fn alter(place: &Place, statements: &str) {
    let statements = AssertSqlSafe(statements.to_owned());
    if let Some(url) = place.postgres() {
        PgConnection::connect(url).await.unwrap().execute(statements).await.unwrap();
    } else {
        let mut connection = sqlite(place).await;
        connection.execute(statements).await.unwrap();
        connection.close().await.unwrap();
    }
}

async fn sqlite(place: &Place) -> SqliteConnection {
    let url = format!("sqlite://{}", place.path("data/tuttu.db").display());
    SqliteConnection::connect(&url).await.unwrap()
}

/// The statuses of all deliveries, by how many there are.
async fn statuses(place: &Place) -> BTreeMap<String, i64> {
    const COUNT: &str = "SELECT status, COUNT(*) FROM deliveries GROUP BY status";
    let rows: Vec<(String, i64)> = if let Some(url) = place.postgres() {
        let rows = PgConnection::connect(url).await.unwrap().fetch_all(COUNT).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    } else {
        let rows = sqlite(place).await.fetch_all(COUNT).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    };
    rows.into_iter().collect()
}

/// Lets the database refuse that status until [`release`].
async fn hold(place: &Place, status: &str) {
    let trigger = if place.postgres().is_some() {
        format!(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.status = '{status}' THEN RAISE EXCEPTION 'held'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER hold BEFORE UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION hold()"
        )
    } else {
        format!(
            "CREATE TRIGGER hold BEFORE UPDATE ON deliveries WHEN NEW.status = '{status}'
             BEGIN SELECT RAISE(ABORT, 'held'); END"
        )
    };
    alter(place, &trigger).await;
}

async fn release(place: &Place) {
    let drop = if place.postgres().is_some() {
        "DROP TRIGGER IF EXISTS hold ON deliveries; DROP FUNCTION IF EXISTS hold()"
    } else {
        "DROP TRIGGER IF EXISTS hold"
    };
    alter(place, drop).await;
}

/// Asks for a code and returns when the send has come to that step.
async fn bring_to(step: Step, place: &Place, server: &Server, gateway: &Gateway, number: &str) {
    match step {
        Step::Asked => return ask_and_kill(server, number).await,
        Step::Queued => hold(place, "claimed").await,
        Step::Answered => hold(place, "sent").await,
        Step::Left => gateway.answer(false),
        Step::Connecting | Step::Settled => {}
    }
    let attempt = server.attempt(number).await;
    match step {
        Step::Asked => {}
        Step::Queued => server.delivery_is(&attempt, "queued").await,
        Step::Connecting => server.delivery_is(&attempt, "claimed").await,
        Step::Left => arrived(gateway, number).await,
        Step::Answered => {
            let held = "a delivery could not be settled";
            until(held, async || server.log().contains(held).then_some(())).await;
        }
        Step::Settled => server.delivery_is(&attempt, "sent").await,
    }
    server.kill();
}

async fn arrived(gateway: &Gateway, number: &str) {
    until("the message", async || (gateway.messages_to(number) > 0).then_some(())).await;
}

/// Kills the server at a moment that is another one for each number.
async fn ask_and_kill(server: &Server, number: &str) {
    let body = json!({"phone_number": number, "channel": "sms"});
    let last: u64 = number[number.len() - 3..].parse().unwrap();
    let asking = server.ask(Method::POST, "/v1/verifications", "", Some(&body));
    // Not a wait for something: the kill shall come at any moment of some 20 ms.
    let _answered = tokio::time::timeout(Duration::from_micros(last % 200 * 100), asking).await;
    server.kill();
}

/// What became of a message once another server has run.
async fn fate(place: &Place, step: Step, number: &str, gateway: &Gateway) -> (String, usize) {
    until("an end of every delivery", async || {
        let left = statuses(place).await;
        (!left.contains_key("queued") && !left.contains_key("claimed")).then_some(())
    })
    .await;
    let newest = match (step, newest(place).await) {
        (Step::Asked, None) => "nothing".to_owned(),
        (_, newest) => newest.unwrap(),
    };
    (newest, gateway.messages_to(number))
}

/// The status of the only delivery, if there is one; it is forgotten with that.
async fn newest(place: &Place) -> Option<String> {
    let statuses = statuses(place).await;
    alter(place, "DELETE FROM deliveries").await;
    assert!(statuses.values().sum::<i64>() <= 1, "{statuses:?}");
    statuses.into_keys().next()
}

fn may_be(step: Step, fate: (&str, usize)) -> bool {
    match step {
        Step::Asked => matches!(fate, ("nothing" | "unknown", 0) | ("sent" | "unknown", 1)),
        Step::Queued | Step::Settled => fate == ("sent", 1),
        // Either its lease ended, or it had been put off as provably not accepted.
        Step::Connecting => matches!(fate, ("unknown", 0) | ("sent", 1)),
        Step::Left | Step::Answered => fate == ("unknown", 1),
    }
}

async fn killed_at(step: Step, place: &mut Place) {
    let (gateway, full) = (Gateway::start().await, Full::start().await);
    let mut fates: BTreeMap<(String, usize), u32> = BTreeMap::new();
    for round in 0..rounds() {
        let number = format!("+35840{:07}", 1_000_000 + round * 7);
        configure(place, if step == Step::Connecting { &full.base } else { &gateway.base });
        let server = place.serve();
        bring_to(step, place, &server, &gateway, &number).await;
        server.gone();
        gateway.answer(true);
        release(place).await;
        // As if the lease of the killed server had run out, which takes half a minute.
        alter(place, "UPDATE deliveries SET lease_until = 1 WHERE status = 'claimed'").await;
        configure(place, &gateway.base);
        let server = place.serve();
        let (status, messages) = fate(place, step, &number, &gateway).await;
        assert!(may_be(step, (&status, messages)), "killed at {step:?}: {status}, {messages} messages");
        *fates.entry((status, messages)).or_default() += 1;
        server.kill();
        server.gone();
    }
    let engine = if place.postgres().is_some() { "PostgreSQL" } else { "SQLite" };
    for ((status, messages), times) in fates {
        println!("| {step:?} | {engine} | {times} | {status} | {messages} |");
    }
}

/// One test for each step, so that they run side by side.
macro_rules! steps {
    ($($name:ident: $step:ident),+ $(,)?) => {$(
        on_both_engines!($name, |place| { killed_at(Step::$step, place).await; });
    )+};
}

steps! {
    killed_while_it_works_on_the_request: Asked,
    killed_before_the_message_is_taken: Queued,
    killed_while_it_connects: Connecting,
    killed_before_the_gateway_answers: Left,
    killed_before_the_answer_is_written: Answered,
    killed_after_the_answer_is_written: Settled,
}
