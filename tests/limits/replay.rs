//! Plays traffic through the use cases, in the order of its times.

use super::people::Desk;
use super::traffic::{ATTACK_ADDRESSES, ATTACK_PER_HOUR, Bots, Dice, People, Traffic};
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;
use tuttu::config::Hidden;
use tuttu::model::source::Source;
use tuttu::model::verification::{Awaiting, Proof};
use tuttu::verification::{SendRefused, Starter};

const BEGIN_MS: i64 = 1_800_000_000_000;
const BOTS_BEGIN_MS: i64 = 600_000;
/// Who enters the code takes half a minute, in the mean.
const ENTERED_MS: f64 = 25_000.0;
/// The blocks of a whole country.
const COUNTRY: u32 = 2_000;

/// What became of honest people.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Fate {
    /// Sent at once.
    pub(crate) plain: u64,
    /// Sent after a challenge.
    pub(crate) proven: u64,
    pub(crate) refused: u64,
}

/// What became of everything.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) attack: u64,
    pub(crate) attack_sent: u64,
    pub(crate) inside: Fate,
    pub(crate) outside: Fate,
}

/// Something that happens at a time; the order of equal times is that of the numbers.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Bot,
    Person(usize),
    /// A code is entered.
    Entered(usize),
}

pub(crate) struct Replay {
    desk: Desk,
    dice: Dice,
    events: BinaryHeap<Reverse<(i64, Event)>>,
    entering: Vec<Option<Starter>>,
    tally: Tally,
}

/// How an attempt to have a code sent ended.
enum Sent {
    Plain(Box<Starter>),
    Proven(Box<Starter>),
    Refused,
}

impl Replay {
    pub(crate) async fn run(traffic: &Traffic) -> Tally {
        let desk = Desk::open(|config| {
            config.challenges.turnstile_site_key = Some("site".to_owned());
            config.challenges.turnstile_secret = Some(Hidden::new("secret"));
        });
        let (events, entering, tally) = (BinaryHeap::new(), Vec::new(), Tally::default());
        let mut replay = Self { desk: desk.await, dice: Dice::new(7), events, entering, tally };
        replay.begin(traffic);
        let end = i64::try_from(traffic.minutes).unwrap() * 60_000 + BOTS_BEGIN_MS;
        while let Some(Reverse((at, event))) = replay.events.pop() {
            if at > end {
                break;
            }
            let now = Timestamp::from_millisecond(BEGIN_MS + at).unwrap();
            match event {
                Event::Bot => replay.bot(traffic, at, now).await,
                Event::Person(which) => replay.person(&traffic.people[which], which, at, now).await,
                Event::Entered(which) => replay.entered(which, now).await,
            }
        }
        replay.tally
    }

    fn begin(&mut self, traffic: &Traffic) {
        for (which, people) in traffic.people.iter().enumerate() {
            let at = self.dice.wait_ms(people.per_hour);
            self.events.push(Reverse((at, Event::Person(which))));
        }
        if traffic.bots.is_some() {
            self.events.push(Reverse((BOTS_BEGIN_MS, Event::Bot)));
        }
    }

    async fn bot(&mut self, traffic: &Traffic, at: i64, now: Timestamp) {
        let Some((blocks, bots)) = traffic.bots else { return };
        let (number, address) =
            (self.dice.number(blocks, false), self.dice.address(Some(ATTACK_ADDRESSES), 0x0100_0000));
        self.tally.attack += 1;
        let sent = self.ask(&number, address, now, bots == Bots::SolveWork, false).await;
        self.tally.attack_sent += u64::from(!matches!(sent, Sent::Refused));
        let next = at + self.dice.wait_ms(ATTACK_PER_HOUR);
        self.events.push(Reverse((next, Event::Bot)));
    }

    async fn person(&mut self, people: &People, which: usize, at: i64, now: Timestamp) {
        let number = self.dice.number(COUNTRY, people.abroad);
        let address = self.dice.address(people.addresses, 0x5000_0000);
        let sent = self.ask(&number, address, now, true, true).await;
        let fate = if people.abroad { &mut self.tally.outside } else { &mut self.tally.inside };
        let asker = match sent {
            Sent::Plain(asker) => {
                fate.plain += 1;
                Some(asker)
            }
            Sent::Proven(asker) => {
                fate.proven += 1;
                Some(asker)
            }
            Sent::Refused => {
                fate.refused += 1;
                None
            }
        };
        if let Some(asker) = asker.filter(|_| self.dice.below(100) < people.percent) {
            let entered = at + self.dice.exponential_ms(ENTERED_MS);
            self.events.push(Reverse((entered, Event::Entered(self.entering.len()))));
            self.entering.push(Some(*asker));
        }
        let next = at + self.dice.wait_ms(people.per_hour);
        self.events.push(Reverse((next, Event::Person(which))));
    }

    async fn entered(&mut self, which: usize, now: Timestamp) {
        let Some(asker) = self.entering[which].take() else { return };
        let code = self.desk.code(&asker).await;
        // A code that took longer than its life is entered in vain.
        let _late = self.desk.verifications.check(&asker, &code, now).await;
    }

    /// Asks for a code and solves what may be solved.
    async fn ask(&self, number: &str, address: Ipv4Addr, now: Timestamp, work: bool, captcha: bool) -> Sent {
        let source = Source::of(address.into());
        let started = match self.desk.start(number, source, now).await {
            Ok(started) => started,
            Err(SendRefused::Limit(_)) => return Sent::Refused,
            Err(other) => panic!("{number}: {other}"),
        };
        let id = started.state.verification.id;
        let mut asker = self.desk.verifications.authorize(id, &started.secret).await.unwrap().unwrap();
        if started.due.is_none() {
            return Sent::Plain(Box::new(asker));
        }
        for _ in 0..2 {
            let Some(awaiting) = asker.verification().awaiting else { return Sent::Refused };
            let Some(proof) = proof(awaiting, work, captcha) else { return Sent::Refused };
            match self.desk.verifications.send_proven(&asker, awaiting, proof, &source, now).await {
                Ok(()) => return Sent::Proven(Box::new(asker)),
                Err(SendRefused::ChallengeDue(_)) => {}
                Err(SendRefused::Limit(_)) => return Sent::Refused,
                Err(other) => panic!("{other}"),
            }
            asker = self.desk.verifications.authorize(id, &started.secret).await.unwrap().unwrap();
        }
        Sent::Refused
    }
}

/// What somebody shows for a challenge; the work itself is left out, for the replay is not about it.
fn proof(awaiting: Awaiting, work: bool, captcha: bool) -> Option<Proof> {
    match awaiting.difficulty {
        Some(_) if work => Some(Proof::Work),
        _ if captcha => Some(Proof::Captcha),
        _ => None,
    }
}
