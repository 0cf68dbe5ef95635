//! What a node writes events with.

use super::{Context, Entry, Note, Owner, Party, Subject, SubjectKey, Who};
use crate::model::entropy::random_bytes;
use crate::model::keys::{KeyRing, Keys};
use crate::model::sealed::SealBroken;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

/// What a node writes events with: its name and its keys.
#[derive(Debug, Clone)]
pub struct Pen {
    node: String,
    wraps: KeyRing,
    macs: KeyRing,
}

/// An event that is ready to be stored beside the change that it speaks of.
#[derive(Debug, Clone)]
pub struct Written {
    /// Its random name.
    pub id: [u8; 16],
    /// The entry's text.
    pub entry: String,
    /// By whose key it was written: the key's version and a keyed BLAKE3 over name and text.
    pub mac: Vec<u8>,
}

impl Pen {
    /// The pen of a node of that name.
    #[must_use]
    pub fn new(keys: &Keys, node: &str) -> Self {
        Self { node: node.to_owned(), wraps: keys.number().clone(), macs: keys.audit_mac().clone() }
    }

    /// A subject for an owner that may have none yet, with its key as the database keeps it.
    ///
    /// # Errors
    /// [`SealBroken`] never in practice.
    pub fn draw_subject(&self, owner: &Owner) -> Result<(Subject, Vec<u8>), SealBroken> {
        Ok((Subject(random_bytes()), SubjectKey::random().wrap(&self.wraps, owner)?))
    }

    /// The key that the database keeps for an owner.
    ///
    /// # Errors
    /// [`SealBroken`] where it does not open.
    pub fn subject_key(&self, owner: &[u8], wrapped: &[u8]) -> Result<SubjectKey, SealBroken> {
        SubjectKey::unwrap(&self.wraps, owner, wrapped)
    }

    /// Writes an event. What is personal is sealed under the subject's key; without a subject it is left out.
    ///
    /// # Errors
    /// [`SealBroken`] never in practice.
    pub fn write(
        &self,
        note: &Note,
        who: &Who,
        subject: Option<(Subject, SubjectKey)>,
        now: Timestamp,
    ) -> Result<Written, SealBroken> {
        let (id, salt): ([u8; 16], [u8; 16]) = (random_bytes(), random_bytes());
        let mut private = note.private.clone();
        private.address = private.address.or(who.address.map(|address| address.0));
        let plain = serde_json::to_vec(&private).map_err(|_| SealBroken)?;
        let sealed = subject.as_ref().map(|(_, key)| key.seal(&salt, &id, &plain)).transpose()?;
        let entry = Entry {
            action: note.action.as_str().to_owned(),
            actor: Party { id: who.actor.id().map(ToOwned::to_owned), kind: who.actor.kind().to_owned() },
            changes: note.changes.clone(),
            context: Context {
                channel: note.channel.map(ToOwned::to_owned),
                country: note.country.clone(),
                gateway: note.gateway.clone(),
                node: self.node.clone(),
                price: note.price,
                request: who.request.clone(),
            },
            id: URL_SAFE_NO_PAD.encode(id),
            outcome: note.outcome,
            reason: note.reason.as_deref().map(ToOwned::to_owned),
            salt: URL_SAFE_NO_PAD.encode(salt),
            sealed: sealed.map(|sealed| URL_SAFE_NO_PAD.encode(sealed)),
            subject: subject.map(|(subject, _)| URL_SAFE_NO_PAD.encode(subject.0)),
            targets: note.targets.clone(),
            time: now,
            v: 1,
        };
        let entry = serde_json::to_string(&entry).map_err(|_| SealBroken)?;
        let mac = self.mac(&id, &entry);
        Ok(Written { id, entry, mac })
    }

    fn mac(&self, id: &[u8; 16], entry: &str) -> Vec<u8> {
        let key = self.macs.in_use();
        [&[key.version()], key.mac(&[id, entry.as_bytes()]).as_slice()].concat()
    }

    /// Whether an entry was written by a node that has the keys, in constant time.
    #[must_use]
    pub fn wrote(&self, id: &[u8], entry: &str, mac: &[u8]) -> bool {
        let Some((version, mac)) = mac.split_first() else { return false };
        let Some(key) = self.macs.version(*version) else { return false };
        key.mac(&[id, entry.as_bytes()]).as_slice().ct_eq(mac).into()
    }
}
