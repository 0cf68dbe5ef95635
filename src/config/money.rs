//! What codes cost and what may be spent on them.

use crate::model::number::Region;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Stands for every country that is not named.
const DEFAULT: &str = "default";
const HIGHEST_PRICE: f64 = 1_000.0;
const HIGHEST_CAP: f64 = 1_000_000_000.0;

/// What may be spent in a day (UTC), in any one currency.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Money {
    /// In all.
    pub per_day: Option<f64>,
    /// By country.
    pub countries: BTreeMap<String, f64>,
    /// The price of a text message's segment by country; `default` for all others.
    pub prices: BTreeMap<String, f64>,
    /// The price of a call by country; `default` for all others.
    pub call_prices: BTreeMap<String, f64>,
}

impl Money {
    /// Every rule that these settings break.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, amounts, highest, default) in [
            ("countries", &self.countries, HIGHEST_CAP, false),
            ("prices", &self.prices, HIGHEST_PRICE, true),
            ("call_prices", &self.call_prices, HIGHEST_PRICE, true),
        ] {
            for (country, amount) in amounts {
                let key = format!("limits.money.{key}.{country}");
                let known =
                    Region::parse(country).is_ok() || default && country.eq_ignore_ascii_case(DEFAULT);
                if !known {
                    let or = if default { " or `default`" } else { "" };
                    problems.push(format!("{key}: `{country}` is no ISO country code (such as FI){or}"));
                }
                problems.extend(out_of_range(&key, *amount, highest));
            }
        }
        let capped = self.per_day.is_some() || !self.countries.is_empty();
        for (key, prices) in [("prices", &self.prices), ("call_prices", &self.call_prices)] {
            let default = prices.keys().any(|name| name.eq_ignore_ascii_case(DEFAULT));
            if capped && !default {
                problems.push(format!(
                    "limits.money.{key}.{DEFAULT} must be set where a cap is: what has no price is not counted"
                ));
            }
        }
        problems.extend(self.per_day.and_then(|cap| out_of_range("limits.money.per_day", cap, HIGHEST_CAP)));
        problems
    }
}

fn out_of_range(key: &str, amount: f64, highest: f64) -> Option<String> {
    (!(0.0..=highest).contains(&amount)).then(|| format!("{key} must be 0 to {highest}"))
}
