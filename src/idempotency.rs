//! A request with an `Idempotency-Key` is evaluated once, and its answer repeated for a time.
//!
//! The answer is kept after what it tells of has happened. A node that dies in between leaves a claim, which ends
//! after [`LEASE`]; the request is then evaluated as a new one, under every limit that holds for one. So the worst
//! that a crash can do is what its client could do anyway: one more code, after the number's wait and counted
//! against it, or a grant that is refused because it is spent. Nothing is sent because of the repetition itself.

use crate::model::entropy::random_bytes;
use crate::model::keys::SecretKey;
use crate::model::sealed::{Place, open, seal};
use crate::store::{ClaimOutcome, KeyedRequest, Store};
use crate::verification::Failure;
use jiff::Timestamp;
use std::time::Duration;
use thiserror::Error;

/// How long a request may be under way before it may be evaluated again.
pub const LEASE: Duration = Duration::from_mins(1);

/// Remembers answers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Idempotency {
    store: Store,
    name: SecretKey,
    payload: SecretKey,
    seal: SecretKey,
}

/// What a request must share with another to be the same one.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Its route.
    pub route: &'a str,
    /// Its path.
    pub path: &'a str,
    /// Its credentials, if it has any.
    pub bearer: &'a [u8],
    /// The header's value.
    pub key: &'a [u8],
}

/// The right, and the duty, to answer a request. [`Idempotency::keep`] or [`Idempotency::release`] ends it.
#[derive(Debug)]
pub struct Claim {
    request: KeyedRequest,
    seal: SecretKey,
}

/// A request that may go on.
#[derive(Debug)]
pub enum Admitted {
    /// It is to be evaluated.
    New(Claim),
    /// It was evaluated; this was the answer.
    Again(Vec<u8>),
}

/// Why a request is not evaluated.
#[derive(Debug, Error)]
pub enum ClaimRefused {
    /// The same request is being evaluated.
    #[error("the same request is being evaluated")]
    InFlight,
    /// The key came before, with another payload.
    #[error("the key came before, with another payload")]
    OtherPayload,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Idempotency {
    /// What is remembered in this store, under keys of its own derived from `key`.
    #[must_use]
    pub fn new(store: Store, key: &SecretKey) -> Self {
        Self {
            store,
            name: key.derive("tuttu 2026-11 idempotency name"),
            payload: key.derive("tuttu 2026-11 idempotency payload"),
            seal: key.derive("tuttu 2026-11 idempotency seal"),
        }
    }

    /// Claims a request, or finds its answer.
    ///
    /// # Errors
    /// [`ClaimRefused`].
    pub async fn claim(
        &self,
        scope: Scope<'_>,
        payload: &[u8],
        now: Timestamp,
    ) -> Result<Admitted, ClaimRefused> {
        let id = mac(&self.name, &[scope.route.as_bytes(), scope.path.as_bytes(), scope.bearer, scope.key]);
        let payload = mac(&self.payload, &[scope.key, payload]);
        let request = KeyedRequest { id, payload, claim: random_bytes() };
        let seal = SecretKey::new(self.seal.version(), mac(&self.seal, &[scope.key]));
        match self.store.claim_request(&request, LEASE, now).await.map_err(Failure::from)? {
            ClaimOutcome::Claimed => Ok(Admitted::New(Claim { request, seal })),
            ClaimOutcome::InFlight => Err(ClaimRefused::InFlight),
            ClaimOutcome::OtherPayload => Err(ClaimRefused::OtherPayload),
            ClaimOutcome::Answered(sealed) => {
                Ok(Admitted::Again(open(&seal, &place(&request), &sealed).map_err(Failure::from)?))
            }
        }
    }

    /// Keeps the answer until `until`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep(&self, claim: &Claim, answer: &[u8], until: Timestamp) -> Result<(), Failure> {
        let sealed = seal(&claim.seal, &place(&claim.request), answer)?;
        let _held = self.store.keep_answer(&claim.request, &sealed, until).await?;
        Ok(())
    }

    /// Lets the request be evaluated again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release(&self, claim: &Claim) -> Result<(), Failure> {
        Ok(self.store.release_request(&claim.request).await?)
    }

    /// Forgets every answer whose time is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_old(&self, now: Timestamp) -> Result<u64, Failure> {
        Ok(self.store.forget_answers(now).await?)
    }
}

fn place(request: &KeyedRequest) -> Place<'_> {
    Place { table: "idempotency", column: "answer_sealed", row: &request.id }
}

/// A keyed hash in which no part can be mistaken for the end of another.
fn mac(key: &SecretKey, parts: &[&[u8]]) -> [u8; 32] {
    let lengths: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_le_bytes()).collect();
    let framed: Vec<&[u8]> =
        lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), part]).collect();
    key.mac(&framed)
}
