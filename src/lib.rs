//! wip
pub mod app;
pub mod client;
pub mod clock;
pub mod config;
pub mod devices;
pub mod directory;
pub mod discovery;
pub mod epochs;
pub mod http;
pub mod jobs;
pub mod key_file;
pub mod model;
pub mod registration;
pub mod sender;
pub mod store;
pub mod telemetry;
pub mod verification;
