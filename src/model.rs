//! The nouns of the service: values that are right once they exist. No I/O, no async, no clock.

pub mod account;
pub mod altcha;
pub mod challenge;
pub mod code;
pub mod counter;
pub mod delivery;
pub mod device_token;
pub mod entropy;
pub mod epoch;
pub mod grant;
pub mod guard;
pub mod handle;
pub mod id;
pub mod keys;
pub mod ledger;
pub mod locale;
pub mod message;
pub mod number;
pub mod sealed;
pub mod secret;
pub mod segments;
pub mod source;
pub mod sync_token;
pub mod verification;
pub(crate) mod words;
