//! The gateways there are, and the order in which a message tries them.

use super::{Breaker, SendError, Sender};
use crate::config::Route;
use crate::model::delivery::Channel;
use jiff::Timestamp;

/// A gateway by its name.
#[derive(Debug)]
pub struct Gateway {
    /// Its configured name.
    pub name: String,
    /// What it is.
    pub sender: Sender,
    /// Whether it is worth trying.
    breaker: Breaker,
}

impl Gateway {
    /// A gateway that nothing has been sent by.
    #[must_use]
    pub fn new(name: String, sender: Sender) -> Self {
        Self { name, sender, breaker: Breaker::default() }
    }

    /// Whether a message may be tried now.
    #[must_use]
    pub fn admits(&self, now: Timestamp) -> bool {
        self.breaker.admits(now)
    }

    /// How often in a row it failed, and until when this node passes it over, if it does.
    #[must_use]
    pub fn found(&self) -> (u32, Option<Timestamp>) {
        self.breaker.found()
    }

    /// Learns from an answer whether the gateway itself is well.
    pub fn learn<T>(&self, answer: &Result<T, SendError>, now: Timestamp) {
        let failed = match answer {
            Ok(_) => false,
            Err(SendError::Refused { reason, .. }) => reason.is_gateways(),
            Err(SendError::Unreachable | SendError::NoAnswer) => true,
        };
        if failed {
            self.breaker.failed(now);
        } else {
            self.breaker.succeeded();
        }
        let open = if self.breaker.is_open() { 1.0 } else { 0.0 };
        metrics::gauge!("tuttu_gateway_open", "gateway" => self.name.clone()).set(open);
    }
}

/// Every gateway, in order of preference, and the routes that change it.
#[derive(Debug, Default)]
pub struct Gateways {
    gateways: Vec<Gateway>,
    routes: Vec<Route>,
}

impl Gateways {
    /// These gateways; the first route that fits a message says which of them it tries, in which order.
    #[must_use]
    pub fn new(gateways: Vec<Gateway>, routes: &[Route]) -> Self {
        Self { gateways, routes: routes.to_vec() }
    }

    /// Every gateway, in order of preference.
    #[must_use]
    pub fn all(&self) -> &[Gateway] {
        &self.gateways
    }

    /// The gateway of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Gateway> {
        self.gateways.iter().find(|gateway| gateway.name == name)
    }

    /// The gateways that a message to `country` tries, one after the other.
    #[must_use]
    pub fn on_the_way(&self, country: &str, channel: Channel) -> Vec<&Gateway> {
        let fits = |route: &&Route| {
            let all = route.countries.is_empty();
            (all || route.countries.iter().any(|code| code.eq_ignore_ascii_case(country)))
                && (route.channels.is_empty() || route.channels.iter().any(|word| word == channel.as_str()))
        };
        let carries = |gateway: &&Gateway| gateway.sender.carries(channel);
        match self.routes.iter().find(fits) {
            Some(route) => {
                route.gateways.iter().filter_map(|name| self.named(name)).filter(carries).collect()
            }
            None => self.gateways.iter().filter(carries).collect(),
        }
    }

    /// Whether a code can travel to `country` that way.
    #[must_use]
    pub fn carry(&self, country: &str, channel: Channel) -> bool {
        !self.on_the_way(country, channel).is_empty()
    }
}
