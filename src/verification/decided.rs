//! What admins have decided of countries and prefixes, as this node knows it.

use super::Failure;
use crate::model::number::PhoneNumber;
use crate::model::policy::{Policy, Verdict, decided};
use crate::store::Store;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::sync::Arc;

/// What admins have decided, read from the database again and again; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Decided(Arc<ArcSwap<Vec<Policy>>>);

impl Decided {
    /// Reads anew what holds now.
    ///
    /// # Errors
    /// When the database fails; what was known stays.
    pub async fn reload(&self, store: &Store, now: Timestamp) -> Result<(), Failure> {
        self.0.store(Arc::new(store.policies(now).await?));
        Ok(())
    }

    /// What is decided of a number, if anything is.
    #[must_use]
    pub fn of(&self, number: &PhoneNumber) -> Option<Verdict> {
        decided(&self.0.load(), number).map(|policy| policy.verdict)
    }
}
