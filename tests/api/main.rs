//! The API in sentences: a real server on port 0, a clock moved by hand, both engines.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod accounts;
mod admins;
mod audit;
mod bad_input;
mod callbacks;
mod canary;
mod devices;
mod discovery;
mod edge;
mod harness;
mod idempotency;
mod inbox;
mod limits;
mod messages;
mod openapi;
mod operations;
mod oversight;
mod rotation;
mod sending;
mod shape;
mod shedding;
mod sync;
mod tampering;
mod verification;
mod visibility;
