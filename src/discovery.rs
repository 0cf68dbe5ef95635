//! Discovery: which handles of an address book are accounts, paid for by a budget per number.
//!
//! A lookup says which handles are `known` (paid for before, shown by a sync token), which are `new`
//! (each costs one unit of the number's budget) and which to `discard` (in the token's set, not looked
//! up any more). The answer carries the token of `known` and `new`. The server keeps no handle.

mod counted;
mod rate;
mod shape;

pub use rate::Hourly;
pub use shape::Sign;

use crate::config;
use crate::devices::Caller;
use crate::directory::{Directory, Hits};
use crate::epochs::Epochs;
use crate::model::epoch::Epoch;
use crate::model::handle_set::HandleSet;
use crate::model::keys::{Keys, SecretKey};
use crate::model::source::Source;
use crate::model::sync_token::SyncToken;
use crate::store::{BudgetPolicy, CarriedOver, Charge, ChargeOutcome, Store, StoreError};
use crate::verification::Failure;
use counted::Counted;
use jiff::Timestamp;
use rate::LookupRate;
use shape::Shape;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Handles that one request may hold in all its lists.
pub const MAX_HANDLES: usize = 20_000;
/// New handles of an epoch that a token of the one before pays for at most, once per number.
pub const MOST_CARRIED_OVER: u32 = 5_000;

/// The use cases of discovery.
#[derive(Debug, Clone)]
pub struct Discovery {
    store: Store,
    keys: Arc<Keys>,
    epochs: Epochs,
    directory: Arc<Directory>,
    budget: BudgetPolicy,
    rate: LookupRate,
    shape: Shape,
    counted: Counted,
}

/// An address book question. No handle is in two of its lists.
#[derive(Debug, Default)]
pub struct Lookup<'a> {
    /// The epoch whose handles these are.
    pub epoch: u32,
    /// Paid for before: looked up for nothing.
    pub known: HandleSet<'a>,
    /// Asked for the first time.
    pub new: HandleSet<'a>,
    /// Paid for before and no longer wanted.
    pub discard: HandleSet<'a>,
    /// The token of `known` and `discard` together.
    pub sync_token: Option<&'a [u8]>,
}

/// The answer to a [`Lookup`].
#[derive(Debug)]
pub struct Found {
    /// What was found: bits of `known` first, then of `new`.
    pub hits: Hits,
    /// The token of `known` and `new`.
    pub token: SyncToken,
    /// What it cost.
    pub cost: u32,
}

/// Why a lookup was not answered. Nothing was charged.
#[derive(Debug, Error)]
pub enum LookupRefused {
    /// More than [`MAX_HANDLES`], or than an hour allows: no waiting would help.
    #[error("more handles than one request may hold")]
    TooManyHandles {
        /// How many it may hold.
        most: usize,
    },
    /// More new handles than a full budget pays for: no waiting would help.
    #[error("more new handles than a full budget pays for")]
    AboveBudget {
        /// What a full budget pays for.
        capacity: u32,
    },
    /// A handle is in two lists.
    #[error("a handle is in two lists")]
    InTwoLists,
    /// The epoch is not live.
    #[error("no such epoch")]
    EpochUnknown,
    /// The token is missing, malformed, another's or of another set.
    #[error("the sync token does not fit")]
    SyncTokenInvalid,
    /// Too many lookups or handles in this hour.
    #[error("too many lookups in this hour")]
    Rate {
        /// Of what there were too many.
        limit: Hourly,
        /// When the next hour begins.
        until: Timestamp,
    },
    /// Lookups have the shape of a sweep.
    #[error("the lookups have the shape of a sweep")]
    Shape {
        /// What gave it away.
        sign: Sign,
        /// Until when it is held against the account or its range of addresses.
        until: Timestamp,
    },
    /// The budget of the number is spent.
    #[error("the lookup budget is spent")]
    BudgetSpent {
        /// When this lookup will fit.
        until: Timestamp,
    },
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for LookupRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}

impl Discovery {
    /// The use cases over this store and this view of the directory.
    #[must_use]
    pub fn new(
        store: Store,
        keys: Arc<Keys>,
        epochs: Epochs,
        directory: Arc<Directory>,
        settings: &config::Discovery,
    ) -> Self {
        let budget =
            BudgetPolicy { capacity: settings.lookup_budget, leak_per_hour: settings.budget_per_hour };
        let rate = LookupRate::new(settings.requests_per_hour, settings.handles_per_hour);
        let shape = Shape::new(&settings.shape);
        Self { store, keys, epochs, directory, budget, rate, shape, counted: Counted::default() }
    }

    /// The live epochs, the preferred one first.
    #[must_use]
    pub fn epochs(&self, now: Timestamp) -> Vec<Epoch> {
        self.epochs.live(now)
    }

    /// Whether this node's view of the directory has been true since the start.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.directory.is_ready()
    }

    /// Whether lookups are answered as this node is made to, and not all by the database because its view is old.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.directory.is_fresh()
    }

    /// How long ago this node's view has seen the feed; `None` where it has no view.
    #[must_use]
    pub fn lag(&self) -> Option<Duration> {
        self.directory.lag()
    }

    /// Answers an address book question.
    ///
    /// # Errors
    /// [`LookupRefused`]; nothing was charged then.
    pub async fn lookup(
        &self,
        (caller, source): (&Caller, &Source),
        lookup: &Lookup<'_>,
        now: Timestamp,
    ) -> Result<Found, LookupRefused> {
        let asked = lookup.known.len() + lookup.new.len();
        let (handles, an_hour) = (u32::try_from(asked).unwrap_or(u32::MAX), self.rate.handles());
        if asked + lookup.discard.len() > MAX_HANDLES {
            return Err(LookupRefused::TooManyHandles { most: MAX_HANDLES });
        }
        if handles > an_hour {
            return Err(LookupRefused::TooManyHandles { most: an_hour as usize });
        }
        lookup.new.union(lookup.discard).ok_or(LookupRefused::InTwoLists)?;
        self.epochs.get(lookup.epoch, now).ok_or(LookupRefused::EpochUnknown)?;
        let (token, carried) = self.judge_token(caller, lookup)?;
        let rated = self.rate.spend(caller.account(), handles, now);
        rated.map_err(|(limit, until)| LookupRefused::Rate { limit, until })?;
        let answered = async {
            let cost = if lookup.new.is_empty() {
                0
            } else {
                // Boxed: an unchanged address book pays nothing, and does not carry the state of those who do.
                Box::pin(self.pay((caller, source), lookup, (token, carried), now)).await?
            };
            let hits = self.directory.find(lookup.epoch, lookup.known, lookup.new).await?;
            Ok::<_, LookupRefused>((cost, hits))
        };
        let answered = answered.await;
        let (cost, hits) = answered.inspect_err(|_| self.rate.give_back(caller.account(), handles, now))?;
        if cost > 0 && self.shape.is_on() {
            let found = hits.iter().filter(|(bit, _)| *bit >= lookup.known.len()).count();
            self.shape.answered(caller.account(), lookup.new.len(), found, now);
        }
        self.counted.answered(handles);
        Ok(Found { hits, token, cost })
    }

    /// The token of `known` and `new`, if the one that was sent is of `known` and `discard`. Where nothing is new and
    /// nothing discarded these are the same, and are computed once. In a new epoch nothing is known: there the token of
    /// the epoch before, shown with its set as `discard`, pays for some of what is new.
    fn judge_token(
        &self,
        caller: &Caller,
        lookup: &Lookup<'_>,
    ) -> Result<(SyncToken, Option<CarriedOver>), LookupRefused> {
        let key = self.keys.sync().in_use();
        // Under which key the client's token was made; one of a version that is not here fits nothing.
        let version = lookup.sync_token.and_then(SyncToken::key_version).unwrap_or(key.version());
        let of_sent = self.keys.sync().version(version).ok_or(LookupRefused::SyncTokenInvalid)?;
        let commit = |key: &SecretKey, epoch: u32, handles: &[[u8; 16]]| {
            SyncToken::commit(key, caller.account(), epoch, handles)
        };
        let paid = lookup.known.union(lookup.discard).ok_or(LookupRefused::InTwoLists)?;
        let asked = lookup.known.union(lookup.new).ok_or(LookupRefused::InTwoLists)?;
        let token = commit(&key, lookup.epoch, &asked);
        let unchanged = lookup.new.is_empty() && lookup.discard.is_empty() && version == key.version();
        let fits = match lookup.sync_token {
            None => paid.is_empty(),
            Some(sent) if unchanged => token.matches(sent),
            Some(sent) => commit(&of_sent, lookup.epoch, &paid).matches(sent),
        };
        if fits {
            return Ok((token, None));
        }
        let before = self.epochs.previous(lookup.epoch).filter(|_| lookup.known.is_empty());
        match (before, lookup.sync_token) {
            (Some(before), Some(sent))
                if commit(&of_sent, before, lookup.discard.as_slice()).matches(sent) =>
            {
                let credit = lookup.discard.len().min(lookup.new.len());
                let credit = u32::try_from(credit).unwrap_or(u32::MAX).min(MOST_CARRIED_OVER);
                Ok((token, Some(CarriedOver { epoch: lookup.epoch, credit })))
            }
            _ => Err(LookupRefused::SyncTokenInvalid),
        }
    }

    /// The token of `known` and `new` under every version of the key but the one in use.
    fn other_forms(&self, caller: &Caller, lookup: &Lookup<'_>) -> Vec<SyncToken> {
        let others = self.keys.sync().others();
        if others.is_empty() {
            return Vec::new();
        }
        let asked = lookup.known.union(lookup.new).unwrap_or_default();
        let commit = |key: &Arc<SecretKey>| SyncToken::commit(key, caller.account(), lookup.epoch, &asked);
        others.iter().map(commit).collect()
    }

    /// Counts and charges what is new, unless it looks like a sweep or the budget is spent.
    async fn pay(
        &self,
        (caller, source): (&Caller, &Source),
        lookup: &Lookup<'_>,
        (token, carried): (SyncToken, Option<CarriedOver>),
        now: Timestamp,
    ) -> Result<u32, LookupRefused> {
        let cost = u32::try_from(lookup.new.len()).unwrap_or(u32::MAX);
        if cost > self.budget.capacity {
            return Err(LookupRefused::AboveBudget { capacity: self.budget.capacity });
        }
        if self.shape.is_on() {
            let new = self.keys.directory(lookup.epoch).store_handles(lookup.new.iter());
            let admitted = self.shape.admit(source, caller.account(), &new, now);
            admitted.map_err(|(sign, until)| LookupRefused::Shape { sign, until })?;
        }
        let charge = Charge {
            number: caller.number_index(),
            device: caller.device(),
            cost,
            carried,
            token,
            other_forms: self.other_forms(caller, lookup),
        };
        match self.store.charge_lookup(&charge, self.budget, now).await? {
            ChargeOutcome::Paid(cost) => Ok(cost),
            ChargeOutcome::Spent(until) => Err(LookupRefused::BudgetSpent { until }),
        }
    }
}
