//! What a lookup costs the whole service, beside the least that any server could do: `scripts/bench`.
//!
//! Servers run side by side as processes of their own on one core, the load on another. They are asked in
//! turns, so that all meet the same noise:
//!
//! - `floor-empty`: axum reads the body and answers an empty bitmap;
//! - `floor-map`: the same with every user in a hash map: nobody is authenticated, nothing is limited;
//! - `tuttu ...`: the service itself in each `directory.mode`, with authentication, receipts, limits and metrics.
//!
//! Redis, PostgreSQL and SQLite are asked for as many handles at once, without any service around them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark fails by panicking and prints what it measured"
)]
#![allow(clippy::disallowed_methods, reason = "it reads the clock of the machine")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are floating point, and sizes far from any limit"
)]

mod books;
mod chart;
mod fill;
mod floor;
mod load;
mod people;
mod report;
mod resp;
mod rounds;
mod servers;
mod stores;

use clap::{Parser, Subcommand};
use report::Report;
use std::path::PathBuf;
use std::time::Duration;

/// Measures lookups.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    floor: Option<Floor>,
    /// Sizes of the directory.
    #[arg(long, value_delimiter = ',', default_value = "1000000")]
    users: Vec<u64>,
    /// How often each server is measured; figures are medians.
    #[arg(long)]
    rounds: Option<usize>,
    /// Few rounds, short ones, and only the main questions.
    #[arg(long)]
    quick: bool,
    /// Values of `directory.mode`; those that the service does not know are left out.
    #[arg(long, value_delimiter = ',', default_value = "complete,filter,database")]
    modes: Vec<String>,
    /// Only questions whose name has this text, for instance "binary, 1000 handles, 30 %".
    #[arg(long, default_value = "")]
    only: String,
    /// Sizes at which Redis, PostgreSQL and SQLite are asked; 0 for none.
    #[arg(long, value_delimiter = ',', default_value = "1000000")]
    stores: Vec<u64>,
    /// Draws `benches/lookup.svg` anew.
    #[arg(long)]
    publish: bool,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The servers to compare with, which the benchmark starts itself.
#[derive(Debug, Subcommand)]
enum Floor {
    /// Answers that nobody was found.
    FloorEmpty,
    /// Answers from a hash map.
    FloorMap {
        /// How many users it holds.
        users: u64,
    },
}

/// How long and how often is measured.
#[derive(Debug, Clone, Copy)]
struct Effort {
    quick: bool,
    rounds: usize,
    /// Of one measurement.
    window: Duration,
    /// Address books of each kind, so many that no cache of the processor holds what they ask for.
    books: usize,
    /// Address books asked once, in each round.
    fresh: usize,
}

impl Effort {
    fn of(arguments: &Arguments) -> Self {
        let (rounds, window, books, fresh) =
            if arguments.quick { (3, 400, 512, 100) } else { (5, 800, 1_024, 300) };
        Self {
            quick: arguments.quick,
            rounds: arguments.rounds.unwrap_or(rounds),
            window: Duration::from_millis(window),
            books,
            fresh,
        }
    }
}

/// `target/bench`, wherever the target folder is.
fn folder() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("bench")
}

fn main() {
    let arguments = Arguments::parse();
    match arguments.floor {
        Some(Floor::FloorEmpty) => floor::serve(None),
        Some(Floor::FloorMap { users }) => floor::serve(Some(users)),
        None => measure(&arguments),
    }
}

fn measure(arguments: &Arguments) {
    let effort = Effort::of(arguments);
    let mut report = Report::default();
    for &users in &arguments.users {
        let directory = fill::open(users);
        rounds::measure(&directory, &arguments.modes, (effort, &arguments.only), &mut report);
    }
    for &users in arguments.stores.iter().filter(|&&users| users > 0) {
        stores::measure(&fill::open(users), effort, &mut report);
    }
    report.print();
    report.save(&folder().join("lookup.json"));
    if arguments.publish {
        std::fs::write("benches/lookup.svg", chart::draw(&report)).unwrap();
    }
}
