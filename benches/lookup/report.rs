//! What was measured: medians over the rounds, as a table and as JSON.

use crate::load::Seen;
use serde::Serialize;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// One measurement.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Measured {
    /// Of the server, for one request.
    pub(crate) cpu_us: f64,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

/// Both of a round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// Over many connections.
    pub(crate) loaded: Measured,
    /// Over one.
    pub(crate) alone: Option<Measured>,
}

#[derive(Debug)]
struct Rounds {
    users: u64,
    server: String,
    question: String,
    loaded: Vec<Measured>,
    alone: Vec<Measured>,
}

/// Medians of one server and question.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) users: u64,
    pub(crate) server: String,
    pub(crate) question: String,
    pub(crate) loaded: Measured,
    pub(crate) alone: Option<Measured>,
    /// The lowest and the highest CPU time of a round.
    pub(crate) cpu_us_range: [f64; 2],
    /// CPU time in that of `floor-empty` and `floor-map`.
    pub(crate) of_empty: Option<f64>,
    pub(crate) of_map: Option<f64>,
}

/// Handles that a bare store answers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StoreLine {
    pub(crate) users: u64,
    pub(crate) store: String,
    pub(crate) handles_per_second: f64,
}

/// Resident memory of a server.
#[derive(Debug, Serialize)]
struct Memory {
    users: u64,
    server: String,
    mebibytes: f64,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rounds: Vec<Rounds>,
    memory: Vec<Memory>,
    pub(crate) stores: Vec<StoreLine>,
}

impl Measured {
    pub(crate) fn new(seen: &Seen, cpu: Duration) -> Self {
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        Self {
            cpu_us: us(cpu) / seen.latencies.len() as f64,
            requests_per_second: seen.per_second(),
            p50_us: us(seen.percentile(50)),
            p99_us: us(seen.percentile(99)),
        }
    }

    fn median(rounds: &[Self]) -> Option<Self> {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Some(Self {
            cpu_us: of(|measured| measured.cpu_us)?,
            requests_per_second: of(|measured| measured.requests_per_second)?,
            p50_us: of(|measured| measured.p50_us)?,
            p99_us: of(|measured| measured.p99_us)?,
        })
    }
}

/// The middle one.
pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

impl Report {
    pub(crate) fn add(&mut self, users: u64, server: &str, question: &str, figures: Figures) {
        let same = |rounds: &&mut Rounds| {
            rounds.users == users && rounds.server == server && rounds.question == question
        };
        if let Some(rounds) = self.rounds.iter_mut().find(same) {
            rounds.loaded.push(figures.loaded);
            rounds.alone.extend(figures.alone);
            return;
        }
        self.rounds.push(Rounds {
            users,
            server: server.to_owned(),
            question: question.to_owned(),
            loaded: vec![figures.loaded],
            alone: figures.alone.into_iter().collect(),
        });
    }

    pub(crate) fn memory(&mut self, users: u64, server: &str, mebibytes: f64) {
        self.memory.push(Memory { users, server: server.to_owned(), mebibytes });
    }

    /// The medians, in the order of measuring.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.rounds.iter().filter_map(|rounds| self.line(rounds)).collect()
    }

    fn line(&self, rounds: &Rounds) -> Option<Line> {
        let loaded = Measured::median(&rounds.loaded)?;
        let cpu = || rounds.loaded.iter().map(|measured| measured.cpu_us);
        let ratio = |floor: &str| {
            let mut floors = self.rounds.iter().filter(|other| other.users == rounds.users);
            let floor = floors.find(|other| other.server == floor && rounds.shares_floor_with(other))?;
            Some(loaded.cpu_us / Measured::median(&floor.loaded)?.cpu_us)
        };
        Some(Line {
            users: rounds.users,
            server: rounds.server.clone(),
            question: rounds.question.clone(),
            loaded,
            alone: Measured::median(&rounds.alone),
            cpu_us_range: [cpu().fold(f64::MAX, f64::min), cpu().fold(0.0, f64::max)],
            of_empty: ratio("floor-empty"),
            of_map: ratio("floor-map"),
        })
    }

    /// The table, on standard output.
    pub(crate) fn print(&self) {
        println!(
            "| users | question | server | CPU us a request (range) | of floor-empty | of floor-map | \
             requests/s, 64 connections | p50 / p99 us, 64 | CPU us, alone | p50 / p99 us, alone |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|");
        for line in self.lines() {
            let Line { users, question, server, loaded, .. } = &line;
            let [low, high] = line.cpu_us_range;
            let ratio = |ratio: Option<f64>| ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            let alone = line.alone.map_or_else(
                || " | ".to_owned(),
                |alone| format!("{:.1} | {:.0} / {:.0}", alone.cpu_us, alone.p50_us, alone.p99_us),
            );
            println!(
                "| {users} | {question} | {server} | {:.1} ({low:.1}-{high:.1}) | {} | {} | {:.0} | {:.0} / {:.0} | {alone} |",
                loaded.cpu_us,
                ratio(line.of_empty),
                ratio(line.of_map),
                loaded.requests_per_second,
                loaded.p50_us,
                loaded.p99_us,
            );
        }
        println!("\n| users | server | memory, MiB |\n|---|---|---|");
        for Memory { users, server, mebibytes } in &self.memory {
            println!("| {users} | {server} | {mebibytes:.0} |");
        }
        println!("\n| users | store, without a service | handles/s, 8 connections |\n|---|---|---|");
        for StoreLine { users, store, handles_per_second } in &self.stores {
            println!("| {users} | {store} | {handles_per_second:.0} |");
        }
    }

    /// The same as JSON.
    pub(crate) fn save(&self, file: &Path) {
        let json =
            serde_json::json!({ "lookups": self.lines(), "memory": self.memory, "stores": self.stores });
        fs::write(file, serde_json::to_string_pretty(&json).unwrap()).unwrap();
        eprintln!("written: {}", file.display());
    }
}

impl Rounds {
    /// Any form is held against the binary one with as many handles and users.
    fn shares_floor_with(&self, floor: &Self) -> bool {
        let size = |question: &str| {
            question.split(", ").skip_while(|part| !part.contains("handles")).collect::<String>()
        };
        size(&self.question) == size(&floor.question)
    }
}
