//! A server that is asked to end, and starts again.

use super::harness::{DEADLINE, Engine, Person, Place, Server, on_both_engines, registration};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use uuid::Uuid;

const ANNA: &str = "+358401234561";
const BERTA: &str = "+358501234562";
const CARLA: &str = "+358441234563";

/// A number at home, as people write it: `which` picks one of seven ways.
fn written(national: &str, which: usize) -> String {
    let (area, first, rest) = (&national[..2], &national[2..5], &national[5..]);
    match which % 7 {
        0 => format!("0{area} {first} {rest}"),
        1 => format!("+358 {area} {first} {rest}"),
        2 => format!("(0{area}) {first}{rest}"),
        3 => format!("00358 {area} {first}-{rest}"),
        4 => format!("0{area}-{first} {rest}"),
        5 => format!("+358 (0){area} {first}{rest}"),
        _ => format!("0{area}{first}{rest}"),
    }
}

/// 500 cards; the 100th is Berta's, the 321st Carla's, and nobody else has an account.
fn address_book() -> String {
    let mut book = String::new();
    for index in 0..500 {
        let number = match index {
            99 => BERTA[4..].to_owned(),
            320 => CARLA[4..].to_owned(),
            _ => format!("40{:07}", 5_000_000 + index * 1_237),
        };
        let _written = write!(
            book,
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Contact {index}\r\nTEL;TYPE=CELL:{}\r\nEND:VCARD\r\n",
            written(&number, index)
        );
    }
    book
}

fn register(place: &Place, server: &mut Server, who: &str, number: &str) {
    let key = server.inbox_key();
    place.client(server, who, &["register", number, "--inbox", &key]).ok();
}

/// What a lookup of the address book finds: names with accounts, and the cost.
fn look_up(place: &Place, server: &Server) -> (Vec<(String, String)>, u64) {
    let shown = place.client(server, "anna", &["lookup", "book.vcf", "--region", "FI", "--json"]).ok();
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(report["contacts"], 500);
    let numbers = report["numbers"].as_array().unwrap();
    assert_eq!(numbers.len(), 500, "every way of writing a number is understood");
    let found = numbers.iter().filter_map(|number| {
        let account = number["account_id"].as_str()?;
        Some((number["name"].as_str()?.to_owned(), account.to_owned()))
    });
    (found.collect(), report["cost"].as_u64().unwrap())
}

/// A member of somebody's credentials.
fn credential(place: &Place, who: &str, name: &str) -> String {
    let credentials: toml::Table = place.read(&format!("{who}.toml")).parse().unwrap();
    credentials[name].as_str().unwrap().to_owned()
}

on_both_engines!(a_restart_changes_no_answer_and_ends_no_token, |place| {
    place.write("book.vcf", &address_book());
    let mut server = place.serve();
    for (who, number) in [("anna", ANNA), ("berta", BERTA), ("carla", CARLA)] {
        register(place, &mut server, who, number);
    }
    let expected = [("Contact 99", "berta"), ("Contact 320", "carla")]
        .map(|(name, who)| (name.to_owned(), credential(place, who, "account_id")));
    assert_eq!(look_up(place, &server), (expected.to_vec(), 500));
    let before = server.base.clone();
    server.stop().ok();

    let server = place.serve();
    for who in ["anna", "berta", "carla"] {
        // The service has moved to another port: its own advice is to say so in the credentials.
        let moved = place.read(&format!("{who}.toml")).replace(&before, &server.base);
        place.write(&format!("{who}.toml"), &moved);
        let account = server.account_of(&credential(place, who, "device_token")).await;
        assert_eq!(account, credential(place, who, "account_id"));
    }
    assert_eq!(look_up(place, &server), (expected.to_vec(), 0), "what was paid for stays paid for");
});

#[test]
fn a_server_that_has_said_it_is_ready_ends_well_however_soon_it_is_asked_to() {
    let place = Place::new();
    for _ in 0..12 {
        place.serve().stop().ok();
    }
}

on_both_engines!(an_idle_server_ends_well_and_at_once, |place| {
    let mut server = place.serve();
    server.inbox_key();
    // The connection of this request stays open.
    let anna = server.register(ANNA).await;
    let finished = server.stop();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(!finished.err.contains("ERROR"), "{}", finished.err);
    assert_eq!(place.serve().account_of(&anna.token).await, anna.account_id);
});

on_both_engines!(a_verification_goes_on_after_a_restart, |place| {
    let mut server = place.serve();
    server.inbox_key();
    let attempt = server.attempt(ANNA).await;
    let code = server.try_code(ANNA).await.unwrap();
    server.stop();
    let server = place.serve();
    let grant = server.check(&attempt, &code).await.text("/grant");
    let body = registration(&grant, "Phone");
    let anna = Person::registered(ANNA, &server.post("/v1/accounts", "", &body).await.expect(201, ""));
    assert_eq!(server.account_of(&anna.token).await, anna.account_id);
});

on_both_engines!(a_revoked_device_stays_revoked_after_a_restart, |place| {
    let mut server = place.serve();
    server.inbox_key();
    let anna = server.register(ANNA).await;
    let path = format!("/v1/devices/{}", anna.device_id);
    let revoked = server.ask(reqwest::Method::DELETE, &path, &anna.token, None).await.unwrap();
    assert_eq!(revoked.status, 204);
    server.stop();
    place.serve().get("/v1/account", &anna.token).await.expect(401, "token_invalid");
});

/// A request whose body is not all there yet.
struct HalfRequest {
    stream: TcpStream,
    rest: String,
}

impl HalfRequest {
    fn send(server: &Server) -> Self {
        let body = json!({"phone_number": ANNA, "channel": "sms"}).to_string();
        let (begun, rest) = body.split_at(10);
        let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let head = "POST /v1/verifications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
            Expect: 100-continue";
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
        // Sent once a handler has begun to read the body: the request is under way.
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(begun.as_bytes()).unwrap();
        Self { stream, rest: rest.to_owned() }
    }

    fn end(mut self) -> String {
        self.stream.write_all(self.rest.as_bytes()).unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_under_way_is_answered_before_the_server_ends() {
    let place = Place::new();
    let server = place.serve();
    let request = HalfRequest::send(&server);
    server.begin_to_stop().await;
    let answer = request.end();
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    server.end().ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_a_server_that_waits_for_requests() {
    let server = Place::new().serve();
    let _request = HalfRequest::send(&server);
    server.begin_to_stop().await;
    let finished = server.stop();
    assert_eq!(finished.code, Some(1));
    assert!(finished.err.contains("requests under way were cut off"), "{}", finished.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ready_server_says_so_on_both_listeners() {
    let server = Place::new().serve();
    assert_eq!((server.get("/readyz", "").await.status, server.ops_status("/readyz").await), (200, 200));
    assert_eq!(server.ops_status("/metrics").await, 200);
    server.get("/metrics", "").await.expect(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_have_names_that_say_nothing() {
    let place = Place::new();
    let mut server = place.serve();
    server.inbox_key();
    let mut names = BTreeSet::new();
    for number in [ANNA, BERTA, CARLA] {
        let name = Uuid::parse_str(&server.register(number).await.account_id).unwrap();
        assert_eq!(name.get_version_num(), 4);
        names.insert(name);
    }
    assert_eq!(names.len(), 3);
}
