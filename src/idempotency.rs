//! A request with an `Idempotency-Key` is evaluated once, and its answer repeated for a time.
//!
//! The answer is kept after what it tells of has happened. A node that dies in between leaves a claim, which ends
//! after [`LEASE`]; the request is then evaluated as a new one, under every limit that holds for one. So the worst
//! that a crash can do is what its client could do anyway: one more code, after the number's wait and counted
//! against it, or a grant that is refused because it is spent. Nothing is sent because of the repetition itself.
//!
//! The name of a request depends on the key. While several versions of the key are read, it is claimed by each of its
//! names, in the order of versions, so that two nodes of which one has another version in use still share a name.

use crate::model::entropy::random_bytes;
use crate::model::keys::{KeyRing, SecretKey};
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
    keys: KeyRing,
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
    forms: Vec<Form>,
}

/// A request as it is called under one version of the key.
#[derive(Debug)]
struct Form {
    request: KeyedRequest,
    seal: KeyRing,
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
    /// What is remembered in this store, under keys of its own derived from `keys`.
    #[must_use]
    pub const fn new(store: Store, keys: KeyRing) -> Self {
        Self { store, keys }
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
        let mut claim = Claim { forms: Vec::new() };
        for form in self.forms(scope, payload) {
            match self.store.claim_request(&form.request, LEASE, now).await.map_err(Failure::from)? {
                ClaimOutcome::Claimed => claim.forms.push(form),
                before => {
                    self.release(&claim).await?;
                    return form.answered(before);
                }
            }
        }
        Ok(Admitted::New(claim))
    }

    /// What a request is called under each version of the key, the oldest first.
    fn forms(&self, scope: Scope<'_>, payload: &[u8]) -> Vec<Form> {
        let (mut keys, claim) = (self.keys.others(), random_bytes());
        keys.push(self.keys.in_use());
        keys.sort_unstable_by_key(|key| key.version());
        keys.iter().map(|key| Form::new(key, scope, payload, claim)).collect()
    }

    /// Keeps the answer until `until`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep(&self, claim: &Claim, answer: &[u8], until: Timestamp) -> Result<(), Failure> {
        for Form { request, seal: key } in &claim.forms {
            let sealed = seal(key, &place(request), answer)?;
            let _held = self.store.keep_answer(request, &sealed, until).await?;
        }
        Ok(())
    }

    /// Lets the request be evaluated again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release(&self, claim: &Claim) -> Result<(), Failure> {
        for form in &claim.forms {
            self.store.release_request(&form.request).await?;
        }
        Ok(())
    }

    /// Forgets every answer whose time is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_old(&self, now: Timestamp) -> Result<u64, Failure> {
        Ok(self.store.forget_answers(now).await?)
    }
}

impl Form {
    fn new(key: &SecretKey, scope: Scope<'_>, payload: &[u8], claim: [u8; 16]) -> Self {
        let derived = |context| key.derive(context);
        let called = [scope.route.as_bytes(), scope.path.as_bytes(), scope.bearer, scope.key];
        let id = mac(&derived("tuttu 2026-11 idempotency name"), &called);
        let payload = mac(&derived("tuttu 2026-11 idempotency payload"), &[scope.key, payload]);
        let seal = mac(&derived("tuttu 2026-11 idempotency seal"), &[scope.key]);
        let request = KeyedRequest { id, payload, claim };
        Self { request, seal: SecretKey::new(key.version(), seal).into() }
    }

    /// What a claim that somebody else has means for this one.
    fn answered(&self, before: ClaimOutcome) -> Result<Admitted, ClaimRefused> {
        match before {
            ClaimOutcome::Claimed | ClaimOutcome::InFlight => Err(ClaimRefused::InFlight),
            ClaimOutcome::OtherPayload => Err(ClaimRefused::OtherPayload),
            ClaimOutcome::Answered(sealed) => {
                let answer = open(&self.seal, &place(&self.request), &sealed);
                Ok(Admitted::Again(answer.map_err(Failure::from)?))
            }
        }
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
