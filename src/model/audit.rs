//! The audit log: what was done, by whom and to whom, in a form that a stranger can verify.
//!
//! A [`Note`] says what a change did. The [`Pen`] of a node makes an entry of it, in the transaction of the change:
//! text (JSON with its members in alphabetical order) with a keyed MAC. What is personal lies in a part sealed under
//! the key of the [`Subject`], so that destroying that key erases a person and leaves every proof whole. Entries in
//! their order are the leaves of a Merkle tree (RFC 6962), whose [`Frontier`] grows with each; a [`Checkpoint`] is its
//! signed head (C2SP `tlog-checkpoint`).

mod action;
mod checkpoint;
mod entry;
mod note;
mod pen;
mod subject;
mod tree;
mod who;

pub use action::{Action, Level};
pub use checkpoint::{Checkpoint, CheckpointRefused, LogKey, LogSigner, default_origin, open_text};
pub use entry::{Context, Entry, Parties, Party};
pub use note::{Change, Note, Outcome, Owner, Private, Target};
pub use pen::{Pen, Written};
pub use subject::{Subject, SubjectKey};
pub use tree::{Frontier, Hash, TileRoot, leaf_hash};
pub use who::{Actor, Address, Who};
