//! What happens at a service that many use: people, some who pump messages, and gateways.

use std::net::{IpAddr, Ipv4Addr};
use tuttu::model::audit::{Action, Actor, Address, Note, Owner, Pen, Subject, Who};
use tuttu::model::id::{AccountId, DeliveryId, DeviceId, VerificationId};
use tuttu::model::keys::{Keys, NumberIndex};
use tuttu::model::number::PhoneNumber;

/// A draw for which a seed suffices (`SplitMix64`).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    pub(super) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    pub(super) fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap()]
    }

    fn milliseconds(&mut self, from: i64, until: i64) -> i64 {
        from + i64::try_from(self.below(u64::try_from(until - from).unwrap())).unwrap()
    }
}

/// Numbers of a country: what they begin with, and how many digits follow.
pub(super) struct Country {
    pub(super) code: &'static str,
    prefix: &'static str,
    digits: u32,
    /// Of ten thousand people.
    share: u64,
    price: i64,
}

const fn country(code: &'static str, prefix: &'static str, digits: u32, share: u64, price: i64) -> Country {
    Country { code, prefix, digits, share, price }
}

/// From the biggest to the smallest; the second but last is where somebody pumps, within one range of a million numbers.
pub(super) const COUNTRIES: [Country; 15] = [
    country("FI", "+35840", 7, 3_100, 70_000),
    country("DE", "+49151", 8, 1_800, 80_000),
    country("US", "+12122", 6, 1_400, 8_000),
    country("GB", "+447400", 6, 1_000, 40_000),
    country("IN", "+9198", 8, 800, 50_000),
    country("SE", "+4670", 7, 600, 60_000),
    country("FR", "+336", 8, 400, 70_000),
    country("BR", "+551198", 7, 300, 40_000),
    country("NG", "+234803", 7, 200, 200_000),
    country("ES", "+3461", 7, 60, 60_000),
    country("VN", "+8490", 7, 30, 110_000),
    country("IS", "+35461", 5, 8, 90_000),
    country("MT", "+35679", 6, 2, 90_000),
    country("ID", "+628123", 8, 200, 300_000),
    country("EE", "+37251", 6, 100, 90_000),
];
const PUMPED: usize = 13;
/// Gateways, and of a thousand attempts of a country those that go by each. One delivers in the first country alone.
pub(super) const GATEWAYS: [&str; 3] = ["twilio", "backup", "trial"];
const REFUSALS: [&str; 5] =
    ["resend_wait", "sends_per_number", "guard_number_block", "guard_country", "destination"];

/// Somebody at a number.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) country: usize,
    pub(super) number: PhoneNumber,
    pub(super) index: NumberIndex,
    pub(super) subject: Subject,
    pub(super) key_sealed: Vec<u8>,
    pub(super) account: AccountId,
    address: IpAddr,
}

impl Person {
    /// The `n`-th of a country.
    pub(super) fn new(keys: &Keys, pen: &Pen, dice: &mut Dice, country: usize, n: u64) -> Self {
        let of = &COUNTRIES[country];
        let all = 10_u64.pow(of.digits);
        // Every number once, in an order that looks like none; where somebody pumps, one after the other.
        let place = if country == PUMPED { n % 1_000_000 } else { (n * 7_919 + 13) % all };
        let text = format!("{}{place:0digits$}", of.prefix, digits = of.digits as usize);
        let number = PhoneNumber::stored(&text).unwrap_or_else(|cause| panic!("{text}: {cause}"));
        let index = keys.number_index(&number);
        let (subject, key_sealed) = pen.draw_subject(&Owner::Number(index)).unwrap();
        let address = Ipv4Addr::from(0x5000_0000 + u32::try_from(dice.below(1 << 22)).unwrap() * 16);
        let (account, address) = (AccountId::random(), address.into());
        Self { country, number, index, subject, key_sealed, account, address }
    }

    pub(super) fn address(&self) -> IpAddr {
        self.address
    }
}

/// A country, as many people live in it.
pub(super) fn somewhere(dice: &mut Dice) -> usize {
    let mut left = dice.below(10_000);
    COUNTRIES
        .iter()
        .position(|country| {
            let here = left < country.share;
            left = left.saturating_sub(country.share);
            here
        })
        .unwrap_or(0)
}

/// What can happen to an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Started,
    Refused(&'static str),
    Sent,
    Failed,
    Delivered,
    Undelivered,
    Wrong(&'static str),
    Approved,
    Registered,
}

/// An attempt from its beginning to its end, by milliseconds since the beginning.
pub(super) struct Attempt {
    pub(super) id: VerificationId,
    pub(super) person: Person,
    pub(super) at: i64,
    pub(super) gateway: &'static str,
    pub(super) course: Vec<(i64, What)>,
    delivery: DeliveryId,
    request: u64,
}

impl Attempt {
    pub(super) fn new(dice: &mut Dice, person: Person, at: i64) -> Self {
        let gateway = match dice.below(1_000) {
            0..3 if person.country == 0 => GATEWAYS[2],
            3..100 => GATEWAYS[1],
            _ => GATEWAYS[0],
        };
        let course = course(dice, person.country == PUMPED);
        let (id, delivery, request) = (VerificationId::random(), DeliveryId::random(), dice.draw());
        Self { id, person, at, gateway, course, delivery, request }
    }

    /// What the service notes of it, and by whom.
    pub(super) fn note(&self, what: What) -> (Note, Who) {
        let (person, code) = (&self.person, COUNTRIES[self.person.country].code);
        let of = |action| Note::new(action).of_number(&person.index).country(Some(code));
        let ours = |action| of(action).verification(self.id);
        let delivery = |action| {
            let mut note = ours(action).delivery(self.delivery).channel("sms");
            (note.gateway, note.price) = (Some(self.gateway.to_owned()), Some(self.price()));
            note
        };
        let asked = || Who {
            actor: Actor::Starter,
            address: Some(Address(person.address())),
            request: Some(format!("{:032x}", u128::from(self.request))),
        };
        let system = || Who { actor: Actor::System, address: None, request: None };
        let gateway = || Who { actor: Actor::Gateway(self.gateway.to_owned()), ..asked() };
        match what {
            What::Started => {
                let mut note = ours(Action::VerificationStarted).number(&person.number);
                note = note.delivery(self.delivery).channel("sms");
                note.price = Some(self.price());
                (note, asked())
            }
            What::Refused(reason) => {
                (of(Action::VerificationRefused).number(&person.number).refused(reason), asked())
            }
            What::Sent => (delivery(Action::DeliverySent), system()),
            What::Failed => (delivery(Action::DeliveryFailed).failed().because("unreachable"), system()),
            What::Delivered => (delivery(Action::DeliveryDelivered), gateway()),
            What::Undelivered => {
                (delivery(Action::DeliveryUndelivered).failed().because("unreachable"), gateway())
            }
            What::Wrong(reason) => (ours(Action::CodeWrong).refused(reason), asked()),
            What::Approved => (ours(Action::VerificationApproved), asked()),
            What::Registered => {
                let note = ours(Action::AccountRegistered).account(person.account).country(None);
                let note = note.device(DeviceId::random());
                (note.change("platform", None, Some("android".to_owned())), asked())
            }
        }
    }

    pub(super) fn price(&self) -> i64 {
        COUNTRIES[self.person.country].price
    }
}

/// An admin's event, which is about no attempt.
pub(super) fn of_an_admin(dice: &mut Dice) -> (Note, Who) {
    let admin = AccountId::from_bytes([u8::try_from(dice.below(20)).unwrap(); 16]).to_string();
    let who = Who { actor: Actor::Admin(admin), address: None, request: None };
    match dice.below(20) {
        0 => (Note::new(Action::AuditExported).change("format", None, Some("csv".to_owned())), who),
        1..4 => (Note::new(Action::AdminSignInFailed).refused("credentials"), who),
        _ => (Note::new(Action::AdminSignedOut), who),
    }
}

fn course(dice: &mut Dice, pumped: bool) -> Vec<(i64, What)> {
    let wrong = What::Wrong("code_incorrect");
    let refused = vec![(0, What::Refused(dice.pick(&REFUSALS)))];
    let mut course = vec![(0, What::Started)];
    let roll = dice.below(1_000);
    if roll < 80 || (pumped && roll < 700) {
        return refused;
    } else if roll < 110 {
        course.push((400, What::Failed));
        return course;
    }
    course.push((dice.milliseconds(300, 900), What::Sent));
    if roll < 130 {
        course.push((dice.milliseconds(2_000, 90_000), What::Undelivered));
        return course;
    }
    course.push((dice.milliseconds(1_200, 40_000), What::Delivered));
    match roll {
        _ if pumped => return course,
        130..190 => return course,
        190..220 => {
            course.extend([42, 47, 53, 58].map(|seconds| (seconds * 1_000, wrong)));
            course.push((63_000, What::Wrong("checks_exhausted")));
            return course;
        }
        220..300 => course.push((dice.milliseconds(41_000, 60_000), wrong)),
        _ => {}
    }
    let approved = dice.milliseconds(60_000, 100_000);
    course.push((approved, What::Approved));
    if roll.is_multiple_of(2) {
        course.push((approved + 900, What::Registered));
    }
    course
}
