//! The contract of the store: every method, on every engine.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;

#[path = "api/harness/engine.rs"]
mod engine;

mod store {
    mod accounts;
    mod admins;
    mod audit;
    mod citus;
    mod console;
    mod decisions;
    mod deliveries;
    mod directory;
    mod epochs;
    mod erasing;
    mod feed;
    mod fixtures;
    mod granting;
    mod groups;
    mod idempotency;
    mod keeping;
    mod keys;
    mod ledger;
    mod limits;
    mod nodes;
    mod patience;
    mod relisting;
    mod restoring;
    mod running_log;
    mod scale;
    mod sending;
    mod simulation;
    mod verifications;
}

/// Every method is called by some test here.
#[test]
fn the_contract_calls_every_method_of_the_store() {
    fn texts(folder: &Path) -> String {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files
            .map(|file| if file.is_dir() { texts(&file) } else { std::fs::read_to_string(file).unwrap() })
            .collect()
    }
    let source = texts(Path::new("src/store")) + include_str!("../src/store.rs");
    let contract = texts(Path::new("tests/store"));
    let methods: Vec<&str> =
        source.split("pub async fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next()).collect();
    assert!(methods.len() > 20, "{methods:?}");
    for method in methods {
        let call = format!("{method}(");
        assert!(contract.contains(&call), "no test calls Store::{method}");
    }
}
