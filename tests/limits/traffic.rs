//! Who asks for codes: bots that never enter one, and people who mostly do.

use std::net::Ipv4Addr;

/// What bots do about challenges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bots {
    SolveNothing,
    SolveWork,
}

impl Bots {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SolveNothing => "nothing",
            Self::SolveWork => "every proof of work",
        }
    }
}

/// A stream of people who ask at random times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct People {
    pub(crate) per_hour: f64,
    /// How many of a hundred enter their code.
    pub(crate) percent: u32,
    /// Two countries of 2 000 blocks: where the attack is, and another.
    pub(crate) abroad: bool,
    /// Addresses that they share; each their own if none.
    pub(crate) addresses: Option<u32>,
}

/// What happens in a replay.
#[derive(Debug, Clone)]
pub(crate) struct Traffic {
    pub(crate) people: Vec<People>,
    /// Bots that begin after ten minutes: blocks of 10 000 numbers, and what they solve.
    pub(crate) bots: Option<(u32, Bots)>,
    /// Minutes of it.
    pub(crate) minutes: u64,
}

/// 240 000 messages in four hours.
pub(crate) const ATTACK_PER_HOUR: f64 = 60_000.0;
pub(crate) const ATTACK_ADDRESSES: u32 = 10_000;
/// 50 000 a month.
const HONEST_PER_HOUR: f64 = 50_000.0 / 30.0 / 24.0;

impl Traffic {
    pub(crate) fn attack(blocks: u32, bots: Bots, minutes: u64) -> Self {
        let people = |abroad| People { per_hour: HONEST_PER_HOUR, percent: 75, abroad, addresses: None };
        Self { people: vec![people(false), people(true)], bots: Some((blocks, bots)), minutes }
    }

    pub(crate) fn steady(minutes: u64) -> Self {
        let people = People { per_hour: 3_600.0, percent: 60, abroad: false, addresses: None };
        Self { people: vec![people], bots: None, minutes }
    }

    pub(crate) fn launch(minutes: u64) -> Self {
        let people = People { per_hour: 20_000.0, percent: 70, abroad: false, addresses: Some(4_096) };
        Self { people: vec![people], bots: None, minutes }
    }
}

/// Chance that is the same in every run (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.next() % u64::from(end)).unwrap()
    }

    /// Milliseconds until the next of so many an hour.
    pub(crate) fn wait_ms(&mut self, per_hour: f64) -> i64 {
        self.exponential_ms(3_600_000.0 / per_hour)
    }

    pub(crate) fn exponential_ms(&mut self, mean: f64) -> i64 {
        let uniform = f64::from(self.below(1 << 30) + 1) / f64::from(1 << 30);
        #[expect(clippy::cast_possible_truncation, reason = "some hours at most")]
        let ms = (-uniform.ln() * mean) as i64;
        ms
    }

    /// A number of one of the first `blocks` blocks of 10 000: in Finland, or abroad.
    pub(crate) fn number(&mut self, blocks: u32, abroad: bool) -> String {
        let (block, line) = (self.below(blocks), self.below(10_000));
        if abroad {
            return format!(
                "+467{:04}{line:04}",
                [0, 2, 3, 6][(block / 500) as usize % 4] * 1_000 + block % 1_000
            );
        }
        let operator = if block < 1_000 { 40 } else { 50 };
        format!("+358{operator}{:03}{line:04}", block % 1_000)
    }

    /// One of so many addresses side by side, or any.
    pub(crate) fn address(&mut self, of: Option<u32>, base: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(base + self.below(of.unwrap_or(1 << 28)))
    }
}
