//! What a send is judged by: the counters, buckets and prices that it meets.

use super::Verifications;
use crate::config::GuardMode;
use crate::model::counter::Counter;
use crate::model::delivery::{Channel, Delivery, DeliveryStatus};
use crate::model::guard::{Lane, Subject, Tolls};
use crate::model::id::DeliveryId;
use crate::model::message::MessageText;
use crate::model::number::PhoneNumber;
use crate::model::source::Source;
use crate::model::verification::Verification;
use crate::store::SendOrder;
use jiff::Timestamp;

impl Verifications {
    /// The order of a message of `verification`, asked for from `source`.
    pub(super) fn order(
        &self,
        verification: &Verification,
        number: &PhoneNumber,
        channel: Channel,
        source: &Source,
        now: Timestamp,
    ) -> SendOrder {
        let counter = verification.counter;
        let (country, test) = (number.country(), counter == Counter::Test);
        let range = source.range().filter(|_| counter == Counter::Open);
        SendOrder {
            delivery: Delivery {
                id: DeliveryId::random(),
                verification: verification.id,
                channel,
                status: if test { DeliveryStatus::Delivered } else { DeliveryStatus::Queued },
                at: now,
                reason: None,
                gateway: None,
                retry_at: None,
            },
            number: verification.number_index,
            phone: number.clone(),
            counter,
            proof: None,
            range: range
                .map(|range| Subject::derive(self.keys.subjects(), "sends_per_range", &range.to_string())),
            first: self.tolls(counter, Lane::First, number, source),
            second: self.tolls(counter, Lane::Second, number, source),
            enforce: self.policy.guard_mode == GuardMode::Enforce,
            prefix: (!test).then(|| self.prefix(number)),
            price: if test { 0 } else { self.price(verification, &country, channel) },
            caps: self.policy.money.caps(&country, self.policy.guard.conversion_percent),
            country,
            hardness: self.policy.hardness(number),
            guesses: self.policy.wrong_checks_per_day,
        }
    }

    /// What sending the code costs, in millionths: a text message is paid by the segment.
    fn price(&self, verification: &Verification, country: &str, channel: Channel) -> i64 {
        let (template, texts) = (&verification.template, &self.policy.texts);
        let segments = match channel {
            Channel::Sms => MessageText::segments(verification.code_length, template, texts).count,
            Channel::Voice => 1,
        };
        let price = self.policy.money.price(country, channel);
        price.saturating_mul(i64::try_from(segments).unwrap_or(i64::MAX))
    }

    /// What the guard takes: nothing of an account's own device, a quota of a test number, and nothing for
    /// its number where that is never to be blocked.
    fn tolls(&self, counter: Counter, lane: Lane, number: &PhoneNumber, source: &Source) -> Tolls {
        let key = self.keys.subjects();
        match counter {
            Counter::Device => Tolls::new(),
            Counter::Test if lane == Lane::Second => Tolls::new(),
            Counter::Test => {
                self.policy.test_range(number).map(|range| range.toll(key)).into_iter().collect()
            }
            Counter::Open if self.policy.guard_mode == GuardMode::Off => Tolls::new(),
            Counter::Open => {
                let number = (!self.policy.never_blocks(number)).then_some(number);
                self.policy.guard.tolls(key, lane, number, source)
            }
        }
    }

    /// The prefix of a number whose conversion is counted.
    pub(super) fn prefix(&self, number: &PhoneNumber) -> Subject {
        Subject::of_conversion(self.keys.subjects(), number.less_digits(6))
    }
}
