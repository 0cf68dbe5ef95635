//! A store on a fresh database, and rows to put into it.

use crate::engine::{Engine, SERVING};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;
use tuttu::model::account::{Account, Device, Platform};
use tuttu::model::audit::Pen;
use tuttu::model::counter::{Counter, SendPolicy};
use tuttu::model::delivery::{Channel, Delivery, DeliveryStatus};
use tuttu::model::id::{AccountId, DeliveryId, DeviceId, VerificationId};
use tuttu::model::keys::{Keys, NumberIndex, Purpose, SecretKey, StoredHandle};
use tuttu::model::ledger::Hardness;
use tuttu::model::number::PhoneNumber;
use tuttu::model::secret::PlainSecret;
use tuttu::model::verification::{MessageTemplate, Verdict, Verification};
use tuttu::store::{
    Caps, CheckOutcome, DatabaseUrl, DirectoryRow, Listing, Plan, RegisterOutcome, Registration, SendOrder,
    SendOutcome, Store,
};

/// Runs a test on both engines: `contract!(name, |store| { ... });`
macro_rules! contract {
    ($name:ident, |$store:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn sentence($store: &tuttu::store::Store) {
                $body
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let database = crate::store::fixtures::Database::fresh(crate::engine::Engine::Sqlite).await;
                sentence(&database.store).await;
                database.end().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                let database = crate::store::fixtures::Database::fresh(crate::engine::Engine::Postgres).await;
                sentence(&database.store).await;
                database.end().await;
            }
        }
    };
}
pub(crate) use contract;

/// On PostgreSQL the store's connections are of the serving role, the owner's of the one that owns the tables.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) owner: Store,
    pub(crate) engine: Engine,
    pub(crate) url: String,
    _folder: TempDir,
}

impl Database {
    pub(crate) async fn fresh(engine: Engine) -> Self {
        let mut database = Self::empty(engine).await;
        database.owner.migrate().await.unwrap();
        if engine == Engine::Postgres {
            database.url = engine.let_serve(&database.url).await;
            database.owner.grant_to(SERVING).await.unwrap();
            database.store = connect(&database.url).await;
        }
        database
    }

    pub(crate) async fn empty(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = engine.fresh_database(folder.path()).await;
        let owner = connect(&url).await;
        Self { store: owner.clone(), owner, engine, url, _folder: folder }
    }

    pub(crate) async fn end(self) {
        self.store.close().await;
        self.owner.close().await;
        self.engine.drop_database(&self.url).await;
    }
}

/// A store whose effects are written to the audit log.
async fn connect(url: &str) -> Store {
    let store = Store::connect(&DatabaseUrl::parse(url).unwrap(), true, 8).await.unwrap();
    store.write_with(Pen::new(&keys(), "node"));
    store
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub(crate) fn keys() -> Keys {
    let keys: BTreeMap<_, _> = Purpose::ALL
        .into_iter()
        .zip(1..)
        .map(|(purpose, byte)| (purpose, SecretKey::new(1, [byte; 32])))
        .collect();
    Keys::new(&keys).unwrap()
}

pub(crate) fn index(number: &str) -> NumberIndex {
    keys().number_index(&PhoneNumber::parse(number, None).unwrap())
}

pub(crate) fn policy() -> SendPolicy {
    let waits = [30, 60, 120, 300, 600].map(Duration::from_secs);
    SendPolicy { per_number: 6, per_range: 3, window: Duration::from_hours(24), waits }
}

pub(crate) fn verification(number: &str, now: Timestamp) -> Verification {
    Verification {
        id: VerificationId::random(),
        secret: PlainSecret::random().hash(),
        number_index: index(number),
        number_sealed: vec![1, 2, 3],
        template: MessageTemplate {
            locale: Some("fi".to_owned()),
            app_hash: None,
            web_origin: Some("example.org".to_owned()),
        },
        code_length: 6,
        checks: 0,
        checks_limit: 5,
        created_at: now,
        expires_at: now + Duration::from_mins(10),
        resend_at: now,
        approved_at: None,
        grant_used_at: None,
        country: Some("FI".to_owned()),
        prefix: None,
        counter: Counter::Open,
        sent_at: None,
        awaiting: None,
        rejected_at: None,
        key_version: 1,
    }
}

/// A send that no guard, range or price stands before.
pub(crate) fn order(verification: &Verification, now: Timestamp) -> SendOrder {
    SendOrder {
        delivery: delivery(verification, now),
        number: verification.number_index,
        phone: PhoneNumber::parse("+358401234561", None).unwrap(),
        counter: verification.counter,
        proof: None,
        range: None,
        first: Vec::new(),
        second: Vec::new(),
        enforce: true,
        prefix: verification.prefix,
        country: "FI".to_owned(),
        price: 0,
        caps: Caps::default(),
        hardness: Hardness { digits: 6, checks: 5 },
        guesses: 10_000,
    }
}

/// Asks for a first code.
pub(crate) async fn ask(store: &Store, verification: &Verification, now: Timestamp) -> SendOutcome {
    store.start_verification(verification, &order(verification, now), &policy()).await.unwrap()
}

/// Asks for the code of a verification again.
pub(crate) async fn ask_again(store: &Store, verification: &Verification, now: Timestamp) -> SendOutcome {
    store.send_again(&order(verification, now), &policy()).await.unwrap()
}

/// One check, judged so.
pub(crate) async fn check(
    store: &Store,
    id: VerificationId,
    now: Timestamp,
    verdict: Verdict,
) -> Option<CheckOutcome> {
    store.spend_check(id, 35, now, |_| verdict).await.unwrap()
}

pub(crate) fn delivery(verification: &Verification, now: Timestamp) -> Delivery {
    Delivery {
        id: DeliveryId::random(),
        verification: verification.id,
        channel: Channel::Sms,
        status: DeliveryStatus::Queued,
        at: now,
        reason: None,
        gateway: None,
        retry_at: None,
    }
}

/// A verification that is written, with its first delivery.
pub(crate) async fn started(store: &Store, number: &str, now: Timestamp) -> Verification {
    let verification = verification(number, now);
    let outcome = ask(store, &verification, now).await;
    assert!(matches!(outcome, SendOutcome::Sending(_)), "{outcome:?}");
    verification
}

/// A verification that is approved.
pub(crate) async fn approved(store: &Store, number: &str, now: Timestamp) -> Verification {
    let verification = started(store, number, now).await;
    check(store, verification.id, now, Verdict::Right).await.unwrap();
    verification
}

pub(crate) fn handle(byte: u8) -> StoredHandle {
    StoredHandle::from_bytes([byte; 16])
}

pub(crate) fn entry(epoch: u32, byte: u8, account: AccountId) -> DirectoryRow {
    DirectoryRow { epoch, handle: handle(byte), account, tag: vec![byte; 8] }
}

/// A registration of a verification's number, listed at the handle of `byte`.
pub(crate) fn registration(
    v: &Verification,
    plan: Plan,
    id: AccountId,
    byte: u8,
    now: Timestamp,
) -> Registration {
    Registration {
        verification: v.id,
        plan,
        account: Account {
            id,
            number_index: v.number_index,
            number_sealed: (4..40).collect(),
            discoverable: true,
            created_at: now,
        },
        listing: Listing::Listed(vec![entry(1, byte, id)]),
        device: device(id, now),
    }
}

pub(crate) fn device(account: AccountId, now: Timestamp) -> Device {
    Device {
        id: DeviceId::random(),
        account,
        secret: PlainSecret::random().hash(),
        key_version: 1,
        name_sealed: vec![7, 8, 9],
        platform: Platform::Android,
        created_at: now,
        last_seen_at: now,
    }
}

/// An account that is written, with its device.
pub(crate) async fn registered(store: &Store, number: &str, byte: u8, now: Timestamp) -> Registration {
    let verification = approved(store, number, now).await;
    let registration = registration(&verification, Plan::Create, AccountId::random(), byte, now);
    assert_eq!(store.register(&registration).await.unwrap(), RegisterOutcome::Registered(vec![]));
    registration
}
