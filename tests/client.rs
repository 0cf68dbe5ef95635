//! The client library, without a server: address books, what they cost, and where they are kept.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod client {
    mod challenge;
    mod contacts;
    mod credentials;
    mod error;
    mod repeat;
    mod sync;
    mod wire;
}
