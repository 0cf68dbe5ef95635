//! People who are erased: by an account, by a number, and once more after a restore.

use super::people::without_number;
use super::{LookRefused, Oversight};
use crate::model::audit::{Action, Note, Subject};
use crate::model::id::AccountId;
use crate::model::keys::NumberIndex;
use crate::model::number::PhoneNumber;
use crate::verification::Failure;
use jiff::Timestamp;

/// Why a restore erases somebody, as the audit log has it.
const ERASED_BEFORE: &str = "erased before the restore";
const CHUNK: usize = 500;

impl Oversight {
    /// Erases an account with all that is kept of its person.
    ///
    /// # Errors
    /// [`LookRefused`].
    pub async fn erase(&self, id: AccountId, now: Timestamp) -> Result<(), LookRefused> {
        let erased = self.accounts.erase_account(id, now).await?;
        erased.then_some(()).ok_or(LookRefused::NotFound)
    }

    /// Erases all that is kept of a number, whether it has an account or not.
    ///
    /// # Errors
    /// [`LookRefused::NotFound`] where nothing is.
    pub async fn erase_number(
        &self,
        number: &PhoneNumber,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), LookRefused> {
        let (index, reason) = (self.keys.number_index(number), reason.map(without_number).transpose()?);
        let mut note = Note::new(Action::PersonErased).of_number(&index).country(Some(&number.country()));
        note.reason = reason.map(|reason| reason.to_owned().into());
        let erased = self.accounts.erase_person(&index, &note, now).await?;
        erased.then_some(()).ok_or(LookRefused::NotFound)
    }

    /// Erases in a database that was put back whoever was erased before it was: how many of these it knew.
    ///
    /// # Errors
    /// When the database fails or a seal is broken.
    pub async fn erase_again(&self, erased: &[Subject], now: Timestamp) -> Result<u64, Failure> {
        let mut people = 0;
        for chunk in erased.chunks(CHUNK) {
            for known in self.store.audit_subjects(chunk).await? {
                // An admin's name is shorter.
                let Some(index) = NumberIndex::from_slice(&known.owner) else { continue };
                let note = Note::new(Action::PersonErased).of_number(&index).because(ERASED_BEFORE);
                people += u64::from(self.accounts.erase_person(&index, &note, now).await?);
            }
        }
        Ok(people)
    }
}
