//! The drill: a database is backed up under load, lost, and put back.

use super::harness::{Attempt, DEADLINE, Engine, Person, Place, Server, registration};
use std::fs;
use std::path::PathBuf;

/// People of whom each has a block of numbers to themselves.
pub(super) async fn people(server: &Server, blocks: std::ops::Range<u32>) -> Vec<Person> {
    let mut people = Vec::new();
    for block in blocks {
        people.push(server.register(&format!("+35840{block:03}0000")).await);
    }
    people
}

/// What was open when the backup was made: a code with the attempt, and a grant.
pub(super) struct Open {
    attempt: Attempt,
    code: String,
    grant: String,
}

impl Open {
    pub(super) async fn leave(server: &Server) -> Self {
        let (pending, granted) = ("+358407000000", "+358407010000");
        let approved = server.attempt(granted).await;
        let right = server.try_code(granted).await.unwrap();
        let grant = server.check(&approved, &right).await.text("/grant");
        let attempt = server.attempt(pending).await;
        Self { attempt, code: server.try_code(pending).await.unwrap(), grant }
    }

    pub(super) async fn is_over(&self, server: &Server) {
        server.check(&self.attempt, &self.code).await.expect(410, "verification_over");
        let spent = server.post("/v1/accounts", "", &registration(&self.grant, "Phone")).await;
        spent.expect(410, "grant_expired");
    }
}

/// They are signed in and found.
pub(super) async fn all_are_there(server: &Server, people: &[Person]) {
    let numbers: Vec<String> = people.iter().map(|person| person.number.clone()).collect();
    let found = server.look_up(&people[0].token, &numbers).await;
    for person in people {
        assert_eq!(found.get(&person.number), Some(&person.account_id));
        assert_eq!(server.account_of(&person.token).await, person.account_id);
    }
}

/// They are neither.
pub(super) async fn none_is_there(server: &Server, asking: &Person, people: &[Person]) {
    let numbers: Vec<String> = people.iter().map(|person| person.number.clone()).collect();
    assert!(server.look_up(&asking.token, &numbers).await.is_empty());
    for person in people {
        server.get("/v1/account", &person.token).await.expect(401, "token_invalid");
    }
}

fn database_files(place: &Place) -> [PathBuf; 3] {
    ["data/tuttu.db", "data/tuttu.db-wal", "data/tuttu.db-shm"].map(|file| place.path(file))
}

fn kept_aside(place: &Place) -> PathBuf {
    let aside = |path: &PathBuf| path.to_string_lossy().contains("tuttu.db.until-");
    place.tree().into_iter().find(aside).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_backed_up_under_load_is_there_after_the_database_was_lost_and_put_back() {
    let place = Place::on(Engine::Sqlite).await;
    let mut server = place.serve();
    server.inbox_key();
    let before = people(&server, 100..104).await;
    let open = Open::leave(&server).await;
    let backing_up = place.start(&["backup", "copy.db"]);
    people(&server, 200..204).await;
    let said = backing_up.finish(DEADLINE).ok();
    assert!(said.contains("copy.db holds the database as it was just now"), "{said}");
    assert!(said.contains("only with the key file data/keys.toml"), "{said}");
    assert_eq!(place.mode("copy.db"), 0o600);
    let after = people(&server, 300..302).await;
    server.stop();
    assert!(place.path("data/tuttu.directory").exists(), "the snapshot of a view");
    for file in database_files(&place) {
        let _not_there = fs::remove_file(file);
    }

    let said = place.run(&["restore", "copy.db"]).ok();
    assert!(said.contains("are over now: ") && !said.contains("are over now: 0"), "{said}");
    let mut server = place.serve();
    server.inbox_key();
    all_are_there(&server, &before).await;
    none_is_there(&server, &before[0], &after).await;
    open.is_over(&server).await;
    let back = server.register(&after[0].number).await;
    all_are_there(&server, &[back]).await;
    let log = server.stop().err;
    assert!(log.contains("the directory's snapshot is not used") && log.contains("restored since"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_waits_for_the_end_of_servers_and_keeps_the_database_aside() {
    let place = Place::on(Engine::Sqlite).await;
    let mut server = place.serve();
    server.inbox_key();
    let before = people(&server, 100..101).await;
    place.run(&["backup", "copy.db"]).ok();
    let again = place.run(&["backup", "copy.db"]).failed();
    assert!(again.contains("copy.db is there already"), "{again}");
    let after = people(&server, 200..201).await;
    let refused = place.run(&["restore", "copy.db", "--replace"]).failed();
    assert!(refused.contains("stop it first"), "{refused}");
    all_are_there(&server, &after).await;
    server.stop();
    let refused = place.run(&["restore", "copy.db"]).failed();
    assert!(refused.contains("data/tuttu.db is there: --replace keeps it aside"), "{refused}");
    place.run(&["restore", "copy.db", "--replace"]).ok();
    let server = place.serve();
    all_are_there(&server, &before).await;
    none_is_there(&server, &before[0], &after).await;
    server.stop();

    let aside = kept_aside(&place);
    place.run(&["restore", aside.to_str().unwrap(), "--replace"]).ok();
    let server = place.serve();
    all_are_there(&server, &[before, after].concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_from_before_a_key_was_added_is_restored_beside_the_file_that_has_it() {
    let place = Place::on(Engine::Sqlite).await;
    let mut server = place.serve();
    server.inbox_key();
    let before = people(&server, 100..101).await;
    place.run(&["backup", "copy.db"]).ok();
    server.stop();
    place.run(&["keys", "add", "token_key"]).ok();
    place.run(&["keys", "use", "token_key"]).ok();
    place.run(&["restore", "copy.db", "--replace"]).ok();
    let listed = place.run(&["keys", "list"]).ok();
    let added = |line: &str| line.starts_with("token_key") && line.contains(" 2 ") && line.contains("added");
    assert!(listed.lines().any(added), "{listed}");
    let server = place.serve();
    all_are_there(&server, &before).await;
    place.run(&["keys", "use", "token_key"]).ok();
    all_are_there(&server, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_other_keys_or_none_at_all_replaces_nothing() {
    let (place, other) = (Place::on(Engine::Sqlite).await, Place::on(Engine::Sqlite).await);
    for place in [&place, &other] {
        place.serve().stop();
        place.run(&["backup", "copy.db"]).ok();
    }
    fs::copy(other.path("copy.db"), place.path("foreign.db")).unwrap();
    place.write("text.db", "This is no database, though it is long enough to be looked at as one. ");
    fs::write(place.path("cut.db"), &fs::read(place.path("copy.db")).unwrap()[..20_000]).unwrap();
    let before = fs::read(place.path("data/tuttu.db")).unwrap();
    for (file, why) in [
        ("foreign.db", "is not the one this database was written with"),
        ("text.db", "file is not a database"),
        ("cut.db", "malformed"),
        ("nowhere.db", "nowhere.db cannot be copied"),
    ] {
        let refused = place.run(&["restore", file, "--replace"]).failed();
        assert!(refused.contains(file) && refused.contains(why), "{refused}");
    }
    fs::rename(place.path("data/keys.toml"), place.path("keys.toml")).unwrap();
    let refused = place.run(&["restore", "copy.db", "--replace"]).failed();
    assert!(refused.contains("the key file data/keys.toml is not there"), "{refused}");
    assert_eq!(fs::read(place.path("data/tuttu.db")).unwrap(), before);
    assert!(
        place.tree().iter().all(|path| !path.to_string_lossy().contains(".restoring")),
        "{:?}",
        place.tree()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_signed_out_by_a_restore_proves_the_number_and_goes_on() {
    let place = Place::on(Engine::Sqlite).await;
    let mut server = place.serve();
    server.inbox_key();
    let anna = server.register("+358401234561").await;
    server.stop();
    let said = place.run(&["restore", "--sign-out"]).ok();
    assert!(said.contains("devices signed out: 1") && !said.contains("revoked"), "{said}");
    let mut server = place.serve();
    server.inbox_key();
    server.get("/v1/account", &anna.token).await.expect(401, "token_invalid");
    let attempt = server.attempt(&anna.number).await;
    let code = server.try_code(&anna.number).await.unwrap();
    let grant = server.check(&attempt, &code).await.text("/grant");
    let answer = server.post("/v1/accounts", "", &registration(&grant, "Phone")).await.expect(200, "");
    assert_eq!(answer.text("/account_id"), anna.account_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_with_an_older_schema_is_made_and_brought_up_to_date_where_it_is_restored() {
    let place = Place::on(Engine::Sqlite).await;
    let mut server = place.serve();
    server.inbox_key();
    let before = people(&server, 100..102).await;
    server.stop();
    place.execute("DELETE FROM _sqlx_migrations WHERE version = 9; DROP TABLE restores").await;
    place.run(&["backup", "copy.db"]).ok();
    place.run(&["restore", "copy.db", "--replace"]).ok();
    all_are_there(&place.serve(), &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_erased_since_the_backup_is_not_brought_back_by_a_restore() {
    let place = Place::on(Engine::Sqlite).await;
    let mut server = place.serve();
    server.inbox_key();
    let before = people(&server, 100..104).await;
    place.run(&["backup", "copy.db"]).ok();
    server.erase(&before[1].token).await;
    server.stop();
    let erased = place.run(&["subject", "erase", "--number", &before[2].number, "--yes"]).ok();
    assert!(erased.contains("is erased") && !erased.contains(&before[2].number), "{erased}");
    let remembered = place.read("data/erasures");
    assert_eq!((remembered.lines().count(), place.mode("data/erasures")), (2, 0o600), "{remembered}");

    let said = place.run(&["restore", "copy.db", "--replace"]).ok();
    assert!(said.contains("erased since the backup and are erased again: 2"), "{said}");
    let mut server = place.serve();
    server.inbox_key();
    none_is_there(&server, &before[0], &before[1..3]).await;
    all_are_there(&server, &[before[0].clone(), before[3].clone()]).await;
    let back = server.register(&before[1].number).await;
    assert_ne!(back.account_id, before[1].account_id);
    server.stop();
    place.run(&["audit", "verify"]).ok();

    // Whoever has come back since is another person to the log, and stays.
    place.run(&["backup", "later.db"]).ok();
    let said = place.run(&["restore", "later.db", "--replace"]).ok();
    assert!(said.contains("are erased again: 0"), "{said}");
    all_are_there(&place.serve(), &[back]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_takes_another_file_of_erasures_and_refuses_one_that_is_not_there() {
    let place = Place::on(Engine::Sqlite).await;
    let mut server = place.serve();
    server.inbox_key();
    let before = people(&server, 100..102).await;
    place.run(&["backup", "copy.db"]).ok();
    server.erase(&before[1].token).await;
    server.stop();
    fs::rename(place.path("data/erasures"), place.path("kept")).unwrap();
    let refused = place.run(&["restore", "copy.db", "--replace", "--erasures", "nowhere"]).failed();
    assert!(refused.contains("nowhere is not there"), "{refused}");
    let said = place.run(&["restore", "copy.db", "--replace", "--erasures", "kept"]).ok();
    assert!(said.contains("are erased again: 1"), "{said}");
    none_is_there(&place.serve(), &before[0], &before[1..]).await;
}
