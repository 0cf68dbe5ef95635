//! What may be sent, to whom, and how.

use super::{SendRefused, StartRequest};
use crate::config::Config;
use crate::model::delivery::Channel;
use crate::model::number::PhoneNumber;
use crate::store::SendPolicy;
use std::time::Duration;

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

/// The rules of verifications.
#[derive(Debug)]
pub struct VerificationPolicy {
    /// Digits of a code.
    pub code_length: u8,
    /// How long a code lives.
    pub code_lifetime: Duration,
    /// Checks of one code.
    pub checks_per_code: u8,
    /// How often a number may be sent a code.
    pub sends: SendPolicy,
    /// The ways a code can travel here.
    pub channels: Vec<Channel>,
    /// Where codes may go.
    pub destinations: Destinations,
    /// Android SMS Retriever hashes that may be asked for.
    pub app_hashes: Vec<String>,
    /// WebOTP hosts that may be asked for.
    pub web_origins: Vec<String>,
}

/// Countries where codes may go, by ISO 3166 code.
#[derive(Debug, Clone)]
pub struct Destinations {
    allow: Option<Vec<String>>,
    deny: Vec<String>,
    monitor: Vec<String>,
}

/// Why a country gets no codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DestinationRefused {
    /// Named in `limits.countries.deny`.
    Denied,
    /// Not named in `limits.countries.allow`.
    NotAllowed,
}

impl VerificationPolicy {
    /// The rules that the configuration sets, for gateways that carry `channels`.
    #[must_use]
    pub fn new(config: &Config, channels: Vec<Channel>) -> Self {
        Self {
            code_length: config.verification.code_length,
            code_lifetime: config.verification.code_lifetime.get(),
            checks_per_code: config.verification.checks_per_code,
            sends: SendPolicy {
                per_number: i64::from(config.limits.sends_per_number),
                window: SECONDS(86_400),
                waits: [30, 60, 120, 300, 600].map(SECONDS),
            },
            channels,
            destinations: Destinations::new(config),
            app_hashes: config.verification.app_hashes.clone(),
            web_origins: config.verification.web_origins.clone(),
        }
    }

    /// Whether a code can travel to a number this way.
    ///
    /// Never to premium-rate, shared-cost, pager, UAN or voicemail numbers; a landline hears its code.
    pub(super) fn carries(&self, number: &PhoneNumber, channel: Channel) -> Result<(), SendRefused> {
        let voice = number.can_receive_call();
        let reached = match channel {
            Channel::Sms => number.can_receive_sms(),
            Channel::Voice => voice,
        };
        match (reached, self.channels.contains(&channel)) {
            (false, _) => Err(SendRefused::NumberType { voice }),
            (true, false) => Err(SendRefused::ChannelUnavailable),
            (true, true) => Ok(()),
        }
    }

    /// Whether a code may be sent at all.
    pub(super) fn admit(&self, number: &PhoneNumber, request: &StartRequest) -> Result<(), SendRefused> {
        self.carries(number, request.channel)?;
        self.destinations.admit(number).map_err(SendRefused::Destination)?;
        let template = &request.template;
        let known =
            |value: &Option<String>, list: &[String]| value.as_ref().is_none_or(|value| list.contains(value));
        if known(&template.app_hash, &self.app_hashes) && known(&template.web_origin, &self.web_origins) {
            Ok(())
        } else {
            Err(SendRefused::Origin)
        }
    }
}

impl Destinations {
    /// The countries that the configuration names: with a paid gateway, none unless named.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let upper = |codes: &[String]| codes.iter().map(|code| code.to_ascii_uppercase()).collect::<Vec<_>>();
        let countries = &config.limits.countries;
        let unlimited = config.inbox_only() && countries.allow.is_empty();
        let mut allow = upper(&countries.allow);
        allow.extend(upper(&countries.monitor));
        Self {
            allow: (!unlimited).then_some(allow),
            deny: upper(&countries.deny),
            monitor: upper(&countries.monitor),
        }
    }

    fn admit(&self, number: &PhoneNumber) -> Result<(), DestinationRefused> {
        let region = number.region();
        let country = region.as_ref().map_or("none", |region| region.as_str());
        let named = |list: &[String]| list.iter().any(|code| code == country);
        if named(&self.deny) {
            return Err(DestinationRefused::Denied);
        }
        if self.allow.as_deref().is_some_and(|allow| !named(allow)) {
            return Err(DestinationRefused::NotAllowed);
        }
        Ok(())
    }

    /// Counts and logs a code that goes to a monitored country.
    pub(super) fn note(&self, number: &PhoneNumber) {
        let Some(region) = number.region() else { return };
        let country = region.as_str();
        if self.monitor.iter().any(|code| code == country) {
            metrics::counter!("tuttu_sends_monitored_total", "country" => country.to_owned()).increment(1);
            tracing::warn!(country, "a code goes to a monitored country");
        }
    }
}
