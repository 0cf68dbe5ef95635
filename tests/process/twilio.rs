//! A paid gateway: what it is asked, and what its answers, refusals and silences come to.

mod calls;
mod mock;
#[path = "../api/callbacks/signed.rs"]
mod signed;

use super::harness::{Engine, Place, Server, code_in, holds_code, on_both_engines, until};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mock::{Asked, Conduct, Gateway};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

const ANNA: &str = "+358401234561";
const BERTA: &str = "+358401234562";
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const AUTH_TOKEN: &str = "0123456789abcdef-the-secret";

/// Configures one gateway that sends to Finland, with more lines if given.
fn configure(place: &mut Place, base: &str, more: &str) {
    place.write("auth-token", &format!("{AUTH_TOKEN}\n"));
    place.write(
        "tuttu.toml",
        &format!(
            "{more}\n[[sms.gateways]]\nname = \"paid\"\nkind = \"twilio\"\nbase_url = \"{base}\"\n\
             account_sid = \"{ACCOUNT}\"\nauth_token_file = \"auth-token\"\nfrom = \"+358501112222\"\n"
        ),
    );
    place.set("TUTTU__LIMITS__COUNTRIES__ALLOW", "FI");
    place.set("TUTTU__LIMITS__EXEMPT", "127.0.0.0/8");
}

/// A gateway of that conduct, and a place where a server is configured to use it.
async fn gateway(place: &mut Place, conduct: Conduct) -> Gateway {
    let gateway = Gateway::start(conduct).await;
    configure(place, &gateway.base, "");
    gateway
}

/// The first message that arrives.
async fn first(gateway: &Gateway) -> Asked {
    until("a message", async || gateway.asked().first().cloned()).await
}

fn code(asked: &Asked) -> String {
    code_in(&asked.form["Body"])
}

/// Changes the database of a server that does not run.
async fn alter(place: &Place, statement: &str) {
    let statement = AssertSqlSafe(statement.to_owned());
    let changed = if let Some(url) = place.postgres() {
        let mut connection = PgConnection::connect(url).await.unwrap();
        connection.execute(statement).await.unwrap().rows_affected()
    } else {
        let url = format!("sqlite://{}", place.path("data/tuttu.db").display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let changed = connection.execute(statement).await.unwrap().rows_affected();
        connection.close().await.unwrap();
        changed
    };
    assert_eq!(changed, 1);
}

/// Once a later message has been sent, an earlier one that was to be sent would have been.
async fn let_everything_due_be_sent(server: &Server, gateway: &Gateway) {
    gateway.conduct(Conduct::Accept);
    server.delivery_is(&server.attempt(BERTA).await, "sent").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_travels_as_twilio_wants_to_be_asked() {
    let mut place = Place::new();
    let gateway = Gateway::start(Conduct::Accept).await;
    configure(&mut place, &gateway.base, "[server]\npublic_url = \"https://tuttu.example/\"");
    let server = place.serve();
    let attempt = server.attempt(ANNA).await;
    let asked = first(&gateway).await;
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("POST", format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json").as_str())
    );
    assert_eq!(asked.authorization, format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{AUTH_TOKEN}"))));
    assert_eq!(asked.content_type, "application/x-www-form-urlencoded");
    let names: Vec<&str> = asked.form.keys().map(String::as_str).collect();
    assert_eq!(names, ["Body", "From", "StatusCallback", "To", "ValidityPeriod"]);
    assert_eq!((asked.form["To"].as_str(), asked.form["From"].as_str()), (ANNA, "+358501112222"));
    let validity: u64 = asked.form["ValidityPeriod"].parse().unwrap();
    assert!((480..=600).contains(&validity), "the rest of the code's life, not {validity}");
    let (callback, delivery) = asked.form["StatusCallback"].rsplit_once('/').unwrap();
    assert_eq!(callback, "https://tuttu.example/callbacks/paid");
    assert_eq!(uuid::Uuid::parse_str(delivery).unwrap().get_version_num(), 4);
    assert_ne!(delivery, attempt.id);

    server.delivery_is(&attempt, "sent").await;
    assert!(server.check(&attempt, &code(&asked)).await.text("/grant").len() > 40);
    assert_eq!(gateway.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_messaging_service_takes_the_place_of_a_sender_and_without_public_url_nothing_is_called_back() {
    let mut place = Place::new();
    let gateway = gateway(&mut place, Conduct::Accept).await;
    place.set("TUTTU__SMS__GATEWAYS__0__MESSAGING_SERVICE_SID", "MG0123456789abcdef0123456789abcdef");
    let server = place.serve();
    server.attempt(ANNA).await;
    let asked = first(&gateway).await;
    let names: Vec<&str> = asked.form.keys().map(String::as_str).collect();
    assert_eq!(names, ["Body", "MessagingServiceSid", "To", "ValidityPeriod"]);
    assert_eq!(asked.form["MessagingServiceSid"], "MG0123456789abcdef0123456789abcdef");
}

on_both_engines!(whoever_asks_for_a_code_does_not_wait_for_the_gateway, |place| {
    let gateway = gateway(place, Conduct::Silence).await;
    let server = place.serve();
    // Answered, though the gateway answers nobody.
    let attempt = server.attempt(ANNA).await;
    first(&gateway).await;
    server.delivery_is(&attempt, "claimed").await;
    gateway.conduct(Conduct::Accept);
    server.delivery_is(&attempt, "sent").await;
});

on_both_engines!(a_refused_message_has_failed, |place| {
    let gateway = gateway(place, Conduct::Refuse).await;
    let server = place.serve();
    let attempt = server.attempt(ANNA).await;
    server.delivery_is(&attempt, "failed").await;
    let_everything_due_be_sent(&server, &gateway).await;
    assert_eq!(gateway.messages_to(ANNA), 1);
    let log = server.stop().err;
    assert!(log.contains("21211"), "the operator sees the gateway's reason: {log}");
    assert!(!holds_code(&log, &code(&gateway.asked()[0])), "{log}");
    for secret in [&ANNA[4..], AUTH_TOKEN] {
        assert!(!log.contains(secret), "{log}");
    }
});

on_both_engines!(a_message_without_an_answer_is_unknown_and_never_sent_again, |place| {
    let gateway = gateway(place, Conduct::Silence).await;
    let server = place.serve();
    let attempt = server.attempt(ANNA).await;
    server.delivery_is(&attempt, "unknown").await;
    let_everything_due_be_sent(&server, &gateway).await;
    server.stop();
    let server = place.serve();
    let later = server.attempt("+358401234563").await;
    server.delivery_is(&later, "sent").await;
    server.delivery_is(&attempt, "unknown").await;
    assert_eq!(gateway.messages_to(ANNA), 1);
    // It may have arrived all the same.
    server.check(&attempt, &code(&gateway.asked()[0])).await.text("/grant");
});

on_both_engines!(a_message_cut_off_by_a_kill_is_unknown_and_never_sent_again, |place| {
    let gateway = gateway(place, Conduct::Silence).await;
    let server = place.serve();
    let attempt = server.attempt(ANNA).await;
    first(&gateway).await;
    server.kill();
    server.gone();
    // As if the lease of the killed server had run out, which takes half a minute.
    alter(place, "UPDATE deliveries SET lease_until = 1 WHERE status = 'claimed'").await;
    let server = place.serve();
    server.delivery_is(&attempt, "unknown").await;
    let_everything_due_be_sent(&server, &gateway).await;
    assert_eq!(gateway.messages_to(ANNA), 1);
});

on_both_engines!(a_message_that_a_killed_server_had_not_taken_up_is_sent_by_the_next, |place| {
    let gateway = gateway(place, Conduct::Silence).await;
    let server = place.serve();
    let attempt = server.attempt(ANNA).await;
    let cut_off = first(&gateway).await;
    server.kill();
    server.gone();
    // As if the kill had come between the commit and the moment at which the outbox is read.
    alter(place, "UPDATE deliveries SET status = 'queued', lease_until = NULL WHERE status = 'claimed'")
        .await;
    gateway.conduct(Conduct::Accept);
    let server = place.serve();
    server.delivery_is(&attempt, "sent").await;
    assert_eq!(gateway.messages_to(ANNA), 2);
    let sent = &gateway.asked()[1];
    assert_eq!(code(sent), code(&cut_off), "a verification has one code");
    server.check(&attempt, &code(sent)).await.text("/grant");
});

on_both_engines!(a_server_that_ends_first_finishes_the_message_under_way, |place| {
    let gateway = gateway(place, Conduct::Silence).await;
    let server = place.serve();
    let attempt = server.attempt(ANNA).await;
    first(&gateway).await;
    server.begin_to_stop().await;
    gateway.conduct(Conduct::Accept);
    server.end().ok();
    place.serve().delivery_is(&attempt, "sent").await;
    assert_eq!(gateway.messages_to(ANNA), 1);
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_to_a_country_that_is_not_named() {
    let mut place = Place::new();
    let gateway = gateway(&mut place, Conduct::Accept).await;
    let server = place.serve();
    for number in ["+46701234567", "+12015550123", "+447400123456"] {
        server.start(number).await.expect(403, "destination_not_allowed");
    }
    server.delivery_is(&server.attempt(ANNA).await, "sent").await;
    assert_eq!(gateway.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_gateway_sends_nowhere_until_countries_are_named() {
    let mut place = Place::new();
    let gateway = gateway(&mut place, Conduct::Accept).await;
    place.unset("TUTTU__LIMITS__COUNTRIES__ALLOW");
    let mut server = place.serve();
    let said = server.says("No code will be sent");
    assert!(said.contains("limits.countries.allow"), "{said}");
    for number in [ANNA, "+46701234567"] {
        server.start(number).await.expect(403, "destination_not_allowed");
    }
    assert_eq!(gateway.asked().len(), 0);
    server.get("/v1/inbox?phone_number=%2B358401234561", "").await.expect(404, "not_found");
}
