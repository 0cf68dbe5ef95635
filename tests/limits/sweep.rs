//! Sweeps of the directory: what one verified number may ask for, the attack of 2025, and a hundred thousand honest books.

use crate::people::Desk;
use crate::traffic::Dice;
use jiff::{SignedDuration, Timestamp};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tuttu::clock::Clock;
use tuttu::config::{Config, ShapeMode};
use tuttu::devices::{Caller, Devices};
use tuttu::directory::Directory;
use tuttu::discovery::{Discovery, Lookup, LookupRefused, MAX_HANDLES, MOST_CARRIED_OVER};
use tuttu::epochs::Epochs;
use tuttu::model::account::Platform;
use tuttu::model::handle_set::HandleSet;
use tuttu::model::id::{AccountId, DeviceId};
use tuttu::model::keys::{NumberIndex, SecretKey};
use tuttu::model::source::Source;
use tuttu::model::sync_token::SyncToken;
use tuttu::registration::{Accounts, RegisterRequest};
use tuttu::store::{BudgetPolicy, CarriedOver, Charge, ChargeOutcome, Store};

/// The mobile numbers of the United States.
const AMERICAN_NUMBERS: u64 = 505_000_000;
const DAYS: i64 = 30;
/// Accounts of the attack of 2025, and the candidates that they asked for in a second.
const SESSIONS: usize = 5;
const CANDIDATES: u64 = 7_000;

fn whole() -> bool {
    std::env::var_os("TUTTU_PROVE").is_some()
}

fn begin() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

fn defaults() -> BudgetPolicy {
    let settings = Config::default().discovery;
    BudgetPolicy { capacity: settings.lookup_budget, leak_per_hour: settings.budget_per_hour }
}

/// Somebody who asks, as the budget knows them.
fn charge(who: u32, cost: u32, lookup: u32) -> Charge {
    let mut index = [0; 32];
    index[..4].copy_from_slice(&who.to_le_bytes());
    let mut handle = [0; 16];
    handle[..4].copy_from_slice(&lookup.to_le_bytes());
    let account = AccountId::from_bytes([1; 16]);
    Charge {
        number: NumberIndex::from_slice(&index).unwrap(),
        device: DeviceId::random(),
        cost,
        carried: None,
        token: SyncToken::commit(&SecretKey::new(1, [1; 32]), account, 1, &[handle]),
        other_forms: Vec::new(),
    }
}

async fn paid(store: &Store, charge: &Charge, now: Timestamp) -> Option<u32> {
    match store.charge_lookup(charge, defaults(), now).await.unwrap() {
        ChargeOutcome::Paid(cost) => Some(cost),
        ChargeOutcome::Spent(_) => None,
    }
}

/// A number asks for all that its budget lets it, an hour after the other, and for what a new epoch adds.
#[tokio::test]
async fn a_country_takes_nine_thousand_verified_numbers() {
    let desk = Desk::open(|_| {}).await;
    let BudgetPolicy { capacity, leak_per_hour } = defaults();
    let mut asked = 0;
    for hour in 0..=DAYS * 24 {
        let (now, first) = (begin() + SignedDuration::from_hours(hour), hour == 0);
        let most = if first { capacity } else { leak_per_hour };
        let lookup = u32::try_from(hour).unwrap();
        assert_eq!(paid(&desk.store, &charge(1, most + 1, lookup), now).await, None, "one more does not fit");
        asked += u64::from(paid(&desk.store, &charge(1, most, lookup), now).await.unwrap());
        if hour == 1 {
            let credit = MOST_CARRIED_OVER;
            for epoch in [2, 2] {
                let carried = Some(CarriedOver { epoch, credit });
                let new = Charge { carried, ..charge(1, credit, 1_000_000 + epoch) };
                let now = now + SignedDuration::from_mins(1);
                asked += paid(&desk.store, &new, now).await.map_or(0, |_| u64::from(credit));
            }
        }
    }
    let numbers = AMERICAN_NUMBERS.div_ceil(asked);
    println!(
        "| one verified number, {DAYS} days | {asked} handles | {AMERICAN_NUMBERS} take {numbers} numbers |"
    );
    assert!(numbers >= 9_000, "{asked} handles a number");
}

/// The accounts of an attack, on the real use cases.
struct Attack {
    _desk: Desk,
    discovery: Discovery,
    clock: Clock,
    sessions: Vec<Caller>,
    /// Candidates answered so far, and the next to ask for.
    answered: u64,
    next: u64,
}

impl Attack {
    async fn begin(shape: ShapeMode) -> Self {
        let desk = Desk::open(|_| {}).await;
        let (store, keys) = (desk.store.clone(), desk.keys.clone());
        let mut config = Config::default();
        config.discovery.shape.mode = shape;
        let clock = Clock::fixed(begin());
        let epochs = Epochs::open(&store, &keys, clock.now()).await.unwrap();
        let directory = Arc::new(Directory::new(store.clone(), keys.clone(), &config, clock.clone()));
        let devices = Devices::new(store.clone(), keys.clone());
        let accounts =
            Accounts::new(store.clone(), keys.clone(), epochs.clone(), directory.clone(), devices.clone());
        let mut sessions = Vec::new();
        for session in 0..SESSIONS {
            let number = format!("+35840{session}234561");
            let verification = desk.start(&number, Source::exempt(), clock.now()).await.unwrap();
            let who = desk.starter(&verification).await;
            let code = desk.code(&who).await;
            let grant = desk.verifications.check(&who, &code, clock.now()).await.unwrap().expose();
            let (device_name, platform) = ("Phone".to_owned(), Platform::Other);
            let request = RegisterRequest { grant, device_name, platform, discoverable: None };
            let registered = accounts.register(&request, clock.now()).await.unwrap();
            let token = registered.token.expose();
            sessions.push(devices.authenticate(&token, clock.now()).await.unwrap().unwrap());
        }
        let discovery = Discovery::new(store, keys, epochs, directory, &config.discovery);
        Self { _desk: desk, discovery, clock, sessions, answered: 0, next: 0 }
    }

    /// All that are due in this minute: in the largest requests, and in smaller ones where those are refused.
    async fn minute(&mut self) {
        let mut due = CANDIDATES * 60;
        for session in self.sessions.clone() {
            let mut share = due.min(CANDIDATES * 60 / SESSIONS as u64);
            due -= share;
            for size in [MAX_HANDLES, 5_000, 500, 50, 5, 1] {
                while share >= size as u64 && self.ask(&session, size).await {
                    share -= size as u64;
                }
            }
        }
        self.clock.advance(Duration::from_mins(1));
    }

    async fn ask(&mut self, session: &Caller, size: usize) -> bool {
        let handle = |candidate: u64| {
            let mut handle = [0; 16];
            handle[..8].copy_from_slice(&candidate.to_be_bytes());
            handle
        };
        let candidates: Vec<[u8; 16]> = (self.next..self.next + size as u64).map(handle).collect();
        let new = HandleSet::new(&candidates).unwrap();
        let address = Source::of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        let lookup = Lookup { epoch: 1, new, ..Lookup::default() };
        match self.discovery.lookup((session, &address), &lookup, self.clock.now()).await {
            Ok(_) => {
                (self.answered, self.next) = (self.answered + size as u64, self.next + size as u64);
                true
            }
            Err(
                LookupRefused::BudgetSpent { .. } | LookupRefused::Shape { .. } | LookupRefused::Rate { .. },
            ) => false,
            Err(cause) => panic!("{cause}"),
        }
    }
}

/// Plays so many days and says which share of the candidates was answered.
#[expect(clippy::cast_precision_loss, reason = "a share of billions")]
async fn attack(shape: ShapeMode, days: u64) -> f64 {
    let mut attack = Attack::begin(shape).await;
    let minutes = days * 24 * 60;
    // The budgets are used up in the first minutes; what comes back later is asked for now and then.
    let every = if whole() { days } else { 720 };
    for minute in 0..minutes {
        if minute < 3 || minute % every == 0 {
            attack.minute().await;
        } else {
            attack.clock.advance(Duration::from_mins(1));
        }
    }
    let candidates = CANDIDATES * 60 * minutes;
    let percent = attack.answered as f64 * 100.0 / candidates as f64;
    println!(
        "| {SESSIONS} sessions, one address, {CANDIDATES} a second, shape {} | {days} days, {candidates} candidates | {} answered, {percent:.4} % |",
        shape.as_str(),
        attack.answered,
    );
    percent
}

#[tokio::test]
async fn the_attack_of_2025_gets_next_to_nothing() {
    let (first_day, month) =
        (attack(ShapeMode::Monitor, 1).await, attack(ShapeMode::Monitor, DAYS as u64).await);
    assert!(month < 0.01, "{month} %");
    assert!(first_day < 0.04, "{first_day} %: the budgets of five numbers");
    let enforced = attack(ShapeMode::Enforce, 1).await;
    assert!(enforced < 0.01, "{enforced} %");
}

/// People with 50 to 5 000 contacts who ask once a week; some have two devices, some install the app anew.
#[tokio::test]
async fn honest_books_are_answered() {
    let desk = Desk::open(|_| {}).await;
    let (people, weeks): (u64, i64) = if whole() { (100_000, 8) } else { (500, 8) };
    let (mut dice, mut lookup, mut asked, mut refused) = (Dice::new(11), 0, 0_u64, 0_u64);
    let mut sizes: Vec<u32> = (0..people).map(|_| contacts(&mut dice)).collect();
    for week in 0..weeks {
        for (who, size) in sizes.iter_mut().enumerate() {
            let minute = i64::from(dice.below(7 * 24 * 60));
            let now = begin() + SignedDuration::from_hours(week * 168) + SignedDuration::from_mins(minute);
            let new = *size * dice.below(5) / 100;
            *size = (*size + new).min(5_000);
            let installed = week == 0 || dice.below(50) == 0;
            let second_device = week == 0 && who % 5 == 0;
            for cost in [if installed { *size } else { new }, if second_device { *size } else { 0 }] {
                if cost > 0 {
                    (lookup, asked) = (lookup + 1, asked + 1);
                    let charge = charge(u32::try_from(who).unwrap(), cost, lookup);
                    refused += u64::from(paid(&desk.store, &charge, now).await.is_none());
                }
            }
        }
    }
    println!(
        "| {people} honest books of 50 to 5 000 contacts, {weeks} weeks | {asked} paid lookups | {refused} refused |"
    );
    assert!(refused * 10_000 < people, "{refused} of {asked}");
}

/// Small books are more frequent than large ones: their logarithms are uniform.
fn contacts(dice: &mut Dice) -> u32 {
    let uniform = f64::from(dice.below(1 << 20)) / f64::from(1 << 20);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "50 to 5 000")]
    let contacts = (50.0 * 100_f64.powf(uniform)) as u32;
    contacts
}
