//! The directory's structures in memory, against the maps of the standard library.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a proof is read by its row")]

mod directory {
    mod cache;
    mod keys;
    mod modes;
    mod readers;
    mod rotation;
    mod snapshot;
    mod table;
}
