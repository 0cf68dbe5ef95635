//! The directory's structures in memory, against the maps of the standard library.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod directory {
    mod cache;
    mod keys;
    mod readers;
    mod table;
}
