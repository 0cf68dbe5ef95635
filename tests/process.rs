//! The program as its operator meets it: configured, started, used, killed and started again.
//!
//! PostgreSQL comes by `scripts/postgres cargo nextest run --test process`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod process {
    mod admin;
    mod at_rest;
    mod backup;
    mod challenge;
    mod client;
    mod config;
    mod config_maps;
    mod crash;
    mod dump;
    mod edge;
    mod epoch;
    mod harness;
    mod keys;
    mod kill;
    mod kill_switch;
    mod migrating;
    mod restart;
    mod roles;
    mod rotating_keys;
    mod schema;
    mod shedding;
    mod start;
    mod stopping;
    mod subject;
    mod supervisor;
    mod twilio;
    mod two_nodes;
    mod webhook;
}
