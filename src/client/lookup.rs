//! An address book in, accounts out.

use super::api::Session;
use super::error::ClientError;
use super::sync::{AddressBook, Sync};
use crate::model::handle::{BLAKE3_KEYED_128, Handle, Pepper};
use crate::model::number::PhoneNumber;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A lookup under way. Call [`step`](Self::step) until nothing is left, and save the
/// [`book`](Self::book) after each step: what it holds has been paid for.
#[derive(Debug)]
pub struct Lookup<'a> {
    numbers: &'a [PhoneNumber],
    /// The handle of each number, in the same order.
    handles: Vec<Handle>,
    sync: Sync,
}

impl<'a> Lookup<'a> {
    /// A lookup of these numbers, given what has been paid for.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::AlgorithmUnknown`] when no live epoch can be used.
    pub async fn begin(
        session: &Session,
        book: AddressBook,
        numbers: &'a [PhoneNumber],
    ) -> Result<Self, ClientError> {
        let (epoch, pepper) = preferred_epoch(session).await?;
        let handles = derive(&pepper, numbers);
        let sync = Sync::begin(book, epoch, &as_set(&handles));
        Ok(Self { numbers, handles, sync })
    }

    /// Sends one request; `false` when there was none left to send.
    ///
    /// What stood under a receipt that the service does not accept is paid for anew; when it has left the
    /// epoch, all is asked anew in the next one.
    ///
    /// # Errors
    /// [`ClientError`], such as the refusal `lookup_budget_spent`.
    pub async fn step(&mut self, session: &Session) -> Result<bool, ClientError> {
        let Some(request) = self.sync.next_request() else { return Ok(false) };
        match session.lookup(request).await {
            Ok(answer) => self.sync.take_answer(answer),
            Err(error) if error.code() == Some("epoch_unknown") => self.start_over(session, error).await?,
            Err(error) if error.code() == Some("sync_token_invalid") => self.forget_receipt(error)?,
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// What is paid for by now.
    #[must_use]
    pub const fn book(&self) -> &AddressBook {
        self.sync.book()
    }

    /// How many handles are still to be asked for.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.sync.remaining()
    }

    /// How much of the budget the lookup has cost.
    #[must_use]
    pub const fn cost(&self) -> u64 {
        self.sync.cost()
    }

    /// For each number, in order, its account, where it has one that wants to be found.
    #[must_use]
    pub fn accounts(&self) -> Vec<Option<Uuid>> {
        self.handles.iter().map(|handle| self.sync.matches().get(handle).copied()).collect()
    }

    fn forget_receipt(&mut self, refusal: ClientError) -> Result<(), ClientError> {
        if self.sync.forget_receipt() { Ok(()) } else { Err(refusal) }
    }

    async fn start_over(&mut self, session: &Session, refusal: ClientError) -> Result<(), ClientError> {
        let (epoch, pepper) = preferred_epoch(session).await?;
        self.handles = derive(&pepper, self.numbers);
        if self.sync.start_over(epoch, &as_set(&self.handles)) { Ok(()) } else { Err(refusal) }
    }
}

async fn preferred_epoch(session: &Session) -> Result<(u32, Pepper), ClientError> {
    let epochs = session.epochs().await?;
    epochs
        .into_iter()
        .filter(|epoch| epoch.algorithm == BLAKE3_KEYED_128)
        .find_map(|epoch| Some((epoch.id, Pepper::from_base64url(&epoch.params.pepper).ok()?)))
        .ok_or(ClientError::AlgorithmUnknown)
}

fn derive(pepper: &Pepper, numbers: &[PhoneNumber]) -> Vec<Handle> {
    numbers.iter().map(|number| Handle::derive(pepper, number)).collect()
}

fn as_set(handles: &[Handle]) -> BTreeSet<Handle> {
    handles.iter().copied().collect()
}
