//! Keys that are replaced while servers run.

use super::harness::{Engine, Person, Place, Server, on_both_engines, registration, until};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio_util::task::TaskTracker;
use tuttu::model::grant::Grant;
use tuttu::model::id::{AccountId, VerificationId};
use tuttu::model::keys::{DirectoryKey, SecretKey, StoredHandle};

const KEYS: &str = "data/keys.toml";
/// The key file of the second server.
const SECOND: &str = "second.toml";
const ANNA: &str = "+358401234561";
const BERTA: &str = "+358501234562";
const CARLA: &str = "+358441234563";
const DORA: &str = "+358401234564";
const ROTATING: [&str; 5] = ["number_key", "code_key", "token_key", "audit_key", "jwt_key"];
const SEALED: &str = "SELECT SUBSTR(number_sealed, 1, 1) FROM accounts
    UNION SELECT SUBSTR(name_sealed, 1, 1) FROM devices
    UNION SELECT SUBSTR(number_sealed, 1, 1) FROM verifications
    UNION SELECT SUBSTR(pepper_sealed, 1, 1) FROM epochs";

fn server(place: &Place) -> Server {
    let mut server = place.serve();
    server.inbox_key();
    server
}

/// Two servers on one database, each with its own copy of the key file.
fn two_servers(place: &mut Place) -> (Server, Server) {
    let one = server(place);
    share(place);
    place.set("TUTTU__KEYS__FILE", SECOND);
    let two = server(place);
    place.unset("TUTTU__KEYS__FILE");
    (one, two)
}

/// Gives the second server the key file of the first.
fn share(place: &Place) {
    std::fs::copy(place.path(KEYS), place.path(SECOND)).unwrap();
}

/// What stands in a column of `tuttu keys list` for a version of a key.
fn listed(place: &Place, key: &str, version: &str, column: &str) -> String {
    let list = place.run(&["keys", "list"]).ok();
    let mut lines = list.lines();
    let at = lines.next().unwrap().find(column).unwrap();
    let row = lines.find(|line| line.split_whitespace().take(2).eq([key, version])).unwrap_or_default();
    let rest = row.get(at..).unwrap_or_default();
    rest.split("  ").next().unwrap().to_owned()
}

async fn list_says(place: &Place, (key, version): (&str, &str), column: &str, expected: &str) {
    until(&format!("{key} {version}: {column} {expected}"), async || {
        (listed(place, key, version, column) == expected).then_some(())
    })
    .await;
}

/// Replaces a key on two servers, the second of which hears of it last.
async fn rotate(place: &Place, (one, two): (&Server, &Server), key: &str) {
    let added = place.run(&["keys", "add", key]).ok();
    assert!(added.starts_with(&format!("{key} version 2 is in data/keys.toml.")), "{added}");
    assert_eq!(place.mode(KEYS), 0o600);
    let refused = place.run(&["keys", "use", key]).failed();
    assert!(refused.contains(&format!("{key} version 2 is not on every server")), "{refused}");
    assert_eq!(refused.matches("(process ").count(), 2, "{refused}");
    one.hang_up();
    list_says(place, (key, "2"), "SERVERS", "1 of 2").await;
    let refused = place.run(&["keys", "use", key]).failed();
    assert_eq!(refused.matches("(process ").count(), 1, "{refused}");
    assert_eq!(listed(place, key, "2", "STATE"), "added");
    share(place);
    two.hang_up();
    list_says(place, (key, "2"), "SERVERS", "2 of 2").await;
    let used = place.run(&["keys", "use", key, "--wait"]).ok();
    assert!(used.starts_with(&format!("{key} version 2 is in use.\n")), "{used}");
    assert!(used.ends_with(&format!("Every server uses {key} version 2.\n")), "{used}");
    assert_eq!(listed(place, key, "2", "STATE"), "in use");
}

/// The same on the only server.
async fn rotate_alone(place: &Place, server: &Server, key: &str) {
    place.run(&["keys", "add", key]).ok();
    server.hang_up();
    list_says(place, (key, "2"), "SERVERS", "1 of 1").await;
    place.run(&["keys", "use", key, "--wait"]).ok();
}

/// Alters the database behind the servers' backs.
async fn alter(place: &Place, statement: &str) {
    let statement = AssertSqlSafe(statement.to_owned());
    if let Some(url) = place.postgres() {
        PgConnection::connect(url).await.unwrap().execute(statement).await.unwrap();
    } else {
        let url = format!("sqlite://{}", place.path("data/tuttu.db").display());
        SqliteConnection::connect(&url).await.unwrap().execute(statement).await.unwrap();
    }
}

/// The versions under which anything is sealed.
async fn sealed_under(place: &Place) -> BTreeSet<Vec<u8>> {
    column(place, SEALED).await.into_iter().collect()
}

/// Every value of the only column that is asked for.
async fn column(place: &Place, statement: &'static str) -> Vec<Vec<u8>> {
    if let Some(url) = place.postgres() {
        let mut connection = PgConnection::connect(url).await.unwrap();
        return sqlx::query_scalar(statement).fetch_all(&mut connection).await.unwrap();
    }
    let url = format!("sqlite://{}", place.path("data/tuttu.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query_scalar(statement).fetch_all(&mut connection).await.unwrap()
}

/// An approved verification's grant; either server may have sent the code.
async fn grant(servers: [&Server; 2], number: &str) -> String {
    let attempt = servers[0].attempt(number).await;
    let code = code(servers, number).await;
    servers[1].check(&attempt, &code).await.text("/grant")
}

async fn code(servers: [&Server; 2], number: &str) -> String {
    let path = format!("/v1/inbox?phone_number={}", number.replace('+', "%2B"));
    until("a message", async || {
        for server in servers {
            let answer = server.get(&path, server.known_inbox_key()).await;
            if let Some(message) = answer.json["messages"].as_array().unwrap().last() {
                return Some(super::harness::code_in(message["text"].as_str().unwrap()));
            }
        }
        None
    })
    .await
}

/// A lookup whose receipt, if there is one, has paid for all of it.
async fn look_up(server: &Server, who: &Person, receipt: Option<&str>) -> Value {
    let (epoch, pepper) = server.epoch(&who.token).await;
    let handles = [super::harness::handle(&pepper, &who.number).to_base64url()];
    let body = match receipt {
        None => json!({"epoch": epoch, "handles": handles}),
        Some(receipt) => json!({"epoch": epoch, "handles": [], "known": handles, "sync_token": receipt}),
    };
    let answer = server.post("/v1/discovery/lookup", &who.token, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["matches"][0]["account_id"], who.account_id.as_str());
    answer.json
}

/// Requests that go on until they are told to end; each must be answered well.
struct Traffic {
    tasks: TaskTracker,
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
}

impl Traffic {
    fn begin(servers: [&Server; 2], token: &str) -> Self {
        let traffic = Self {
            tasks: TaskTracker::new(),
            over: Arc::default(),
            answered: Arc::default(),
            failed: Arc::default(),
        };
        for server in servers {
            for path in ["/v1/account", "/v1/devices", "/v1/discovery/epochs"] {
                let request = server.request(path, token);
                let (over, answered) = (traffic.over.clone(), traffic.answered.clone());
                let failed = traffic.failed.clone();
                traffic.tasks.spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        let answer = request.try_clone().unwrap().send().await;
                        let well = answer.is_ok_and(|answer| answer.status() == 200);
                        if well { &answered } else { &failed }.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        traffic
    }

    /// How many requests were answered well, and how many not.
    async fn end(self) -> (usize, usize) {
        self.over.store(true, Ordering::Relaxed);
        self.tasks.close();
        self.tasks.wait().await;
        (self.answered.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}

on_both_engines!(every_key_that_can_be_is_replaced_on_two_servers_and_nobody_loses_anything, |place| {
    let (one, two) = two_servers(place);
    let both = [&one, &two];
    let anna = Person::registered(
        ANNA,
        &one.post("/v1/accounts", "", &registration(&grant(both, ANNA).await, "Anna's phone")).await,
    );
    let paid = look_up(&one, &anna, None).await;
    let berta = one.attempt(BERTA).await;
    let (bertas_code, carlas_grant) = (code(both, BERTA).await, grant(both, CARLA).await);
    let start = json!({"phone_number": DORA, "channel": "sms"});
    let started = one.post_once("/v1/verifications", "the-same-request-twice", &start).await;

    let traffic = Traffic::begin(both, &anna.token);
    for key in ROTATING {
        rotate(place, (&one, &two), key).await;
    }
    let (answered, failed) = traffic.end().await;
    assert!(answered > 100 && failed == 0, "{answered} answered, {failed} failed");
    assert_eq!(sealed_under(place).await, [vec![2]].into(), "nothing is sealed under the old key");

    for server in both {
        assert_eq!(server.account_of(&anna.token).await, anna.account_id);
        let devices = server.get("/v1/devices", &anna.token).await;
        assert_eq!(devices.text("/devices/0/name"), "Anna's phone");
        let again = look_up(server, &anna, paid["sync_token"].as_str()).await;
        assert_eq!(again["budget"]["cost"], 0);
        // What was paid for just before the switch is asked again for nothing, and both receipts are good.
        let retried = look_up(server, &anna, None).await;
        assert_eq!(retried["budget"]["cost"], 0);
        assert_ne!(retried["sync_token"], paid["sync_token"]);
        look_up(server, &anna, retried["sync_token"].as_str()).await;
        let answer = server.post_once("/v1/verifications", "the-same-request-twice", &start).await;
        assert_eq!(answer.json, started.json, "it is evaluated once");
    }
    let bertas_grant = two.check(&berta, &bertas_code).await.text("/grant");
    assert_eq!(one.check(&berta, &bertas_code).await.text("/grant"), bertas_grant);
    for (number, grant) in [(BERTA, bertas_grant), (CARLA, carlas_grant)] {
        let answer = one.post("/v1/accounts", "", &registration(&grant, "A phone")).await;
        let who = Person::registered(number, &answer);
        assert_eq!(two.account_of(&who.token).await, who.account_id);
    }
});

on_both_engines!(a_key_that_nothing_is_under_is_retired_and_may_leave_the_file, |place| {
    let one = server(place);
    let anna = one.register(ANNA).await;
    let sealed = column(place, "SELECT number_sealed FROM accounts").await.remove(0);
    for key in ["number_key", "code_key", "token_key"] {
        rotate_alone(place, &one, key).await;
        assert_eq!(listed(place, key, "1", "STATE"), "reading");
    }
    let under = |key| listed(place, key, "1", "UNDER IT");
    assert_eq!(["number_key", "code_key", "token_key"].map(under), ["0", "1", "1"]);

    // Whoever has read his keys before the switch seals once more under the old one.
    let literal = if place.postgres().is_some() { "decode('{}', 'hex')" } else { "x'{}'" };
    let literal = literal.replace("{}", &hex::encode(sealed));
    alter(place, &format!("UPDATE accounts SET number_sealed = {literal}")).await;

    let a_year = 365_i64 * 86_400_000;
    alter(place, &format!("UPDATE verifications SET expires_at = expires_at - {a_year}")).await;
    list_says(place, ("code_key", "1"), "STATE", "retired").await;
    alter(place, &format!("UPDATE key_fingerprints SET used_at = used_at - {a_year}")).await;
    list_says(place, ("number_key", "1"), "STATE", "retired").await;
    assert_eq!(sealed_under(place).await, [vec![2]].into());
    assert_eq!(listed(place, "token_key", "1", "STATE"), "reading", "a device of before lives on");
    alter(place, "UPDATE devices SET last_seen_at = 0").await;
    list_says(place, ("token_key", "1"), "STATE", "retired").await;
    one.stop().ok();

    let keys: toml::Table = place.read(KEYS).parse().unwrap();
    let without = |names: &[&str]| {
        let mut keys = keys.clone();
        for name in names {
            keys[*name].as_table_mut().unwrap().remove("1").unwrap();
        }
        toml::to_string(&keys).unwrap()
    };
    place.write(KEYS, &without(&["index_key"]));
    let refusal = place.refusal();
    assert!(refusal.contains("lacks index_key version 1"), "{refusal}");
    place.write(KEYS, &without(&["number_key", "code_key", "token_key"]));
    let one = server(place);
    one.get("/v1/account", &anna.token).await.expect(401, "token_invalid");
    one.register(BERTA).await;
});

on_both_engines!(a_server_without_a_version_that_was_added_does_not_start, |place| {
    let one = server(place);
    let before = place.read(KEYS);
    place.run(&["keys", "add", "code_key"]).ok();
    let after = place.read(KEYS);
    place.write(KEYS, &before);
    let refusal = place.refusal();
    assert!(refusal.contains("lacks code_key version 2"), "{refusal}");
    place.write(KEYS, &after);
    server(place);
    drop(one);
});

on_both_engines!(a_key_file_that_cannot_be_used_leaves_the_keys_as_they_were, |place| {
    let one = server(place);
    let anna = one.register(ANNA).await;
    let keys = place.read(KEYS);
    for (text, said) in [
        (keys.replace("[code_key]", "[cod_key]"), "[cod_key] is no key of this version"),
        (keys.replacen("\n1 = ", "\n2 = ", 1), "lacks number_key version 1"),
        (
            keys.replace(
                "[token_key]\n",
                "[token_key]\n7 = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n",
            ),
            "does not know",
        ),
    ] {
        place.write(KEYS, &text);
        one.hang_up();
        until(said, async || one.log().contains(said).then_some(())).await;
    }
    assert_eq!(one.log().matches("the keys stay as they were").count(), 3);
    assert_eq!(one.account_of(&anna.token).await, anna.account_id);
    one.register(BERTA).await;
});

#[test]
fn a_key_by_which_rows_are_found_is_not_replaced() {
    let place = Place::new();
    place.serve().stop().ok();
    let keys = place.read(KEYS);
    let refused = place.run(&["keys", "add", "index_key"]).failed();
    assert!(refused.contains("index_key cannot be rotated: rows are found by it"), "{refused}");
    assert_eq!(place.read(KEYS), keys);
}

/// A version of a key in a key file.
fn key(keys: &toml::Table, name: &str, version: u8) -> Option<SecretKey> {
    let text = keys[name].get(version.to_string())?.as_str()?;
    Some(SecretKey::new(version, URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()))
}

on_both_engines!(whoever_has_an_old_key_forges_no_grant_of_what_was_started_since, |place| {
    let one = server(place);
    rotate_alone(place, &one, "code_key").await;
    let attempt = one.attempt(ANNA).await;
    let code = code([&one, &one], ANNA).await;
    let genuine = one.check(&attempt, &code).await.text("/grant");
    let keys: toml::Table = place.read(KEYS).parse().unwrap();
    let id = VerificationId::parse(&attempt.id).unwrap();
    let forged = Grant::derive(&key(&keys, "code_key", 1).unwrap(), id).expose();
    let answer = one.post("/v1/accounts", "", &registration(&forged, "A phone")).await;
    answer.expect(400, "grant_invalid");
    assert_eq!(one.post("/v1/accounts", "", &registration(&genuine, "A phone")).await.status, 201);
});

/// Which of the two versions of `directory_key` the rows of an epoch are stored under, and how many there are.
async fn stored_under(place: &Place, epoch: u32, person: &Person) -> BTreeSet<(u8, usize)> {
    let keys: toml::Table = place.read(KEYS).parse().unwrap();
    let rows = directory_rows(place, epoch).await;
    let fits = |version: &u8| {
        let key = DirectoryKey::new(&key(&keys, "directory_key", *version)?);
        let account = AccountId::parse(&person.account_id).unwrap();
        let genuine = |(handle, tag): &&(Vec<u8>, Vec<u8>)| {
            key.tag_fits(epoch, StoredHandle::from_slice(handle).unwrap(), account, tag)
        };
        Some((*version, rows.iter().filter(genuine).count()))
    };
    [1, 2].iter().filter_map(fits).filter(|(_, rows)| *rows > 0).collect()
}

async fn directory_rows(place: &Place, epoch: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    let rows = sqlx::AssertSqlSafe(format!("SELECT handle, tag FROM directory WHERE epoch_id = {epoch}"));
    if let Some(url) = place.postgres() {
        let mut connection = PgConnection::connect(url).await.unwrap();
        return sqlx::query_as(rows).fetch_all(&mut connection).await.unwrap();
    }
    let url = format!("sqlite://{}", place.path("data/tuttu.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query_as(rows).fetch_all(&mut connection).await.unwrap()
}

on_both_engines!(
    the_key_of_handles_is_replaced_with_the_next_epoch_and_everybody_is_found_meanwhile,
    |place| {
        place.set("TUTTU__DIRECTORY__MODE", "complete");
        let (one, two) = two_servers(place);
        let both = [&one, &two];
        let register = async |number: &str| {
            let body = registration(&grant(both, number).await, "A phone");
            Person::registered(number, &one.post("/v1/accounts", "", &body).await)
        };
        let anna = register(ANNA).await;
        rotate_for_epochs(place, (&one, &two)).await;
        assert_eq!(listed(place, "directory_key", "1", "UNDER IT"), "1");
        let traffic = Traffic::begin(both, &anna.token);
        let berta = register(BERTA).await;
        assert_eq!(stored_under(place, 1, &berta).await, [(1, 1)].into(), "an epoch keeps its key");
        place.run(&["epoch", "rotate", "--incident", "--wait"]).ok();
        let carla = register(CARLA).await;
        for who in [&anna, &berta, &carla] {
            assert_eq!(stored_under(place, 1, who).await, [(1, 1)].into());
            assert_eq!(stored_under(place, 2, who).await, [(2, 1)].into());
            for server in both {
                assert_eq!(server.epoch(&anna.token).await.0, 2);
                // A node sees what another has committed within a second.
                until("the person", async || {
                    let found = server.look_up(&anna.token, std::slice::from_ref(&who.number)).await;
                    (found.get(&who.number) == Some(&who.account_id)).then_some(())
                })
                .await;
            }
        }
        let (answered, failed) = traffic.end().await;
        assert!(answered > 100 && failed == 0, "{answered} answered, {failed} failed");

        // A week and an hour later.
        alter(place, "UPDATE epochs SET valid_until = 1 WHERE epoch_id = 1").await;
        list_says(place, ("directory_key", "1"), "STATE", "retired").await;
        one.stop().ok();
        two.stop().ok();
        let mut keys: toml::Table = place.read(KEYS).parse().unwrap();
        keys["directory_key"].as_table_mut().unwrap().remove("1").unwrap();
        place.write(KEYS, &toml::to_string(&keys).unwrap());
        let one = server(place);
        let found = one.look_up(&anna.token, &[ANNA, BERTA, CARLA].map(str::to_owned)).await;
        assert_eq!(found.len(), 3);
    }
);

/// Replaces the key of handles, which the next epoch takes.
async fn rotate_for_epochs(place: &Place, (one, two): (&Server, &Server)) {
    place.run(&["keys", "add", "directory_key"]).ok();
    share(place);
    one.hang_up();
    two.hang_up();
    list_says(place, ("directory_key", "2"), "SERVERS", "2 of 2").await;
    let used = place.run(&["keys", "use", "directory_key"]).ok();
    assert!(used.contains("in use for the epochs to come: `tuttu epoch rotate` begins one"), "{used}");
}

#[test]
fn a_version_is_added_once_and_taken_back_until_it_is_used() {
    let place = Place::new();
    place.serve().stop().ok();
    let keys = place.read(KEYS);
    let refused = place.run(&["keys", "use", "token_key"]).failed();
    assert!(refused.contains("run `tuttu keys add token_key`"), "{refused}");
    place.run(&["keys", "add", "token_key"]).ok();
    let refused = place.run(&["keys", "add", "token_key"]).failed();
    assert!(refused.contains("token_key version 2 is added and not in use yet"), "{refused}");
    place.run(&["keys", "withdraw", "token_key"]).ok();
    assert_eq!(place.read(KEYS), keys);
    assert_eq!(listed(&place, "token_key", "2", "STATE"), "retired");
    let added = place.run(&["keys", "add", "token_key"]).ok();
    assert!(added.starts_with("token_key version 3 is in"), "{added}");
    // No server runs that would have to read it first.
    place.run(&["keys", "use", "token_key"]).ok();
    let refused = place.run(&["keys", "withdraw", "token_key"]).failed();
    assert!(refused.contains("has no version that is added and not in use"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cut_off_between_file_and_database_is_added_by_the_next_try() {
    let place = Place::new();
    let one = server(&place);
    let anna = one.register(ANNA).await;
    one.stop().ok();
    let second = "2 = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n";
    let both = ["[code_key]\n", "[token_key]\n"];
    place.write(
        KEYS,
        &both.iter().fold(place.read(KEYS), |keys, key| keys.replace(key, &format!("{key}{second}"))),
    );
    let refusal = place.refusal();
    assert!(refusal.contains("has code_key version 2, which this database does not know"), "{refusal}");
    place.run(&["keys", "add", "code_key"]).ok();
    let refusal = place.refusal();
    assert!(refusal.contains("has token_key version 2, which this database does not know"), "{refusal}");
    assert!(refusal.contains("`tuttu keys add token_key`"), "{refusal}");
    place.run(&["keys", "add", "token_key"]).ok();
    assert_eq!(place.read(KEYS).matches(second).count(), 2);
    assert_eq!(server(&place).account_of(&anna.token).await, anna.account_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_is_no_longer_listed() {
    let place = Place::new();
    let one = server(&place);
    assert!(place.run(&["keys", "list"]).ok().contains("(process "));
    assert_eq!(one.ask(Method::GET, "/livez", "", None).await.unwrap().status, 200);
    one.stop().ok();
    let list = place.run(&["keys", "list"]).ok();
    assert!(list.contains("\nnumber_key     1        in use") && !list.contains("(process "), "{list}");
}
