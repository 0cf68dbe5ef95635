//! Requests with an `Idempotency-Key`: claimed once, then answered alike for a time.

use super::error::millis;
use super::{Ending, Store, StoreError, run, transact};
use jiff::Timestamp;
use std::fmt;
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// A request that asks to be evaluated once.
#[derive(Clone, Copy)]
pub struct KeyedRequest {
    /// Keyed hash of everything that makes it the same request but for its payload.
    pub id: [u8; 32],
    /// Keyed hash of its payload.
    pub payload: [u8; 32],
    /// Random: whoever claimed it, and nobody else, may end the claim.
    pub claim: [u8; 16],
}

impl fmt::Debug for KeyedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedRequest(..)")
    }
}

/// What came of a claim.
#[derive(Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// Nobody has claimed it: the caller evaluates it.
    Claimed,
    /// Somebody is evaluating it.
    InFlight,
    /// The same key came with another payload.
    OtherPayload,
    /// It was evaluated; this is its answer, sealed.
    Answered(Vec<u8>),
}

impl fmt::Debug for ClaimOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claimed => "Claimed",
            Self::InFlight => "InFlight",
            Self::OtherPayload => "OtherPayload",
            Self::Answered(_) => "Answered(..)",
        })
    }
}

const CLAIM: &str =
    "INSERT INTO idempotency AS i (idempotency_id, payload_digest, claim_id, answer_sealed, expires_at)
    VALUES ($1, $2, $3, NULL, $4 + $5)
    ON CONFLICT (idempotency_id) DO UPDATE SET
        payload_digest = $2, claim_id = $3, answer_sealed = NULL, expires_at = $4 + $5
    WHERE i.expires_at <= $4";
const CLAIMED: &str = "SELECT payload_digest, answer_sealed FROM idempotency WHERE idempotency_id = $1";
const KEEP: &str = "UPDATE idempotency SET answer_sealed = $3, expires_at = $4
    WHERE idempotency_id = $1 AND claim_id = $2 AND answer_sealed IS NULL";
const RELEASE: &str =
    "DELETE FROM idempotency WHERE idempotency_id = $1 AND claim_id = $2 AND answer_sealed IS NULL";
const FORGET: &str = "DELETE FROM idempotency WHERE expires_at <= $1";

impl Store {
    /// Claims a request for `lease`, unless it is claimed or answered: of many at once, one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_request(
        &self,
        request: &KeyedRequest,
        lease: Duration,
        now: Timestamp,
    ) -> Result<ClaimOutcome, StoreError> {
        let (id, payload) = (request.id.as_slice(), request.payload.as_slice());
        let (claim, at) = (request.claim.as_slice(), now.as_millisecond());
        let found = transact!(self, tx => {
            if run!(tx, CLAIM, id, payload, claim, at, millis(lease)) == 1 {
                return Ok(Ending::Commit(ClaimOutcome::Claimed));
            }
            let row: Option<(Vec<u8>, Option<Vec<u8>>)> =
                sqlx::query_as(CLAIMED).bind(id).fetch_optional(&mut *tx).await?;
            Ok(Ending::Rollback(match row {
                Some((digest, _)) if !bool::from(digest.as_slice().ct_eq(payload)) => ClaimOutcome::OtherPayload,
                Some((_, Some(sealed))) => ClaimOutcome::Answered(sealed),
                // Released just now, or still under way: either way it may be asked again.
                Some((_, None)) | None => ClaimOutcome::InFlight,
            }))
        });
        Ok(found)
    }

    /// Keeps the answer to a claimed request until `until`; says whether the claim still held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_answer(
        &self,
        request: &KeyedRequest,
        sealed: &[u8],
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, claim, until) = (request.id.as_slice(), request.claim.as_slice(), until.as_millisecond());
        Ok(transact!(self, tx => { Ok(Ending::Commit(run!(tx, KEEP, id, claim, sealed, until) == 1)) }))
    }

    /// Ends a claim without an answer: the request may be evaluated again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_request(&self, request: &KeyedRequest) -> Result<(), StoreError> {
        let (id, claim) = (request.id.as_slice(), request.claim.as_slice());
        transact!(self, tx => { Ok(Ending::Commit(run!(tx, RELEASE, id, claim))) });
        Ok(())
    }

    /// Forgets answers, and claims, whose time is over; says how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_answers(&self, now: Timestamp) -> Result<u64, StoreError> {
        Ok(transact!(self.at_length(), tx => { Ok(Ending::Commit(run!(tx, FORGET, now.as_millisecond()))) }))
    }
}
