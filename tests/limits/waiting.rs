//! Every refusal says when to come back, and coming back exactly then works.

use crate::people::Desk;
use crate::traffic::Dice;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use tuttu::http::Problem;
use tuttu::model::source::Source;
use tuttu::model::verification::Proof;
use tuttu::verification::{SendRefused, Started, limit_of};

/// Refusals that are waited for.
fn trials() -> usize {
    if std::env::var_os("TUTTU_PROVE").is_some() { 1_000 } else { 250 }
}

/// Whole seconds, as a client reads them from `Retry-After`.
fn retry_after(refused: &SendRefused, now: Timestamp) -> Duration {
    let seconds = Problem::send(refused, now).retry_after().unwrap();
    Duration::from_secs(u64::try_from(seconds).unwrap())
}

/// A few numbers and addresses, so that every kind of limit is met.
struct Crowd {
    desk: Desk,
    dice: Dice,
    now: Timestamp,
}

impl Crowd {
    async fn ask(&mut self, number: &str, source: Source) -> Result<Started, SendRefused> {
        self.desk.start(number, source, self.now).await
    }

    /// Asks, solves the proof of work where one is due, and sometimes enters the code.
    async fn attempt(&mut self, number: &str, source: Source) -> Result<(), SendRefused> {
        let started = self.ask(number, source).await?;
        let who = self.desk.starter(&started).await;
        if let Some(awaiting) = who.verification().awaiting {
            let verifications = &self.desk.verifications;
            match verifications.send_proven(&who, awaiting, Proof::Work, &source, self.now).await {
                // What would come too late for this code is told to whoever asks anew.
                Err(SendRefused::StartAgain) => return self.ask(number, source).await.map(|_| ()),
                sent => sent?,
            }
        }
        if self.dice.below(10) == 0 {
            let code = self.desk.code(&who).await;
            self.desk.verifications.check(&who, &code, self.now).await.unwrap();
        }
        Ok(())
    }

    fn someone(&mut self) -> (String, Source) {
        let number = format!("+35840{:03}40{:02}", self.dice.below(5), self.dice.below(12));
        let source = Source::of(self.dice.address(Some(300), 0x0101_0100).into());
        (number, source)
    }

    fn pass(&mut self, by: Duration) {
        self.now += by;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_exactly_as_long_as_a_refusal_says_always_works() {
    let desk = Desk::open(|config| {
        config.limits.money.prices = [("default".to_owned(), 1.0)].into();
        config.limits.money.per_day = Some(40.0);
        (config.limits.guard.capacity[4], config.limits.guard.per_hour[4]) = (12, 4);
    });
    let now = Timestamp::from_second(1_800_000_123).unwrap();
    let mut crowd = Crowd { desk: desk.await, dice: Dice::new(11), now };
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    let mut done = 0;
    while done < trials() {
        let (number, source) = crowd.someone();
        if let Err(refused) = crowd.attempt(&number, source).await {
            let SendRefused::Limit(limit) = &refused else { panic!("{refused}") };
            let wait = retry_after(&refused, crowd.now);
            crowd.pass(wait);
            let again = crowd.attempt(&number, source).await;
            assert!(again.is_ok(), "{limit:?}, then after {wait:?}: {again:?}");
            *met.entry(limit_of(*limit)).or_default() += 1;
            done += 1;
        }
        let pause = Duration::from_millis(u64::from(crowd.dice.below(20_000)));
        crowd.pass(pause);
    }
    println!("| refused by | let in after exactly Retry-After |");
    for (limit, times) in &met {
        println!("| {limit} | {times} |");
    }
    for limit in ["resend_wait", "guard_number_block", "guard_country", "money_per_day"] {
        assert!(met.contains_key(limit), "{limit} was never met: {met:?}");
    }
}
