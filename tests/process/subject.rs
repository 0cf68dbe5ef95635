//! `tuttu subject`: what is kept of a person is shown whole, and once it is erased nothing can be recovered.

use super::at_rest::needles::Needles;
use super::harness::{Attempt, Engine, Person, Place, Server, on_both_engines, until};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

const ANNA: &str = "+358401234561";
const STRANGER: &str = "+358501876542";

/// What the database keeps of somebody, each with what it is.
type Kept = Vec<(&'static str, Vec<u8>)>;

/// Somebody with everything that the service can have of a person, among others.
async fn live(server: &Server, others: u32) -> (Person, Attempt, Vec<Person>) {
    let mut people = Vec::new();
    for other in 0..others / 2 {
        people.push(server.register(&format!("+35844{other:03}0000")).await);
    }
    let anna = server.register(ANNA).await;
    for other in others / 2..others {
        people.push(server.register(&format!("+35844{other:03}0000")).await);
    }
    let book: Vec<String> = people.iter().map(|person| person.number.clone()).collect();
    server.look_up(&anna.token, &book).await;
    server.look_up(&people[0].token, &[ANNA.to_owned()]).await;
    let stranger = server.attempt(STRANGER).await;
    server.check(&stranger, "135790").await;
    (anna, stranger, people)
}

fn id(text: &str) -> String {
    text.replace('-', "")
}

/// Every byte string by which the database knows an account.
async fn of_account(place: &Place, account: &str) -> Kept {
    let own = match place.postgres() {
        Some(_) => format!("'\\x{}'::bytea", id(account)),
        None => format!("x'{}'", id(account)),
    };
    let number = format!("(SELECT number_index FROM accounts WHERE account_id = {own})");
    let mut needles = Vec::new();
    for (what, query) in [
        ("the account", format!("SELECT account_id FROM accounts WHERE account_id = {own}")),
        ("the sealed number", format!("SELECT number_sealed FROM accounts WHERE account_id = {own}")),
        ("a device", format!("SELECT device_id FROM devices WHERE account_id = {own}")),
        ("the name of a device", format!("SELECT name_sealed FROM devices WHERE account_id = {own}")),
        ("the secret of a device", format!("SELECT secret_hash FROM devices WHERE account_id = {own}")),
        ("the handle", format!("SELECT handle FROM directory WHERE account_id = {own}")),
        ("the tag of the handle", format!("SELECT tag FROM directory WHERE account_id = {own}")),
    ] {
        needles.extend(place.bytes(&query).await.into_iter().map(|bytes| (what, bytes)));
    }
    needles.extend(of_number(place, &number).await);
    needles
}

/// Every byte string by which the database knows a number.
async fn of_number(place: &Place, number: &str) -> Kept {
    let mut needles = Vec::new();
    for (what, query) in [
        ("the index of the number", format!("SELECT owner FROM audit_subjects WHERE owner = {number}")),
        ("the person's key", format!("SELECT key_sealed FROM audit_subjects WHERE owner = {number}")),
        (
            "a verification",
            format!("SELECT verification_id FROM verifications WHERE number_index = {number}"),
        ),
        (
            "its sealed number",
            format!("SELECT number_sealed FROM verifications WHERE number_index = {number}"),
        ),
        ("an attempt", format!("SELECT attempt_id FROM attempts WHERE number_index = {number}")),
    ] {
        let found = place.bytes(&query).await;
        assert!(!found.is_empty(), "{query}");
        needles.extend(found.into_iter().map(|bytes| (what, bytes)));
    }
    needles
}

async fn of_verification(place: &Place, verification: &str) -> Kept {
    let own = match place.postgres() {
        Some(_) => format!("'\\x{}'::bytea", id(verification)),
        None => format!("x'{}'", id(verification)),
    };
    of_number(place, &format!("(SELECT number_index FROM verifications WHERE verification_id = {own})")).await
}

/// The files of the database: on PostgreSQL those of its tables and indexes.
async fn files(place: &Place) -> Vec<PathBuf> {
    if place.postgres().is_none() {
        let kept = |path: &PathBuf| path.is_file() && !path.ends_with("keys.toml");
        return place.tree().into_iter().filter(kept).collect();
    }
    let asked = "SELECT convert_to(current_setting('data_directory') || '/base/' || oid, 'UTF8')
        FROM pg_database WHERE datname = current_database()";
    let folder = String::from_utf8(place.bytes(asked).await.remove(0)).unwrap();
    place.execute("CHECKPOINT").await;
    fs::read_dir(Path::new(&folder)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// What of it stands in the files, in any form. PostgreSQL puts files in the place of others by itself: where one is gone
/// that was there a moment ago, all of them are read again, for another may have come.
async fn found(place: &Place, needles: &Needles) -> BTreeSet<String> {
    loop {
        match found_at_once(&files(place).await, needles) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            found => return found.unwrap(),
        }
    }
}

fn found_at_once(files: &[PathBuf], needles: &Needles) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for file in files {
        let bytes = fs::read(file)?;
        found
            .extend(needles.found_in(&bytes).into_iter().map(|what| format!("{what} in {}", file.display())));
    }
    Ok(found)
}

async fn count(place: &Place, table: &str) -> u8 {
    let cast = if place.postgres().is_some() {
        "decode(lpad(to_hex(COUNT(*)), 2, '0'), 'hex')"
    } else {
        "CAST(char(COUNT(*)) AS BLOB)"
    };
    place.bytes(&format!("SELECT {cast} FROM {table}")).await[0][0]
}

/// Lets the day pass for which changes of the directory are kept.
async fn let_the_feed_be_forgotten(place: &Place) {
    let marks = count(place, "feed_marks").await;
    let server = place.serve();
    until("a mark", async || (count(place, "feed_marks").await > marks).then_some(())).await;
    server.stop();
    place.execute("UPDATE feed_marks SET marked_at = marked_at - 90000000").await;
    let server = place.serve();
    until("the end of the feed", async || (count(place, "directory_feed").await == 0).then_some(())).await;
    server.stop();
}

on_both_engines!(nothing_of_an_erased_person_can_be_recovered_from_the_files, |place| {
    let mut server = place.serve();
    server.inbox_key();
    let (anna, stranger, others) = live(&server, 12).await;
    until("the attempts", async || (count(place, "attempts").await == 14).then_some(())).await;
    let mut kept = of_account(place, &anna.account_id).await;
    kept.extend(of_verification(place, &stranger.id).await);
    assert!(kept.len() >= 17, "{}", kept.len());
    let mut needles = Needles::default();
    for (what, bytes) in &kept {
        needles.bytes(what, bytes);
    }
    let before = found(place, &needles).await;
    for (what, _) in &kept {
        assert!(before.iter().any(|found| found.starts_with(what)), "{what} is there and not found");
    }
    for number in [ANNA, STRANGER] {
        let erase = ["subject", "erase", "--number", number, "--yes"];
        let said = if place.postgres().is_some() {
            place.run(&erase).ok()
        } else {
            place.run(&[erase.as_slice(), &["--rewrite"]].concat()).ok()
        };
        assert!(said.contains("is erased"), "{said}");
    }
    until("the end of the device", async || {
        (server.get("/v1/account", &anna.token).await.status == 401).then_some(())
    })
    .await;
    server.stop();
    let_the_feed_be_forgotten(place).await;
    if place.postgres().is_some() {
        place.execute("ANALYZE").await;
        place.execute("VACUUM FULL").await;
    }
    assert_eq!(found(place, &needles).await, [].into());
    place.run(&["audit", "verify"]).ok();
    let server = place.serve();
    assert_eq!(server.account_of(&others[0].token).await, others[0].account_id);
});

on_both_engines!(all_that_is_kept_of_a_person_is_exported_with_its_places_in_the_log, |place| {
    let mut server = place.serve();
    server.inbox_key();
    let (anna, stranger, _) = live(&server, 2).await;
    let said = place.run(&["subject", "export", "--number", ANNA, "--reason", "she asked for it"]).ok();
    let all: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&all["phone_number"], &all["account_id"]), (&ANNA.into(), &anna.account_id.clone().into()));
    assert_eq!(all["devices"][0]["name"], "Test phone");
    assert_eq!(all["verifications"][0]["status"], "approved");
    let events = all["events"].as_array().unwrap();
    let registered = events.iter().find(|event| event["action"] == "account.registered").unwrap();
    assert!(
        registered["index"].is_u64() && registered["device_id"] == anna.device_id.as_str(),
        "{registered}"
    );
    let said = place.run(&["subject", "export", "--number", STRANGER]).ok();
    let all: Value = serde_json::from_str(&said).unwrap();
    assert!(all.get("account_id").is_none(), "{all}");
    assert_eq!(all["verifications"][0]["id"], stranger.id.as_str());
    let log = place.run(&["audit", "export", "--action", "person.exported"]).ok();
    assert_eq!(log.matches("\"type\":\"operator\"").count(), 2, "{log}");
    assert!(log.contains("she asked for it") && !log.contains("+358"), "{log}");
});

on_both_engines!(an_erasure_is_confirmed_and_ends_a_person_with_or_without_an_account, |place| {
    let mut server = place.serve();
    server.inbox_key();
    let (anna, stranger, others) = live(&server, 2).await;
    let erase = |number| ["subject", "erase", "--number", number, "--yes"];
    let refused = place.run(&erase(ANNA)[..4]).failed();
    assert!(refused.contains("add --yes"), "{refused}");
    for number in [ANNA, STRANGER] {
        place.run(&erase(number)).ok();
        let refused = place.run(&erase(number)).failed();
        assert!(refused.contains("nothing is kept of this number"), "{refused}");
    }
    until("the end of the device", async || {
        (server.get("/v1/account", &anna.token).await.status == 401).then_some(())
    })
    .await;
    until("the end of the entry", async || {
        server.look_up(&others[0].token, &[ANNA.to_owned()]).await.is_empty().then_some(())
    })
    .await;
    server.check(&stranger, "135790").await.expect(404, "not_found");
    let refused = place.run(&["subject", "export", "--number", ANNA]).failed();
    assert!(refused.contains("nothing is kept of this number"), "{refused}");
    let log = place.run(&["audit", "export", "--action", "person.erased"]).ok();
    assert_eq!(log.matches("\"type\":\"operator\"").count(), 2, "{log}");
    // Another server, for the inbox of this one still holds the old code.
    server.stop();
    let mut server = place.serve();
    server.inbox_key();
    let back = server.register(ANNA).await;
    assert_ne!(back.account_id, anna.account_id, "nothing stands in the way of a new beginning");
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_nobody_reads_to_its_end_ends_quietly() {
    let place = Place::on(Engine::Sqlite).await;
    let mut server = place.serve();
    server.inbox_key();
    server.register(ANNA).await;
    for export in [["audit", "export"].as_slice(), &["subject", "export", "--number", ANNA]] {
        let unread = place.run_unread(export);
        assert_eq!((unread.code, unread.err.as_str()), (Some(0), ""));
    }
}
