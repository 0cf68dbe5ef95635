//! The limits on a clock that the test moves: the real use cases, limiter and store, without the network.
//!
//! `scripts/prove pumping` runs the whole replays and prints the table; without `TUTTU_PROVE` each is cut to its
//! first minutes, in which the buckets are emptied already.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the table is what a proof is read by")]

#[path = "limits/guessing.rs"]
mod guessing;
#[path = "limits/hostile.rs"]
mod hostile;
#[path = "limits/people.rs"]
mod people;
#[path = "limits/pumping.rs"]
mod pumping;
#[path = "limits/replay.rs"]
mod replay;
#[path = "limits/sweep.rs"]
mod sweep;
#[path = "limits/traffic.rs"]
mod traffic;
#[path = "limits/waiting.rs"]
mod waiting;
