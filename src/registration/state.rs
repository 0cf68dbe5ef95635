//! An account as it is, and who may find it.

use super::{ATTEMPTS, Accounts};
use crate::devices::Caller;
use crate::model::account::Account;
use crate::model::id::AccountId;
use crate::model::number::PhoneNumber;
use crate::model::sealed::open;
use crate::store::AccountChange;
use crate::verification::{Failure, opened_number};
use jiff::Timestamp;

/// An account as its devices see it.
#[derive(Debug, Clone)]
pub struct AccountState {
    /// The account.
    pub account: Account,
    /// Its number.
    pub number: PhoneNumber,
}

impl Accounts {
    /// The caller's account; `None` if it has ended meanwhile.
    ///
    /// # Errors
    /// When the database fails or a seal is broken.
    pub async fn state(&self, caller: &Caller) -> Result<Option<AccountState>, Failure> {
        self.state_of(caller.account()).await
    }

    /// An account with its number; `None` where there is none of that name.
    ///
    /// # Errors
    /// When the database fails or a seal is broken.
    pub async fn state_of(&self, id: AccountId) -> Result<Option<AccountState>, Failure> {
        let Some(account) = self.store.account(id).await? else { return Ok(None) };
        let plain = open(self.keys.number(), &Account::number_place(&account.id), &account.number_sealed)?;
        Ok(Some(AccountState { number: opened_number(&plain)?, account }))
    }

    /// Lists or hides the caller's account; `None` if it has ended meanwhile.
    ///
    /// # Errors
    /// When the database fails or a seal is broken.
    pub async fn set_discoverable(
        &self,
        caller: &Caller,
        discoverable: bool,
        now: Timestamp,
    ) -> Result<Option<AccountState>, Failure> {
        for _ in 0..ATTEMPTS {
            let Some(mut state) = self.state(caller).await? else { return Ok(None) };
            state.account.discoverable = discoverable;
            let listing = self.listing(&state.account, &state.number, now);
            let since = discoverable.then_some(now);
            let changed = self.store.set_visibility(state.account.id, since, &listing, now).await;
            self.see(&listing).await;
            match changed? {
                AccountChange::Done(()) => return Ok(Some(state)),
                AccountChange::Ended => return Ok(None),
                AccountChange::EpochsOutdated => self.epochs.reload(now).await?,
            }
        }
        Err(Failure::EpochsUnknown)
    }
}
