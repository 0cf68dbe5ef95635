//! What a thief of the database, without the key file, learns.

pub(super) mod needles;

use super::harness::{Attempt, Engine, Person, Place, Server, handle, on_both_engines, registration};
use needles::{Needles, token_bytes};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::collections::BTreeSet;
use tuttu::model::handle::Pepper;
use uuid::Uuid;

const PEOPLE: [&str; 3] = ["+358401234561", "+358501876542", "+358447654323"];
const STARTER: &str = "+358409990001";
/// In an address book, and nowhere else.
const STRANGERS: [&str; 3] = ["+358405550001", "+358405550002", "+358405550003"];
const DEVICE_NAME: &str = "Kaisa's blue telephone";

/// Everything that the database must not give away, and what it must hold.
#[derive(Default)]
struct Life {
    secret: Needles,
    /// The codes, which are so short that in timestamps and hex they are found by chance.
    codes: Needles,
    /// The ids of accounts, devices and verifications: that they are found shows that the search works.
    known: Needles,
    ids: BTreeSet<String>,
}

impl Life {
    fn id(&mut self, id: &str) {
        self.known.bytes(id, id.parse::<Uuid>().unwrap().as_bytes());
        self.ids.insert(id.to_owned());
    }

    fn attempt(&mut self, attempt: &Attempt, code: &str) {
        self.secret.number(&attempt.number);
        self.code(code);
        self.secret.base64url("the secret of a verification", &attempt.secret);
        self.id(&attempt.id);
    }

    fn code(&mut self, code: &str) {
        self.codes.text("a code", code);
        self.secret.hashes("a code", code);
    }

    fn grant(&mut self, grant: &str) {
        self.secret.text("a grant", grant);
        // Before them is the id of the verification, which the database holds.
        self.secret.base64url("the proof of a grant", &grant[24..]);
    }

    fn person(&mut self, person: &Person) {
        self.secret.token(&person.token);
        let device: Uuid = person.device_id.parse().unwrap();
        assert_eq!(&token_bytes(&person.token)[..16], device.as_bytes(), "the token was taken apart rightly");
        self.id(&person.device_id);
        self.id(&person.account_id);
    }

    fn handles(&mut self, pepper: &Pepper, numbers: &[&str]) {
        for number in numbers {
            self.secret.parts(&format!("the handle of {number}"), handle(pepper, number).as_bytes());
            let whole = blake3::keyed_hash(pepper.as_bytes(), number.as_bytes());
            self.secret.parts(&format!("the keyed hash of {number}"), whole.as_bytes());
        }
    }
}

/// Registers, verifies, guesses and looks up, and remembers every secret of it.
async fn live(server: &Server) -> Life {
    let mut life = Life::default();
    let mut tokens = Vec::new();
    for number in PEOPLE {
        let attempt = server.attempt(number).await;
        let code = server.try_code(number).await.unwrap();
        let grant = server.check(&attempt, &code).await.text("/grant");
        let answer = server.post("/v1/accounts", "", &registration(&grant, DEVICE_NAME)).await;
        let person = Person::registered(number, &answer);
        life.attempt(&attempt, &code);
        life.grant(&grant);
        life.person(&person);
        tokens.push(person.token);
    }
    // One verification stays open, with a wrong guess; one is approved, and its grant not spent.
    for (number, approve) in [(STARTER, false), ("+358409990002", true)] {
        let attempt = server.attempt(number).await;
        let code = server.try_code(number).await.unwrap();
        life.attempt(&attempt, &code);
        let guess = if code == "135790" { "135791" } else { "135790" };
        server.check(&attempt, guess).await.expect(422, "code_incorrect");
        life.code(guess);
        if approve {
            life.grant(&server.check(&attempt, &code).await.text("/grant"));
        }
    }
    let numbers = [PEOPLE.as_slice(), &STRANGERS].concat();
    let book: Vec<String> = numbers.iter().map(|number| (*number).to_owned()).collect();
    for token in &tokens {
        assert_eq!(server.look_up(token, &book).await.len(), PEOPLE.len());
    }
    let (_, pepper) = server.epoch(&tokens[0]).await;
    life.secret.parts("the pepper", pepper.as_bytes());
    life.handles(&pepper, &[&numbers[..], &[STARTER]].concat());
    for stranger in STRANGERS {
        life.secret.number(stranger);
    }
    life.secret.text("the name of a device", DEVICE_NAME);
    life.secret.text("a part of the name of a device", "telephone");
    life
}

/// What a thief carries away.
#[derive(Default)]
struct Loot {
    bytes: Vec<u8>,
    /// Text, in which timestamps and hex stand.
    text: String,
}

impl Loot {
    /// Every file but the key file, or every row.
    async fn of(place: &Place) -> Self {
        if let Some(url) = place.postgres() {
            return Self::rows(url).await;
        }
        let mut loot = Self::default();
        let files: Vec<_> = place.tree().into_iter().filter(|path| path.is_file()).collect();
        for file in files.iter().filter(|file| !file.ends_with("keys.toml")) {
            loot.bytes.extend(std::fs::read(file).unwrap());
        }
        loot
    }

    /// Every row of every table as text, and the bytes that its hex stands for.
    async fn rows(url: &str) -> Self {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let tables = "SELECT table_name::text FROM information_schema.tables
            WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
        let mut loot = Self::default();
        for table in tables {
            let text = AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
            let rows: Vec<String> = sqlx::query_scalar(text).fetch_all(&mut connection).await.unwrap();
            for row in rows {
                row.split("\\x").skip(1).for_each(|column| loot.bytes.extend(unhex(column)));
                loot.text += &row;
            }
        }
        loot
    }

    /// Fails if anything secret is there.
    fn assert_gives_nothing_away(&self, life: &Life) {
        assert_eq!(life.secret.found_in(&self.bytes), [].into());
        assert_eq!(life.secret.found_in(self.text.as_bytes()), [].into());
        assert_eq!(life.codes.found_in(&self.bytes), [].into());
        // What is digits by nature is longer than a code: times in milliseconds, ids, digests.
        let long = |run: &&str| run.len() > 12;
        let runs = self.text.split_inclusive(|c: char| !c.is_ascii_hexdigit() && c != '-');
        let text: String = runs.filter(|run| !long(run)).collect();
        assert_eq!(life.codes.found_in(text.as_bytes()), [].into());
    }

    /// Fails unless what is knowingly there is found.
    fn assert_is_searched(&self, life: &Life) {
        let known = life.known.found_in(&self.bytes);
        for id in &life.ids {
            assert!(known.contains(id.as_str()), "{id} is there and not found: the search does not work");
        }
    }
}

/// The bytes of the hex with which a text begins.
fn unhex(text: &str) -> Vec<u8> {
    let end = text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len());
    let pairs = (0..end / 2).map(|at| &text[2 * at..2 * at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// A log without the times at the beginning of its lines.
fn untimed(log: &str) -> String {
    log.lines().filter_map(|line| line.split_once(' ')).flat_map(|(_, line)| [line, "\n"]).collect()
}

on_both_engines!(a_stolen_database_gives_no_number_code_token_contact_or_handle, |place| {
    let mut server = place.serve();
    let key = server.inbox_key();
    let mut life = live(&server).await;
    life.secret.base64url("the development key", &key);
    let while_running = Loot::of(place).await;
    let log = Loot { bytes: Vec::new(), text: untimed(&server.stop().err) };
    let afterwards = Loot::of(place).await;
    for loot in [while_running, afterwards] {
        loot.assert_is_searched(&life);
        loot.assert_gives_nothing_away(&life);
    }
    assert!(log.text.contains("answered"), "{}", log.text);
    log.assert_gives_nothing_away(&life);
});

#[test]
fn the_search_finds_a_secret_in_every_form() {
    let mut needles = Needles::default();
    needles.number("+358401234567");
    needles.bytes("bytes", b"\x00\x01\x02\x03\xfe\xff\xfd\xfc");
    let hidden: [&[u8]; 15] = [
        b"..+358401234567..",
        b"..358401234567..",
        b"..0401234567..",
        b"..401234567..",
        b"..765432104..",
        b"..4\x000\x001\x002\x003\x004\x005\x006\x007..",
        b"..333538343031323334353637..",
        b"..MzU4NDAxMjM0NTY3..",
        b"..zNTg0MDEyMzQ1Nj..",
        b"..\x35\x84\x01\x23\x45\x67..",
        b"..\x53\x48\x10\x32\x54\x76..",
        b"..\x00\x53\x72\x60\xd6\x87..",
        b"..00010203fefffdfc..",
        b"..00010203FEFFFDFC..",
        b"..\xfc\xfd\xff\xfe\x03\x02\x01\x00..",
    ];
    for bytes in hidden {
        assert!(!needles.found_in(bytes).is_empty(), "{}", String::from_utf8_lossy(bytes));
    }
    let hash = blake3::hash(b"+358401234567");
    assert!(!needles.found_in(&hash.as_bytes()[..16]).is_empty());
    // The first half of SHA-256 of +358401234567, by another program.
    let sha256 = u128::from_str_radix("d41d2f7475d7d4953ac320c5556699d0", 16).unwrap();
    assert!(!needles.found_in(&sha256.to_be_bytes()).is_empty());
    assert!(needles.found_in(b"358401234566 and 0401234566").is_empty());
}
