//! Devices: who calls, which there are, and ending one.

mod revoked;

use crate::model::account::{DEVICE_IDLE_LIMIT, Device};
use crate::model::device_token::DeviceToken;
use crate::model::id::{AccountId, DeviceId};
use crate::model::keys::{Keys, NumberIndex};
use crate::model::sealed::open;
use crate::store::{DeviceAuth, Store, StoreError};
use crate::verification::Failure;
use jiff::Timestamp;
use moka::future::Cache;
use revoked::Revoked;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a device is believed without asking again: a revocation is visible on every node within it.
const BELIEVED: Duration = Duration::from_millis(950);
/// How long a caller is believed without even asking the cache again: with [`BELIEVED`], a second.
const JUST_SEEN: Duration = Duration::from_millis(50);
const DAY: Duration = Duration::from_hours(24);
const CACHED: u64 = 100_000;

/// The use cases of devices.
#[derive(Debug, Clone)]
pub struct Devices {
    store: Store,
    keys: Arc<Keys>,
    cache: Cache<DeviceId, Option<Arc<DeviceAuth>>>,
    revoked: Revoked,
    /// How often some device was to be asked for anew, or had ended.
    changes: Arc<AtomicU64>,
}

/// A device that has shown its token. Only [`Devices::authenticate`] makes one.
#[derive(Debug, Clone)]
pub struct Caller {
    auth: Arc<DeviceAuth>,
    seen: Seen,
}

/// When a caller was let in, and after how many changes.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Instant,
    changes: u64,
}

/// A device as its account sees it.
#[derive(Debug, Clone)]
pub struct NamedDevice {
    /// The device.
    pub device: Device,
    /// What its owner calls it.
    pub name: String,
}

impl Caller {
    /// The account it acts for.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.auth.account
    }

    /// The device itself.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.auth.device
    }

    /// Finds the rows of the account's number.
    #[must_use]
    pub fn number_index(&self) -> NumberIndex {
        self.auth.number_index
    }
}

impl Devices {
    /// The use cases over this store.
    #[must_use]
    pub fn new(store: Store, keys: Arc<Keys>) -> Self {
        let cache = Cache::builder().max_capacity(CACHED).time_to_live(BELIEVED).build();
        Self { store, keys, cache, revoked: Revoked::default(), changes: Arc::default() }
    }

    /// The device that a token is of; `None` for a forged, unknown, revoked or long idle one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authenticate(&self, token: &str, now: Timestamp) -> Result<Option<Caller>, Failure> {
        let Some(token) = DeviceToken::parse(token, self.keys.token()) else { return Ok(None) };
        let seen = self.seen();
        let found = self.find(token.device()).await?;
        let Some(auth) = found.filter(|auth| auth.secret.matches(token.secret())) else { return Ok(None) };
        self.admit(auth, seen, now).await
    }

    /// A caller whose token was read a while ago, if it is still good.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn again(&self, caller: &Caller, now: Timestamp) -> Result<Option<Caller>, Failure> {
        let seen = self.seen();
        if caller.seen.changes == seen.changes && seen.at.duration_since(caller.seen.at) < JUST_SEEN {
            return Ok(Some(caller.clone()));
        }
        // The secret of a device never changes: who has shown it once need not show it again.
        match self.find(caller.device()).await? {
            Some(auth) => self.admit(auth, seen, now).await,
            None => Ok(None),
        }
    }

    /// To be asked before anything is looked up: what changes meanwhile must count as not seen.
    fn seen(&self) -> Seen {
        Seen { at: Instant::now(), changes: self.changes.load(Ordering::SeqCst) }
    }

    async fn find(&self, device: DeviceId) -> Result<Option<Arc<DeviceAuth>>, Failure> {
        if let Some(known) = self.cache.get(&device).await {
            return Ok(known);
        }
        let load = async { Ok::<_, StoreError>(self.store.device_auth(device).await?.map(Arc::new)) };
        // Boxed: what waits for the database is large, and rare.
        Ok(Box::pin(self.cache.try_get_with(device, load)).await.map_err(Arc::unwrap_or_clone)?)
    }

    /// Lets a device whose secret was shown act for its account, unless it was silent for too long or revoked.
    async fn admit(
        &self,
        auth: Arc<DeviceAuth>,
        seen: Seen,
        now: Timestamp,
    ) -> Result<Option<Caller>, Failure> {
        let idle = auth.last_seen_at + DEVICE_IDLE_LIMIT < now;
        if idle || self.revoked.contains(&auth.device) {
            return Ok(None);
        }
        if auth.last_seen_at + DAY <= now {
            Box::pin(self.store.see_device(auth.device, now)).await?;
            self.cache.invalidate(&auth.device).await;
        }
        Ok(Some(Caller { auth, seen }))
    }

    /// The devices of the caller's account, the oldest first.
    ///
    /// # Errors
    /// When the database fails or a name does not open.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<NamedDevice>, Failure> {
        self.of_account(caller.account()).await
    }

    /// Ends a device of the caller's account; `false` if it has none of that name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke(&self, caller: &Caller, device: DeviceId, now: Timestamp) -> Result<bool, Failure> {
        self.revoke_of(caller.account(), device, now).await
    }

    /// The devices of an account, the oldest first.
    ///
    /// # Errors
    /// When the database fails or a name does not open.
    pub async fn of_account(&self, account: AccountId) -> Result<Vec<NamedDevice>, Failure> {
        let devices = self.store.devices(account).await?;
        devices
            .into_iter()
            .map(|device| {
                let name = open(self.keys.number(), &Device::name_place(&device.id), &device.name_sealed)?;
                Ok(NamedDevice { name: String::from_utf8_lossy(&name).into_owned(), device })
            })
            .collect()
    }

    /// Ends a device of an account; `false` if it has none of that name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_of(
        &self,
        account: AccountId,
        device: DeviceId,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let ended = self.store.revoke_device(account, device, now).await?;
        if ended {
            self.forget(&[device]).await;
        }
        Ok(ended)
    }

    /// Asks the database anew about these.
    pub async fn look_anew(&self, changed: &[DeviceId]) {
        for device in changed {
            self.cache.invalidate(device).await;
        }
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Believes these no more, from now on.
    pub async fn forget(&self, ended: &[DeviceId]) {
        for &device in ended {
            self.revoked.insert(device);
            self.changes.fetch_add(1, Ordering::SeqCst);
            self.cache.invalidate(&device).await;
        }
    }
}
