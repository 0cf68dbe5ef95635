//! People who go: an account by its own device or an admin, and a number with all that is kept under it.

use super::{ATTEMPTS, Accounts};
use crate::devices::Caller;
use crate::model::account::Account;
use crate::model::audit::Note;
use crate::model::id::{AccountId, DeviceId};
use crate::model::keys::NumberIndex;
use crate::store::{AccountChange, Erasure, Listing, StoreError};
use crate::verification::Failure;
use jiff::Timestamp;

impl Accounts {
    /// Erases the caller's account; `false` if it has ended meanwhile.
    ///
    /// # Errors
    /// When the database fails or a seal is broken.
    pub async fn erase(&self, caller: &Caller, now: Timestamp) -> Result<bool, Failure> {
        self.erase_account(caller.account(), now).await
    }

    /// Erases an account; `false` where there is none of that name.
    ///
    /// # Errors
    /// When the database fails or a seal is broken.
    pub async fn erase_account(&self, id: AccountId, now: Timestamp) -> Result<bool, Failure> {
        for _ in 0..ATTEMPTS {
            let Some((account, listing)) = self.without_entries(id, now).await? else { return Ok(false) };
            let erased = self.store.erase_account(&account, &listing, now).await;
            match self.ended(&listing, erased).await? {
                AccountChange::Done(()) => return Ok(true),
                AccountChange::Ended => return Ok(false),
                AccountChange::EpochsOutdated => self.epochs.reload(now).await?,
            }
        }
        Err(Failure::EpochsUnknown)
    }

    /// Erases all that is kept of a number, with the account that it has; `false` where nothing is.
    ///
    /// # Errors
    /// When the database fails or a seal is broken.
    pub async fn erase_person(
        &self,
        number: &NumberIndex,
        note: &Note,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        for _ in 0..ATTEMPTS {
            let found = match self.store.account_of_number(number).await? {
                Some((account, _)) => self.without_entries(account.id, now).await?,
                None if !self.store.knows_of(number).await? => return Ok(false),
                None => None,
            };
            let listing = found.as_ref().map_or(&Listing::Unchanged, |(_, listing)| listing);
            let account = found.as_ref().map(|(account, listing)| (account.id, listing));
            let erasure = Erasure { number: *number, account, whole: true, note: note.clone() };
            let erased = self.store.erase(&erasure, now).await;
            match self.ended(listing, erased).await? {
                AccountChange::Done(()) => return Ok(true),
                // Registered, or erased by somebody else, since it was looked at: the next look says which.
                AccountChange::Ended => {}
                AccountChange::EpochsOutdated => self.epochs.reload(now).await?,
            }
        }
        Err(Failure::EpochsUnknown)
    }

    /// An account, and the directory without it.
    async fn without_entries(
        &self,
        id: AccountId,
        now: Timestamp,
    ) -> Result<Option<(Account, Listing)>, Failure> {
        let Some(mut state) = self.state_of(id).await? else { return Ok(None) };
        state.account.discoverable = false;
        let listing = self.listing(&state.account, &state.number, now);
        Ok(Some((state.account, listing)))
    }

    /// Lets this node see what an erasure has changed, whatever came of it.
    async fn ended(
        &self,
        listing: &Listing,
        erased: Result<AccountChange<Vec<DeviceId>>, StoreError>,
    ) -> Result<AccountChange<()>, Failure> {
        self.see(listing).await;
        Ok(match erased? {
            AccountChange::Done(devices) => {
                self.devices.forget(&devices).await;
                AccountChange::Done(())
            }
            AccountChange::Ended => AccountChange::Ended,
            AccountChange::EpochsOutdated => AccountChange::EpochsOutdated,
        })
    }
}
