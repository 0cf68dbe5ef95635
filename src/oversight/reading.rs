//! The audit log, read for the console: each event once, with its private part opened.

use super::{BATCH, Oversight, SOURCE};
use crate::model::audit::{Entry, Pen, Private, Subject as Person};
use crate::model::guard::Subject;
use crate::model::keys::NumberIndex;
use crate::model::number::PhoneNumber;
use crate::model::source::Source;
use crate::store::{KeptSubject, LogFilter, LogPage, LoggedEntry, Seen};
use crate::verification::Failure;
use std::collections::HashMap;

type People = HashMap<[u8; 16], KeptSubject>;

/// An event that speaks of a person.
pub(super) struct Said {
    /// Its place in the log.
    pub(super) idx: u64,
    /// The event.
    pub(super) entry: Entry,
    /// What is personal in it.
    pub(super) private: Private,
}

impl Oversight {
    /// Reads what has come to the audit log since: how much.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_log(&self) -> Result<usize, Failure> {
        let mut read = 0;
        loop {
            let from = self.store.attempts_read().await?;
            let entries = self.store.audit_entries((from, u64::MAX), BATCH).await?;
            let Some(last) = entries.last() else { return Ok(read) };
            let until = last.idx + 1;
            let seen = self.see(&entries).await?;
            if !self.store.apply_attempts((from, until), &seen).await? {
                return Ok(read);
            }
            read += entries.len();
        }
    }

    async fn see(&self, entries: &[LoggedEntry]) -> Result<Vec<Seen>, Failure> {
        let parsed: Vec<(u64, Entry)> =
            entries.iter().filter_map(|logged| Some((logged.idx, Entry::parse(&logged.entry)?))).collect();
        let mut asked: Vec<Person> = parsed
            .iter()
            .filter_map(|(_, entry)| entry.parties().and_then(|parties| parties.subject))
            .collect();
        asked.sort_unstable();
        asked.dedup();
        let kept = self.store.audit_subjects(&asked).await?;
        let people: People = kept.into_iter().map(|kept| (kept.subject.0, kept)).collect();
        Ok(parsed.into_iter().map(|(idx, entry)| self.seen(idx, entry, &people)).collect())
    }

    fn seen(&self, idx: u64, entry: Entry, people: &People) -> Seen {
        let subject = entry.parties().and_then(|parties| parties.subject);
        let person = subject.and_then(|subject| people.get(&subject.0));
        let private = person.map(|person| self.open(&entry, person)).unwrap_or_default();
        let number = private.number.as_deref().and_then(|text| PhoneNumber::stored(text).ok());
        let event = entry.parties().map(|parties| parties.event);
        // A start that was refused made no verification: the event stands for it. Without its person's key nobody is shown.
        let refused = (entry.action == "verification.refused" && person.is_some()).then_some(event).flatten();
        let owner = person.map(|person| person.owner.clone()).filter(|owner| owner.len() == 32);
        Seen {
            idx,
            at: entry.time,
            outcome: entry.outcome.as_str(),
            reason: entry.reason,
            attempt: private.verification_id.map(|id| *id.as_bytes()).or(refused),
            number: owner,
            masked: number.as_ref().map(PhoneNumber::masked).unwrap_or_default(),
            account: private.account_id.map(|id| *id.as_bytes()),
            country: entry.context.country.unwrap_or_default(),
            blocks: number.as_ref().map(|number| self.blocks(number)),
            source: private.address.map(Source::of).and_then(|source| self.source(&source)),
            gateway: entry.context.gateway.unwrap_or_default(),
            channel: entry.context.channel.unwrap_or_default(),
            price: entry.context.price.unwrap_or_default(),
            action: entry.action,
        }
    }

    /// The range that an address lies in, as a keyed subject.
    pub(super) fn source(&self, source: &Source) -> Option<[u8; 16]> {
        let range = source.range()?;
        Some(*Subject::derive(self.keys.subjects(), SOURCE, &range.to_string()).as_bytes())
    }

    fn open(&self, entry: &Entry, person: &KeptSubject) -> Private {
        let key = Pen::new(&self.keys, "").subject_key(&person.owner, &person.key_sealed);
        key.and_then(|key| entry.private(&key)).unwrap_or_else(|_| {
            tracing::error!("an entry of the audit log does not open: the console shows nothing of it");
            Private::default()
        })
    }

    /// The whole number that the log has at a place; `None` where its person's key is gone.
    pub(super) async fn number_at(&self, idx: u64, index: &[u8]) -> Result<Option<PhoneNumber>, Failure> {
        let found = self.store.audit_entries((idx, idx + 1), 1).await?;
        let Some(person) = self.store.audit_subject(index).await? else { return Ok(None) };
        let Some(entry) = found.first().and_then(|logged| Entry::parse(&logged.entry)) else {
            return Ok(None);
        };
        let ours = entry.parties().and_then(|parties| parties.subject) == Some(person.subject);
        let number = if ours { self.open(&entry, &person).number } else { None };
        Ok(number.and_then(|text| PhoneNumber::stored(&text).ok()))
    }

    /// What the log says of a number, the newest first.
    pub(super) async fn said_of(&self, index: &NumberIndex, limit: i64) -> Result<Vec<Said>, Failure> {
        let Some(person) = self.store.audit_subject(index.as_bytes()).await? else { return Ok(Vec::new()) };
        let filter = LogFilter { subject: Some(person.subject.0.to_vec()), ..LogFilter::default() };
        let found = self.store.find_audit_entries(&filter, LogPage::Before(None), limit).await?;
        let said = |logged: LoggedEntry| {
            let entry = Entry::parse(&logged.entry)?;
            let private = self.open(&entry, &person);
            Some(Said { idx: logged.idx, entry, private })
        };
        Ok(found.into_iter().filter_map(said).collect())
    }
}
