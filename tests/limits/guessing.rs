//! Guesses: however they are spread, a number is guessed with a chance of at most 1e-4 between two successes.

use crate::people::Desk;
use jiff::Timestamp;
use proptest::prelude::*;
use std::time::Duration;
use tuttu::model::source::Source;
use tuttu::model::verification::Proof;
use tuttu::verification::{CheckRefused, Starter};

const ANNA: &str = "+358401234561";
/// 1e-4, and what single checks of eight digits may add in the days of a run.
const BOUND: f64 = 1.001e-4;

/// What an attacker, or the holder, does next.
#[derive(Debug, Clone)]
enum Step {
    /// A new verification, with a proof of work where one is due.
    Start,
    /// The code of the newest verification is sent again.
    Again,
    /// Wrong guesses at one of the verifications, as many as it takes.
    Guess(usize),
    /// Time passes.
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Start),
        1 => Just(Step::Again),
        6 => (0_usize..8).prop_map(Step::Guess),
        3 => prop_oneof![Just(30_u64), Just(60), Just(300), Just(600), Just(3_600), Just(40_000)].prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 40..160)
}

/// A guess that is not the code.
fn wrong(code: &str) -> String {
    let first = if code.starts_with('9') { '0' } else { '9' };
    format!("{first}{}", &code[1..])
}

struct Attacker {
    desk: Desk,
    now: Timestamp,
    open: Vec<Starter>,
    /// The chance that one of the wrong guesses had of being right.
    chance: f64,
}

impl Attacker {
    async fn take(&mut self, step: &Step) {
        match step {
            Step::Start => self.start().await,
            Step::Again => {
                if let Some(starter) = self.open.last() {
                    let channel = tuttu::model::delivery::Channel::Sms;
                    let source = Source::exempt();
                    let _refused =
                        self.desk.verifications.send_again(starter, channel, &source, self.now).await;
                }
            }
            Step::Guess(which) => self.guess(*which).await,
            Step::Wait(seconds) => self.now += Duration::from_secs(*seconds),
        }
    }

    async fn start(&mut self) {
        let Ok(started) = self.desk.start(ANNA, Source::exempt(), self.now).await else { return };
        let who = self.desk.starter(&started).await;
        if let Some(awaiting) = who.verification().awaiting {
            let source = Source::exempt();
            let verifications = &self.desk.verifications;
            let _refused = verifications.send_proven(&who, awaiting, Proof::Work, &source, self.now).await;
        }
        self.open.push(who);
    }

    async fn guess(&mut self, which: usize) {
        let Some(place) = self.open.len().checked_sub(which + 1) else { return };
        let starter = &self.open[place];
        let code = self.desk.code(starter).await;
        loop {
            match self.desk.verifications.check(starter, &wrong(&code), self.now).await {
                Err(CheckRefused::Wrong) => {
                    self.chance += 10_f64.powi(-i32::try_from(code.len()).unwrap());
                }
                Err(_) => return,
                Ok(_) => panic!("a wrong code was right"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("TUTTU_PROVE").is_some() { 64 } else { 6 },
        failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_number_is_guessed_with_a_chance_of_at_most_one_in_ten_thousand(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let chance = runtime.block_on(async {
            // A number that no guard protects: the ledger alone holds.
            let desk = Desk::open(|config| config.limits.never_block = vec![ANNA.to_owned()]).await;
            let now = Timestamp::from_second(1_800_000_000).unwrap();
            let mut attacker = Attacker { desk, now, open: Vec::new(), chance: 0.0 };
            for step in steps.iter().cycle().take(600) {
                attacker.take(step).await;
            }
            attacker.chance
        });
        prop_assert!(chance <= BOUND, "{chance}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attacker_who_uses_every_send_of_a_number_stays_below_the_bound() {
    let desk = Desk::open(|config| config.limits.never_block = vec![ANNA.to_owned()]).await;
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let mut attacker = Attacker { desk, now, open: Vec::new(), chance: 0.0 };
    let days = if std::env::var_os("TUTTU_PROVE").is_some() { 60 } else { 5 };
    while attacker.now < now + Duration::from_hours(days * 24) {
        attacker.start().await;
        attacker.guess(0).await;
        attacker.now += Duration::from_mins(10);
    }
    println!("| chance of a guess after {days} days of every send and check | {:.2e} |", attacker.chance);
    assert!(attacker.chance > 5e-5, "the attack took place: {}", attacker.chance);
    assert!(attacker.chance <= BOUND, "{}", attacker.chance);
}
