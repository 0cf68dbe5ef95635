//! What was asked, and how that went.

use std::time::Duration;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Lookup,
    Start,
    Check,
    Registration,
}

impl Kind {
    pub(in super::super) const ALL: [Self; 4] = [Self::Lookup, Self::Start, Self::Check, Self::Registration];

    pub(in super::super) const fn as_str(self) -> &'static str {
        ["lookups", "starts", "checks", "registrations"][self as usize]
    }
}

/// How a run went.
#[derive(Debug, Default)]
pub(in super::super) struct Tally {
    counts: [[usize; 2]; 4],
    /// Requests or people that came, and those of them who got all they came for.
    pub(in super::super) came: usize,
    pub(in super::super) served: usize,
    shed: Vec<Duration>,
    late: Vec<Duration>,
    /// Answers that nobody expected.
    pub(in super::super) wrong: Vec<String>,
    pub(in super::super) seconds: f64,
}

impl Tally {
    pub(super) fn note(&mut self, kind: Kind, status: u16, took: Duration, answer: &str) {
        match status {
            200 | 201 => self.counts[kind as usize][0] += 1,
            503 => {
                self.counts[kind as usize][1] += 1;
                self.shed.push(took);
            }
            _ => self.wrong.push(format!("{status} {answer}")),
        }
    }

    /// How long after its time somebody came.
    pub(super) fn late(&mut self, late: Duration) {
        self.late.push(late);
    }

    pub(super) fn end(&mut self, is_served: bool) {
        self.came += 1;
        self.served += usize::from(is_served);
    }

    pub(super) fn add(&mut self, other: Self) {
        for (mine, others) in self.counts.iter_mut().flatten().zip(other.counts.iter().flatten()) {
            *mine += others;
        }
        self.came += other.came;
        self.served += other.served;
        self.shed.extend(other.shed);
        self.late.extend(other.late);
        self.wrong.extend(other.wrong);
    }

    pub(in super::super) fn good(&self, kind: Kind) -> usize {
        self.counts[kind as usize][0]
    }

    pub(in super::super) fn shed(&self, kind: Kind) -> usize {
        self.counts[kind as usize][1]
    }

    /// The share of the requests of a kind that were not refused: all, where none were asked.
    pub(in super::super) fn share(&self, kind: Kind) -> f64 {
        1.0 - self.shed(kind) as f64 / (self.good(kind) + self.shed(kind)).max(1) as f64
    }

    /// Requests that were refused.
    pub(in super::super) fn all_shed(&self) -> usize {
        self.shed.len()
    }

    /// How many a second.
    pub(in super::super) fn per_second(&self, count: usize) -> f64 {
        count as f64 / self.seconds
    }

    /// How long all but one in a hundred refusals took at most.
    pub(in super::super) fn shed_p99(&self) -> Duration {
        p99(&self.shed)
    }

    /// How late all but one in a hundred came at most.
    pub(in super::super) fn late_p99(&self) -> Duration {
        p99(&self.late)
    }
}

fn p99(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}
