//! Tuttu proves that a person holds a phone number, gives each of their devices a token, and tells an app
//! which of a person's contacts are already users, without keeping the address book.
//!
//! ```text
//!  main, commands                      the command line
//!        |
//!       app                            configuration in, running service out
//!      / | \
//!  edge http jobs                      connections and their limits; the routes; what runs beside requests
//!      \ | /
//!  verification  registration          what the service does: verbs on top
//!  admins  oversight  devices  discovery  directory  epochs  erasures  rotation  key_rotation  idempotency  audit
//!        |
//!  store  sender  captcha              all SQL; who delivers a code; who judges a challenge
//!  key_file  config                    the keys; the settings
//!        |
//!      model                           the nouns: no I/O, no async, no clock
//! ```
//!
//! A ring names only rings below it; `tests/architecture.rs` checks it. `client` stands apart: it speaks to a
//! server over its public API and knows of its insides only how numbers are read and handles are made.

pub mod admins;
pub mod app;
pub mod audit;
pub mod captcha;
pub mod client;
pub mod clock;
pub mod config;
pub mod devices;
pub mod directory;
pub mod discovery;
pub mod edge;
pub mod epochs;
pub mod erasures;
pub mod http;
pub mod idempotency;
pub mod jobs;
pub mod key_file;
pub mod key_rotation;
pub mod model;
pub mod oversight;
pub mod registration;
pub mod rotation;
pub mod sender;
pub mod store;
pub mod telemetry;
pub mod verification;
