//! Somebody who would shut a number out: its holder still registers.

use crate::people::Desk;
use crate::traffic::Dice;
use jiff::Timestamp;
use std::time::Duration;
use tuttu::http::Problem;
use tuttu::model::source::Source;
use tuttu::model::verification::Proof;
use tuttu::verification::{CheckRefused, SendRefused, Started, Starter};

const ANNA: &str = "+358401234561";
/// Over a day, from all addresses of one range.
const REQUESTS: u32 = 10_000;
const BETWEEN: Duration = Duration::from_millis(8_640);
/// The holder asks after so many of them, and tries so often.
const HOLDER_ASKS_AFTER: u32 = 777;
const TRIES: u32 = 3;

struct Number {
    desk: Desk,
    now: Timestamp,
    dice: Dice,
    hostile: u32,
}

impl Number {
    /// Asks for a code and does the proof of work where one is due.
    async fn code_sent(&self, source: Source) -> Result<Starter, SendRefused> {
        let started: Started = self.desk.start(ANNA, source, self.now).await?;
        let who = self.desk.starter(&started).await;
        if let Some(awaiting) = who.verification().awaiting {
            let verifications = &self.desk.verifications;
            verifications.send_proven(&who, awaiting, Proof::Work, &source, self.now).await?;
        }
        Ok(who)
    }

    /// A hostile request, and wrong guesses at whatever it yields.
    async fn hostile(&mut self) {
        self.hostile += 1;
        self.now += BETWEEN;
        let host = u8::try_from(self.dice.below(256)).unwrap();
        let Ok(who) = self.code_sent(Source::of([203, 0, 113, host].into())).await else { return };
        let digits = usize::from(who.verification().code_length);
        while let Err(CheckRefused::Wrong) =
            self.desk.verifications.check(&who, &"0".repeat(digits), self.now).await
        {}
    }

    /// The holder asks, and comes back when told to, while the hostile requests go on.
    async fn holder_registers(&mut self) {
        for _ in 0..TRIES {
            match self.code_sent(Source::of([198, 51, 100, 7].into())).await {
                Ok(who) => {
                    let code = self.desk.code(&who).await;
                    self.desk.verifications.check(&who, &code, self.now).await.unwrap();
                    return;
                }
                Err(refused @ SendRefused::Limit(_)) => {
                    let wait = Problem::send(&refused, self.now).retry_after().unwrap();
                    let back = self.now + Duration::from_secs(u64::try_from(wait).unwrap());
                    while self.now + BETWEEN < back {
                        self.hostile().await;
                    }
                    self.now = back;
                }
                Err(other) => panic!("{other}"),
            }
        }
        panic!("after {} hostile requests the holder did not get a code in {TRIES} tries", self.hostile);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_hostile_requests_from_one_range_leave_the_holder_able_to_register() {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let mut number = Number { desk: Desk::open(|_| {}).await, now, dice: Dice::new(5), hostile: 0 };
    let mut registered = 0;
    while number.hostile < REQUESTS {
        number.hostile().await;
        if number.hostile.is_multiple_of(HOLDER_ASKS_AFTER) {
            number.holder_registers().await;
            registered += 1;
        }
    }
    println!(
        "| {} hostile requests from one range | the holder registered {registered} of {registered} times |",
        number.hostile
    );
    assert!(registered >= 3, "{registered}");
}
