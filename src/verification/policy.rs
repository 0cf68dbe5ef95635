//! What may be sent, to whom, and how.

use super::decided::Decided;
use super::money::MoneyPolicy;
use super::test_numbers::{TestRange, test_ranges};
use super::{SendRefused, StartRequest};
use crate::config::{Config, GuardMode};
use crate::model::counter::{Counter, SendPolicy};
use crate::model::delivery::Channel;
use crate::model::guard::{BucketSize, GuardPolicy};
use crate::model::ledger::Hardness;
use crate::model::message::MessageTexts;
use crate::model::number::{NumberError, PhoneNumber};
use crate::model::policy::Verdict;
use crate::sender::Gateways;
use std::sync::Arc;
use std::time::Duration;

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

/// The rules of verifications.
#[derive(Debug)]
pub struct VerificationPolicy {
    /// How hard a code is to guess while nobody guesses.
    pub hardness: Hardness,
    /// How long a code lives.
    pub code_lifetime: Duration,
    /// How often a number may be sent a code.
    pub sends: SendPolicy,
    /// Who carries codes.
    pub gateways: Arc<Gateways>,
    /// Where codes may go.
    pub destinations: Destinations,
    /// Android SMS Retriever hashes that may be asked for.
    pub app_hashes: Vec<String>,
    /// WebOTP hosts that may be asked for.
    pub web_origins: Vec<String>,
    /// What messages say.
    pub texts: Arc<MessageTexts>,
    /// The guard's buckets.
    pub guard: GuardPolicy,
    /// What an empty guard does.
    pub guard_mode: GuardMode,
    /// Numbers, or how they begin, that the guard never stops.
    pub never_block: Vec<String>,
    /// What may be spent.
    pub money: MoneyPolicy,
    /// Numbers for tests.
    pub test_ranges: Vec<TestRange>,
    /// Wrong checks that a day may have over all numbers.
    pub wrong_checks_per_day: i64,
}

/// Countries where codes may go, by ISO 3166 code.
#[derive(Debug, Clone)]
pub struct Destinations {
    allow: Option<Vec<String>>,
    deny: Vec<String>,
    monitor: Vec<String>,
    denied_types: Vec<String>,
    monitored_types: Vec<String>,
    decided: Decided,
}

/// Why a country gets no codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DestinationRefused {
    /// Named in `limits.countries.deny`, or blocked by an admin.
    Denied,
    /// Not named in `limits.countries.allow`.
    NotAllowed,
}

impl VerificationPolicy {
    /// The rules that the configuration sets, for codes that these gateways carry.
    #[must_use]
    pub fn new(config: &Config, gateways: Arc<Gateways>) -> Self {
        Self {
            hardness: Hardness {
                digits: config.verification.code_length,
                checks: i64::from(config.verification.checks_per_code),
            },
            code_lifetime: config.verification.code_lifetime.get(),
            sends: SendPolicy {
                per_number: i64::from(config.limits.sends_per_number),
                per_range: i64::from(config.limits.sends_per_number.div_ceil(2)),
                window: SECONDS(86_400),
                waits: [30, 60, 120, 300, 600].map(SECONDS),
            },
            gateways,
            destinations: Destinations::new(config),
            app_hashes: config.verification.app_hashes.clone(),
            web_origins: config.verification.web_origins.clone(),
            texts: Arc::new(config.message_texts()),
            guard: GuardPolicy::from(&config.limits.guard),
            guard_mode: config.limits.guard.mode,
            never_block: config.limits.never_block.clone(),
            money: MoneyPolicy::new(&config.limits.money),
            test_ranges: test_ranges(&config.verification.test_numbers),
            wrong_checks_per_day: i64::from(config.limits.wrong_checks_per_day),
        }
    }

    /// Reads the number. Ranges for tests may lie where the numbering plan has nothing.
    pub(super) fn read(&self, request: &StartRequest) -> Result<PhoneNumber, NumberError> {
        let typed = request.number.as_str();
        PhoneNumber::parse(typed, request.region).or_else(|cause| {
            let test = self.test_ranges.iter().any(|range| typed.starts_with(&range.prefix));
            if test { PhoneNumber::stored(typed) } else { Err(cause) }
        })
    }

    /// How hard a code of that number is to guess while nobody guesses.
    pub(super) fn hardness(&self, number: &PhoneNumber) -> Hardness {
        match self.test_range(number) {
            Some(range) => Hardness { digits: range.code.digits(), ..self.hardness },
            None => self.hardness,
        }
    }

    /// Among whose sends a verification of a number counts; `own` is whether its own account asks.
    pub(super) fn counter(&self, number: &PhoneNumber, own: bool) -> Counter {
        match (self.test_range(number), own) {
            (Some(_), _) => Counter::Test,
            (None, true) => Counter::Device,
            (None, false) => Counter::Open,
        }
    }

    /// The test numbers that a number belongs to.
    pub(super) fn test_range(&self, number: &PhoneNumber) -> Option<&TestRange> {
        self.test_ranges.iter().find(|range| number.e164().starts_with(&range.prefix))
    }

    /// Whether the guard never stops sends to a number.
    pub(super) fn never_blocks(&self, number: &PhoneNumber) -> bool {
        self.never_block.iter().any(|prefix| number.e164().starts_with(prefix))
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
        match (reached, self.gateways.carry(&number.country(), channel)) {
            (false, _) => Err(SendRefused::NumberType { voice }),
            (true, false) => Err(SendRefused::ChannelUnavailable),
            (true, true) => Ok(()),
        }
    }

    /// Whether a code may be sent at all.
    pub(super) fn admit(&self, number: &PhoneNumber, request: &StartRequest) -> Result<(), SendRefused> {
        if self.test_range(number).is_some() {
            return Ok(());
        }
        self.carries(number, request.channel)?;
        if request.channel == Channel::Voice && self.carries(number, Channel::Sms).is_ok() {
            return Err(SendRefused::SmsFirst);
        }
        if !self.destinations.admits_type(number) {
            return Err(SendRefused::NumberType { voice: false });
        }
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

impl From<&crate::config::Guard> for GuardPolicy {
    fn from(guard: &crate::config::Guard) -> Self {
        let mut sizes = [BucketSize { capacity: 1, per_hour: 1 }; 5];
        for (size, (&capacity, &per_hour)) in sizes.iter_mut().zip(guard.capacity.iter().zip(&guard.per_hour))
        {
            *size = BucketSize { capacity, per_hour };
        }
        Self { sizes, conversion_percent: guard.conversion_percent }
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
            denied_types: config.limits.number_types.deny.clone(),
            monitored_types: config.limits.number_types.monitor.clone(),
            decided: Decided::default(),
        }
    }

    /// Whether the operator lets codes go to that kind of number.
    fn admits_type(&self, number: &PhoneNumber) -> bool {
        !self.denied_types.iter().any(|word| word == number.kind().as_str())
    }

    /// Whether codes may go to the country of a number.
    pub(super) fn admit(&self, number: &PhoneNumber) -> Result<(), DestinationRefused> {
        match self.decided.of(number) {
            Some(Verdict::Block) => return Err(DestinationRefused::Denied),
            Some(Verdict::Allow | Verdict::Monitor) => return Ok(()),
            None => {}
        }
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

    /// What admins have decided, which overrides the configuration.
    #[must_use]
    pub const fn decided(&self) -> &Decided {
        &self.decided
    }

    /// What of a number is monitored, if anything is: `policy`, `country`, or its kind.
    pub(super) fn monitored(&self, number: &PhoneNumber) -> Option<&'static str> {
        if self.decided.of(number) == Some(Verdict::Monitor) {
            return Some("policy");
        }
        let (country, kind) = (number.country(), number.kind().as_str());
        if self.monitor.contains(&country) {
            return Some("country");
        }
        self.monitored_types.iter().any(|word| word == kind).then_some(kind)
    }
}
