//! A client of the service: what an app on a phone does, and what `tuttu client` is made of.
//!
//! It speaks version 1 of the HTTP interface and knows nothing of how the server works inside; of
//! the model it uses numbers, handles and the arithmetic of a proof of work alone, which are the same on both ends.
//!
//! | module | is |
//! |---|---|
//! | [`api`] | one typed call for each request |
//! | [`challenge`] | the proof of work that may be asked for before a code is sent |
//! | [`contacts`] | the numbers of an exported address book, and why others are left out |
//! | [`sync`] | what has been paid for, and what to ask next; pure |
//! | [`lookup`] | the two together: an address book in, accounts out |
//! | [`wire`] | the binary form of a lookup |
//! | [`credentials`] | the file that keeps a device signed in |
//! | [`shapes`], [`error`] | what answers hold, and what goes wrong |

pub mod api;
pub mod challenge;
pub mod contacts;
pub mod credentials;
pub mod error;
pub mod lookup;
pub mod shapes;
pub mod sync;
pub mod wire;

pub use api::{Client, Session};
pub use error::ClientError;
