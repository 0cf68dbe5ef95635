//! Accounts: registered by a grant, listed or hidden, erased.

mod erasing;
mod state;
mod unseen;

pub use state::AccountState;
pub use unseen::{UnseenPrefix, never_seen_again};

use crate::devices::Devices;
use crate::directory::Directory;
use crate::epochs::Epochs;
use crate::model::account::{Account, CONTINUES_WITHIN, Device, Platform};
use crate::model::device_token::DeviceToken;
use crate::model::epoch::Epoch;
use crate::model::grant::Grant;
use crate::model::handle::Handle;
use crate::model::id::{AccountId, DeviceId};
use crate::model::keys::Keys;
use crate::model::number::PhoneNumber;
use crate::model::sealed::seal;
use crate::model::verification::{GRANT_LIFETIME, Verification};
use crate::store::{DirectoryRow, Listing, Plan, RegisterOutcome, Registration, Store, StoreError};
use crate::verification::{Failure, number_of};
use jiff::Timestamp;
use std::sync::Arc;
use thiserror::Error;

/// Plans that another registration of the same number, or a new epoch, overtook before a change gives up.
const ATTEMPTS: usize = 5;

/// The use cases of accounts.
#[derive(Debug, Clone)]
pub struct Accounts {
    store: Store,
    keys: Arc<Keys>,
    epochs: Epochs,
    directory: Arc<Directory>,
    devices: Devices,
}

/// What a client registers with.
#[derive(Debug, Clone)]
pub struct RegisterRequest {
    /// The grant, as text.
    pub grant: String,
    /// What the owner calls the device.
    pub device_name: String,
    /// What the device runs on.
    pub platform: Platform,
    /// Whether lookups may find the account; not given: a new one yes, a known one as before.
    pub discoverable: Option<bool>,
}

/// A registered device.
#[derive(Debug)]
pub struct Registered {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub device: DeviceId,
    /// Its token, which nobody is shown again.
    pub token: DeviceToken,
    /// Whether the account is new.
    pub created: bool,
}

/// Why a grant bought nothing. It is not spent.
#[derive(Debug, Error)]
pub enum RegisterRefused {
    /// Malformed or forged.
    #[error("the grant is not one of this server")]
    GrantInvalid,
    /// Older than ten minutes, or of a verification that is gone.
    #[error("the grant is over")]
    GrantExpired,
    /// Spent already.
    #[error("the grant is spent")]
    GrantUsed,
    /// An admin has locked the account of the number.
    #[error("the account of the number is locked")]
    AccountLocked,
    /// Other registrations of the number overtook this one again and again.
    #[error("other registrations of the number overtook this one")]
    Contended,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for RegisterRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}

impl Accounts {
    /// The use cases over this store and this view of the directory.
    #[must_use]
    pub const fn new(
        store: Store,
        keys: Arc<Keys>,
        epochs: Epochs,
        directory: Arc<Directory>,
        devices: Devices,
    ) -> Self {
        Self { store, keys, epochs, directory, devices }
    }

    /// Spends a grant on a device: of the number's account if it has one that is alive, else of a new one.
    ///
    /// # Errors
    /// [`RegisterRefused`]; the grant is not spent then.
    pub async fn register(
        &self,
        request: &RegisterRequest,
        now: Timestamp,
    ) -> Result<Registered, RegisterRefused> {
        let grant = Grant::parse(&request.grant, self.keys.code()).ok_or(RegisterRefused::GrantInvalid)?;
        for _ in 0..ATTEMPTS {
            let verification = self.granted(&grant, now).await?;
            let number = number_of(&self.keys, &verification)?;
            let token = DeviceToken::random(DeviceId::random(), self.keys.token());
            let registration = self.plan(&verification, &number, request, &token, now).await?;
            let outcome = self.store.register(&registration).await;
            // Whatever came of it: a commit whose answer was lost has changed the directory, too.
            self.see(&registration.listing).await;
            match outcome? {
                // Overtaken since it was looked at: the next look says by what.
                RegisterOutcome::PlanOutdated | RegisterOutcome::GrantUnusable => {}
                RegisterOutcome::EpochsOutdated => self.epochs.reload(now).await?,
                RegisterOutcome::Locked => return Err(RegisterRefused::AccountLocked),
                RegisterOutcome::Registered(ended) => {
                    self.devices.forget(&ended).await;
                    metrics::counter!("tuttu_registrations_total").increment(1);
                    return Ok(Registered {
                        account: registration.account.id,
                        device: registration.device.id,
                        token,
                        created: registration.plan != Plan::Continue,
                    });
                }
            }
        }
        Err(RegisterRefused::Contended)
    }

    async fn granted(&self, grant: &Grant, now: Timestamp) -> Result<Verification, RegisterRefused> {
        let found = self.store.verification(grant.verification()).await?;
        let verification = found.ok_or(RegisterRefused::GrantExpired)?;
        // Whoever has an old key forges no grant of what was started since.
        if grant.key_version() != verification.key_version {
            return Err(RegisterRefused::GrantInvalid);
        }
        if verification.grant_used_at.is_some() {
            return Err(RegisterRefused::GrantUsed);
        }
        match verification.approved_at {
            Some(approved_at) if now < approved_at + GRANT_LIFETIME => Ok(verification),
            _ => Err(RegisterRefused::GrantExpired),
        }
    }

    /// What the registration shall write, by what is found at the number now.
    async fn plan(
        &self,
        verification: &Verification,
        number: &PhoneNumber,
        request: &RegisterRequest,
        token: &DeviceToken,
        now: Timestamp,
    ) -> Result<Registration, Failure> {
        let (plan, mut account) = match self.store.account_of_number(&verification.number_index).await? {
            Some((account, Some(seen))) if seen + CONTINUES_WITHIN >= now => (Plan::Continue, account),
            Some((account, _)) => (Plan::Replace(account.id), self.draft_account(verification, number, now)?),
            None => (Plan::Create, self.draft_account(verification, number, now)?),
        };
        account.discoverable = request.discoverable.unwrap_or(account.discoverable);
        let unchanged = plan == Plan::Continue && request.discoverable.is_none();
        let listing = if unchanged { Listing::Unchanged } else { self.listing(&account, number, now) };
        let device = self.draft_device(account.id, request, token, now)?;
        Ok(Registration { verification: verification.id, plan, account, listing, device })
    }

    fn draft_account(
        &self,
        v: &Verification,
        number: &PhoneNumber,
        now: Timestamp,
    ) -> Result<Account, Failure> {
        let id = AccountId::random();
        let place = Account::number_place(&id);
        Ok(Account {
            id,
            number_index: v.number_index,
            number_sealed: seal(self.keys.number(), &place, number.e164().as_bytes())?,
            discoverable: true,
            created_at: now,
        })
    }

    fn draft_device(
        &self,
        account: AccountId,
        request: &RegisterRequest,
        token: &DeviceToken,
        now: Timestamp,
    ) -> Result<Device, Failure> {
        let id = token.device();
        let name = request.device_name.as_bytes();
        Ok(Device {
            id,
            account,
            secret: token.secret().hash(),
            key_version: token.key_version(),
            name_sealed: seal(self.keys.number(), &Device::name_place(&id), name)?,
            platform: request.platform,
            created_at: now,
            last_seen_at: now,
        })
    }

    /// Brings this node's view up to what was just committed, so that whoever asks next sees it.
    async fn see(&self, listing: &Listing) {
        if matches!(listing, Listing::Unchanged) {
            return;
        }
        if let Err(cause) = self.directory.changed().await {
            tracing::warn!(%cause, "the feed could not be read: a change will be seen later");
        }
    }

    /// What the directory shall hold of an account: an entry per epoch that is not over, or none.
    fn listing(&self, account: &Account, number: &PhoneNumber, now: Timestamp) -> Listing {
        let stored = |epoch: &Epoch| {
            let handle = Handle::derive(&epoch.pepper, number);
            (epoch.id, self.keys.directory(epoch.id).store_handle(handle))
        };
        if !account.discoverable {
            return Listing::Hidden(self.epochs.held().iter().map(stored).collect());
        }
        let entry = |(epoch, handle)| DirectoryRow {
            epoch,
            handle,
            account: account.id,
            tag: self.keys.directory(epoch).tag(epoch, handle, account.id).to_vec(),
        };
        Listing::Listed(self.epochs.writable(now).iter().map(stored).map(entry).collect())
    }
}
