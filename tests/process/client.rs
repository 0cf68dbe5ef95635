//! `tuttu client`, as a person uses it.

use super::harness::{Finished, Place, Server, holds_code};
use serde_json::Value;
use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt as _;

const ANNA: &str = "+358401234561";
const BERTA: &str = "+358501234562";

/// A server with its users, and everything that the program has printed to them.
struct Town {
    place: Place,
    server: Server,
    key: String,
    printed: RefCell<String>,
}

impl Town {
    fn new() -> Self {
        let place = Place::new();
        let mut server = place.serve();
        let key = server.inbox_key();
        Self { place, server, key, printed: RefCell::default() }
    }

    #[track_caller]
    fn run(&self, who: &str, arguments: &[&str]) -> Finished {
        let finished = self.place.client(&self.server, who, arguments);
        self.printed.borrow_mut().extend([finished.out.as_str(), "\n", &finished.err, "\n"]);
        finished
    }

    #[track_caller]
    fn register(&self, who: &str, number: &str, name: &str) -> String {
        self.run(who, &["register", number, "--inbox", &self.key, "--name", name]).ok()
    }

    /// A member of somebody's credentials.
    fn credential(&self, who: &str, name: &str) -> String {
        let credentials: toml::Table = self.place.read(&format!("{who}.toml")).parse().unwrap();
        credentials[name].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_printed_holds_a_token_a_code_or_a_whole_number() {
    let town = Town::new();
    town.place.write("book.vcf", "BEGIN:VCARD\nVERSION:3.0\nFN:Berta\nTEL:050 1234562\nEND:VCARD\n");
    town.register("anna", ANNA, "Laptop");
    town.register("berta", BERTA, "Desk");
    let secrets = ["anna", "berta"].map(|who| town.credential(who, "device_token"));
    let numbers = [ANNA, BERTA];
    let mut codes = Vec::new();
    for number in numbers {
        codes.extend(town.server.try_code(number).await);
    }
    for arguments in [
        &["account"][..],
        &["devices"],
        &["lookup", "book.vcf"],
        &["lookup", "book.vcf", "--json"],
        &["register", ANNA, "--inbox", &town.key],
        &["devices", "revoke", &town.credential("anna", "device_id")],
        &["account"],
    ] {
        town.run("anna", arguments);
    }
    let printed = town.printed.borrow().clone() + &town.server.log();
    for code in codes {
        assert!(!holds_code(&printed, &code), "{code} in {printed}");
    }
    for secret in secrets.iter().map(String::as_str).chain(numbers).chain([town.key.as_str()]) {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

#[test]
fn a_person_registers_and_sees_the_account() {
    let town = Town::new();
    let said = town.register("anna", ANNA, "Laptop");
    let account = town.credential("anna", "account_id");
    assert!(said.contains(&format!("New account {account}")), "{said}");
    assert!(said.contains("Next: tuttu client lookup"), "{said}");
    let shown = town.run("anna", &["account"]).ok();
    assert!(shown.contains(&account) && shown.contains("Discoverable  yes"), "{shown}");
    assert!(shown.contains("61") && !shown.contains("1234561"), "the number is masked: {shown}");
}

#[test]
fn credentials_are_for_their_owner_alone_and_a_second_registration_does_not_overwrite_them() {
    let town = Town::new();
    town.register("anna", ANNA, "Laptop");
    assert_eq!(town.place.mode("anna.toml"), 0o600);
    let before = town.place.read("anna.toml");
    let refused = town.run("anna", &["register", BERTA, "--inbox", &town.key]).failed();
    assert!(refused.contains("add --replace"), "{refused}");
    assert_eq!(town.place.read("anna.toml"), before);
    town.run("anna", &["register", BERTA, "--inbox", &town.key, "--replace"]).ok();
    assert_ne!(town.place.read("anna.toml"), before);
    assert_eq!(town.place.mode("anna.toml"), 0o600);
    town.place.set_mode("anna.toml", 0o644);
    let refused = town.run("anna", &["account"]).failed();
    assert!(refused.contains("chmod 600"), "{refused}");
}

#[test]
fn credentials_lie_in_the_home_folder_unless_a_file_is_named() {
    let town = Town::new();
    let arguments = ["client", "--server", &town.server.base, "register", ANNA, "--inbox", &town.key];
    let said = town.place.run(&arguments).ok();
    let file = town.place.path(".config/tuttu/client.toml");
    assert!(said.contains(file.to_str().unwrap()), "{said}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(town.place.mode(".config/tuttu"), 0o700);
    town.place.run(&["client", "account"]).ok();
}

#[test]
fn a_device_that_was_signed_out_is_told_how_to_come_back() {
    let town = Town::new();
    town.register("laptop", ANNA, "Laptop");
    town.register("phone", ANNA, "Old phone");
    let table = town.run("laptop", &["devices"]).ok();
    let phone = town.credential("phone", "device_id");
    let line = |id: &str| table.lines().find(|line| line.starts_with(id)).unwrap().to_owned();
    assert!(line(&phone).contains("Old phone"), "{table}");
    assert!(line(&town.credential("laptop", "device_id")).ends_with("this device"), "{table}");

    let said = town.run("laptop", &["devices", "revoke", &phone]).ok();
    assert_eq!(said, format!("Device {phone} is signed out.\n"));
    let refused = town.run("phone", &["account"]).failed();
    assert!(refused.contains("register it again with `tuttu client register NUMBER --replace`"), "{refused}");
    assert!(!town.run("laptop", &["devices"]).ok().contains(&phone));

    town.run("laptop", &["devices", "revoke", &town.credential("laptop", "device_id")]).ok();
    assert!(!town.place.path("laptop.toml").exists(), "its credentials are gone");
    let refused = town.run("laptop", &["devices"]).failed();
    assert!(refused.contains("run `tuttu client register NUMBER` first"), "{refused}");
}

#[test]
fn an_account_is_deleted_only_by_a_clear_yes() {
    let town = Town::new();
    town.register("anna", ANNA, "Laptop");
    town.register("berta", BERTA, "Desk");
    town.place.write("book.vcf", "BEGIN:VCARD\nVERSION:3.0\nFN:Anna\nTEL:+358 40 1234561\nEND:VCARD\n");
    let refused = town.run("anna", &["delete"]).failed();
    assert!(
        refused.contains("--yes") && refused.contains(&town.credential("anna", "account_id")),
        "{refused}"
    );
    assert!(town.run("berta", &["lookup", "book.vcf"]).ok().contains("1 match,"));
    town.run("anna", &["delete", "--yes"]).ok();
    assert!(!town.place.path("anna.toml").exists());
    assert!(town.run("berta", &["lookup", "book.vcf"]).ok().contains("0 matches,"));
}

#[test]
fn a_lookup_says_what_was_found_what_was_left_out_and_what_it_cost() {
    let town = Town::new();
    town.register("anna", ANNA, "Laptop");
    town.register("berta", BERTA, "Desk");
    let book = "BEGIN:VCARD\nVERSION:3.0\nFN:Berta\nTEL:050 1234562\nTEL:+358501234562\nTEL:112\nEND:VCARD\n\
        BEGIN:VCARD\nVERSION:3.0\nFN:Stranger\nTEL:040 7654321\nEND:VCARD\n";
    town.place.write("book.vcf", book);
    let shown = town.run("anna", &["lookup", "book.vcf", "--json"]).ok();
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&report["contacts"], &report["matches"], &report["cost"]), (&2.into(), &1.into(), &2.into()));
    assert_eq!(report["numbers"][0]["account_id"], town.credential("berta", "account_id"));
    assert_eq!(report["numbers"][1]["account_id"], Value::Null);
    assert_eq!(report["skipped"][0]["reason"], "duplicate");
    assert_eq!(report["skipped"][1]["reason"], "short_code");
    let again = town.run("anna", &["lookup", "book.vcf"]).ok();
    assert!(
        again
            .ends_with("2 contacts, 2 numbers looked up: 1 match, 2 skipped; 0 of the lookup budget used.\n"),
        "{again}"
    );
    let kept = town.place.read("anna.toml");
    assert!(!kept.contains("501234562") && !kept.contains("407654321"), "credentials name no contact");
}

#[test]
fn a_wrong_server_is_answered_with_one_sentence_that_helps() {
    let town = Town::new();
    let ops = town.server.ops.clone();
    let wrong = [
        ("http://127.0.0.1:1", "check that the service runs there and that the address is right"),
        ("localhost:8080", "is not the address of a service; one looks like https://"),
        (ops.as_str(), "is there only with the inbox gateway"),
    ];
    for (server, help) in wrong {
        let arguments = ["client", "--server", server, "register", ANNA, "--inbox", &town.key];
        let said = town.place.run(&arguments).failed();
        assert!(said.starts_with("error: ") && said.contains(help), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains(&town.key) && !said.contains(&ANNA[1..]), "{said}");
    }
    assert!(!town.place.path(".config").exists(), "nothing was kept");
}

#[test]
fn a_token_is_not_shown_to_a_server_it_does_not_belong_to() {
    let town = Town::new();
    let other =
        town.place.serve_with(&["--database-url", "sqlite://other/t.db", "--keys-file", "other/k.toml"]);
    town.register("anna", ANNA, "Laptop");
    let refused = town.place.client(&other, "anna", &["account"]).failed();
    assert!(refused.contains("their token is not for"), "{refused}");
    let log = other.stop().err;
    assert!(!log.contains("answered"), "nothing was asked: {log}");
}

#[test]
fn a_wrong_key_or_number_is_answered_with_what_to_do() {
    let town = Town::new();
    // A key is base64url and may begin with a hyphen.
    for key in ["wrong", "-wrong", "--wrong"] {
        let refused = town.run("anna", &["register", ANNA, "--inbox", key]).failed();
        assert!(refused.contains("the key that the service printed when it started"), "{refused}");
    }
    let refused = town.run("anna", &["register", "040 1234561", "--inbox", &town.key]).failed();
    assert!(refused.contains("write it with + and its country code, or name its --region"), "{refused}");
    let arguments = ["register", "040 1234561", "--region", "FI", "--inbox", &town.key];
    town.run("anna", &arguments).ok();
    let refused = town.run("anna", &["lookup", "missing.vcf"]).failed();
    assert!(refused.contains("cannot read missing.vcf"), "{refused}");
    town.place.write("empty.vcf", "");
    let refused = town.run("anna", &["lookup", "empty.vcf"]).failed();
    assert!(refused.contains("holds no vCards: export your contacts as a .vcf file"), "{refused}");
}
