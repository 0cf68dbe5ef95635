//! People: found by a whole number, revealed, locked, unblocked, erased. Each is written down before it is shown.

use super::Oversight;
use crate::admins::AdminCaller;
use crate::devices::NamedDevice;
use crate::model::audit::{Action, Note};
use crate::model::guard::{Lane, Level, Subject};
use crate::model::id::{AccountId, DeviceId, VerificationId};
use crate::model::keys::NumberIndex;
use crate::model::number::PhoneNumber;
use crate::registration::AccountState;
use crate::store::{AccountLock, StoreError};
use crate::verification::Failure;
use jiff::Timestamp;
use thiserror::Error;

/// Characters that a reason has at least.
const SHORTEST_REASON: usize = 10;
/// Digits that a number has at least, behind its plus sign.
const SHORTEST_NUMBER: usize = 7;
/// Digits in a row that are taken for a number without one; tickets and days have fewer.
const LONGEST_RUN: usize = 9;
/// What searches of a caller are counted under.
const SEARCHES: &str = "admin_searches";
const HOUR_MS: i64 = 3_600_000;

/// Why an admin was not shown, or did not change, what they asked for.
#[derive(Debug, Error)]
pub enum LookRefused {
    /// There is none, or its person was erased.
    #[error("there is nothing of that name")]
    NotFound,
    /// The reason says too little.
    #[error("the reason is too short")]
    ReasonTooShort,
    /// The reason holds a phone number, which would stay in the log when its person is erased.
    #[error("the reason holds a phone number")]
    ReasonNamesNumber,
    /// The caller was shown, or has searched for, as many numbers as an hour allows.
    #[error("too many numbers in an hour")]
    TooMany {
        /// Which limit: `reveals_per_hour` or `searches_per_hour`.
        what: &'static str,
        /// How many an hour allows.
        limit: u32,
        /// When the next hour begins.
        until: Timestamp,
    },
    /// It is so already.
    #[error("nothing is to be changed")]
    Unchanged,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for LookRefused {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}

/// An account with its devices and its lock.
#[derive(Debug)]
pub struct FoundAccount {
    /// The account and its number.
    pub state: AccountState,
    /// Its devices, the oldest first.
    pub devices: Vec<NamedDevice>,
    /// Its lock, if it is locked.
    pub lock: Option<AccountLock>,
}

/// A reason without the blanks around it, which says something and names no number.
///
/// # Errors
/// [`LookRefused`].
pub fn with_reason(reason: &str) -> Result<&str, LookRefused> {
    let reason = reason.trim();
    if reason.chars().count() < SHORTEST_REASON {
        return Err(LookRefused::ReasonTooShort);
    }
    without_number(reason)
}

/// A text that names no number: neither digits behind a plus sign, however they are written, nor so many in a row.
///
/// # Errors
/// [`LookRefused::ReasonNamesNumber`].
pub fn without_number(text: &str) -> Result<&str, LookRefused> {
    let spelt = text.split('+').skip(1).any(|rest| {
        let written = rest.chars().filter(|c| !" -.()/\u{a0}".contains(*c));
        written.take_while(char::is_ascii_digit).count() >= SHORTEST_NUMBER
    });
    let runs = text.split(|c: char| !c.is_ascii_digit());
    let plain = runs.map(str::len).max().is_some_and(|longest| longest >= LONGEST_RUN);
    if spelt || plain { Err(LookRefused::ReasonNamesNumber) } else { Ok(text) }
}

impl Oversight {
    /// Looks for what belongs to one whole number; the search is counted and written down first, for whoever may try
    /// every number behind a mask needs no reveal.
    ///
    /// # Errors
    /// [`LookRefused`]; a refusal finds nothing.
    pub async fn search(
        &self,
        caller: &AdminCaller,
        number: &PhoneNumber,
        now: Timestamp,
    ) -> Result<NumberIndex, LookRefused> {
        let index = self.keys.number_index(number);
        let note = Note::new(Action::PersonSearched).of_number(&index).country(Some(&number.country()));
        let searcher = Subject::derive(self.keys.subjects(), SEARCHES, &hex::encode(caller.id()));
        let limit = ("searches_per_hour", self.searches_per_hour);
        self.count(searcher.as_bytes(), limit, note, now).await?;
        Ok(index)
    }

    /// The account of a number, if it has one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_of(&self, index: &NumberIndex) -> Result<Option<AccountId>, Failure> {
        Ok(self.store.account_of_number(index).await?.map(|(account, _)| account.id))
    }

    /// An account with its devices.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account(&self, id: AccountId) -> Result<Option<FoundAccount>, Failure> {
        let Some(state) = self.accounts.state_of(id).await? else { return Ok(None) };
        let (devices, lock) = (self.devices.of_account(id).await?, self.store.account_lock(id).await?);
        Ok(Some(FoundAccount { state, devices, lock }))
    }

    /// The whole number of an account.
    ///
    /// # Errors
    /// [`LookRefused`]; a refusal shows nothing.
    pub async fn reveal_account(
        &self,
        caller: &AdminCaller,
        id: AccountId,
        reason: &str,
        now: Timestamp,
    ) -> Result<PhoneNumber, LookRefused> {
        let reason = with_reason(reason)?;
        let state = self.accounts.state_of(id).await?.ok_or(LookRefused::NotFound)?;
        let note = Note::new(Action::PersonRevealed).of_number(&state.account.number_index).account(id);
        self.reveal(caller, note.because(reason.to_owned()), now).await?;
        Ok(state.number)
    }

    /// The whole number of an attempt.
    ///
    /// # Errors
    /// [`LookRefused`]; a refusal shows nothing.
    pub async fn reveal_attempt(
        &self,
        caller: &AdminCaller,
        id: &[u8; 16],
        reason: &str,
        now: Timestamp,
    ) -> Result<PhoneNumber, LookRefused> {
        let reason = with_reason(reason)?;
        let attempt = self.store.attempt(id).await?.ok_or(LookRefused::NotFound)?;
        let index = attempt.number.ok_or(LookRefused::NotFound)?;
        let number = self.number_at(attempt.log_idx, &index).await?.ok_or(LookRefused::NotFound)?;
        let note = Note::new(Action::PersonRevealed).of_number(&self.keys.number_index(&number));
        let note = note.verification(VerificationId::from_bytes(*id)).because(reason.to_owned());
        self.reveal(caller, note, now).await?;
        Ok(number)
    }

    pub(super) async fn reveal(
        &self,
        caller: &AdminCaller,
        note: Note,
        now: Timestamp,
    ) -> Result<(), LookRefused> {
        self.count(caller.id(), ("reveals_per_hour", self.reveals_per_hour), note, now).await
    }

    async fn count(
        &self,
        whose: &[u8; 16],
        (what, limit): (&'static str, u32),
        note: Note,
        now: Timestamp,
    ) -> Result<(), LookRefused> {
        if self.store.count_reveal(whose, limit, note, now).await? {
            return Ok(());
        }
        let next = (now.as_millisecond().div_euclid(HOUR_MS) + 1) * HOUR_MS;
        Err(LookRefused::TooMany { what, limit, until: Timestamp::from_millisecond(next).unwrap_or(now) })
    }

    /// Lets a number go on that its limits hold up.
    ///
    /// # Errors
    /// [`LookRefused`].
    pub async fn unblock(
        &self,
        number: &PhoneNumber,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), LookRefused> {
        let (reason, index) = (with_reason(reason)?, self.keys.number_index(number));
        let block = number.less_digits(crate::model::policy::BLOCK_DIGITS);
        let paused = [Lane::First, Lane::Second].map(|lane| {
            let text = format!("{}/{block}", lane.as_str());
            Subject::derive(self.keys.subjects(), Level::NumberBlock.as_str(), &text)
        });
        Ok(self.store.unblock_number(&index, &paused, reason, now).await?)
    }

    /// The same for the number of an attempt.
    ///
    /// # Errors
    /// [`LookRefused`].
    pub async fn unblock_attempt(
        &self,
        id: &[u8; 16],
        reason: &str,
        now: Timestamp,
    ) -> Result<(), LookRefused> {
        let attempt = self.store.attempt(id).await?.ok_or(LookRefused::NotFound)?;
        let index = attempt.number.ok_or(LookRefused::NotFound)?;
        let number = self.number_at(attempt.log_idx, &index).await?.ok_or(LookRefused::NotFound)?;
        self.unblock(&number, reason, now).await
    }

    /// Locks an account: its devices are refused on every node within a second.
    ///
    /// # Errors
    /// [`LookRefused`].
    pub async fn lock(&self, id: AccountId, reason: &str, now: Timestamp) -> Result<(), LookRefused> {
        let reason = with_reason(reason)?;
        let account = self.store.account(id).await?.ok_or(LookRefused::NotFound)?;
        let devices = self.store.lock_account(&account, reason, now).await?;
        self.devices.look_anew(&devices.ok_or(LookRefused::Unchanged)?).await;
        Ok(())
    }

    /// Lets a locked account go on.
    ///
    /// # Errors
    /// [`LookRefused`].
    pub async fn unlock(&self, id: AccountId, reason: &str, now: Timestamp) -> Result<(), LookRefused> {
        let reason = with_reason(reason)?;
        let account = self.store.account(id).await?.ok_or(LookRefused::NotFound)?;
        let devices = self.store.unlock_account(&account, reason, now).await?;
        self.devices.look_anew(&devices.ok_or(LookRefused::Unchanged)?).await;
        Ok(())
    }

    /// Ends a device of an account.
    ///
    /// # Errors
    /// [`LookRefused`].
    pub async fn revoke(&self, id: AccountId, device: DeviceId, now: Timestamp) -> Result<(), LookRefused> {
        let ended = self.devices.revoke_of(id, device, now).await?;
        ended.then_some(()).ok_or(LookRefused::NotFound)
    }
}
