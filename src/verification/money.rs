//! What codes cost and what may be spent on them in a day.

use crate::config::Money;
use crate::model::delivery::Channel;
use crate::store::Caps;
use std::collections::BTreeMap;

/// Prices and caps are kept in millionths, so that they add up exactly.
const MILLIONTHS: f64 = 1_000_000.0;
/// The price of every country that is not named.
const DEFAULT: &str = "default";

/// Prices and caps by country.
#[derive(Debug, Clone, Default)]
pub struct MoneyPolicy {
    prices: BTreeMap<String, i64>,
    call_prices: BTreeMap<String, i64>,
    countries: BTreeMap<String, i64>,
    total: Option<i64>,
}

impl MoneyPolicy {
    /// What the configuration sets.
    #[must_use]
    pub fn new(money: &Money) -> Self {
        Self {
            prices: by_country(&money.prices),
            call_prices: by_country(&money.call_prices),
            countries: by_country(&money.countries),
            total: money.per_day.map(millionths),
        }
    }

    /// What a segment of a text message, or a call, to a country costs, in millionths.
    #[must_use]
    pub fn price(&self, country: &str, channel: Channel) -> i64 {
        let prices = match channel {
            Channel::Sms => &self.prices,
            Channel::Voice => &self.call_prices,
        };
        prices.get(country).or_else(|| prices.get(DEFAULT)).copied().unwrap_or_default()
    }

    /// What may be spent on a country and in all.
    #[must_use]
    pub fn caps(&self, country: &str, conversion_percent: u32) -> Caps {
        Caps {
            country: self.countries.get(country).copied(),
            total: self.total,
            conversion_percent: i64::from(conversion_percent),
        }
    }
}

fn by_country(amounts: &BTreeMap<String, f64>) -> BTreeMap<String, i64> {
    let name = |country: &String| {
        if country.eq_ignore_ascii_case(DEFAULT) { DEFAULT.to_owned() } else { country.to_ascii_uppercase() }
    };
    amounts.iter().map(|(country, &amount)| (name(country), millionths(amount))).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "amounts are checked to be small when they are read")]
fn millionths(amount: f64) -> i64 {
    (amount * MILLIONTHS).round() as i64
}
