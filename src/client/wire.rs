//! The binary form of a lookup, little-endian throughout.
//!
//! Request: `u8 version=1 | u8 flags=0 | u16 0 | u32 epoch | u32 n_known | u32 n_new | u32 n_discard |
//! u16 token_len | token | known | new | discard`, handles of 16 bytes, each list strictly ascending.
//!
//! Answer: `u8 version=1 | u8 flags=0 | u16 0 | u32 cost | u16 token_len | token | bitmap | account ids`: one
//! bit for each handle of `known`, then of `new`, least significant bit first, and 16 bytes for each bit set.

use crate::model::handle::Handle;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use thiserror::Error;
use uuid::Uuid;

/// The media type of both directions.
pub const LOOKUP_FORM: &str = "application/vnd.tuttu.lookup";

/// The most handles that one request may hold, all three lists together.
pub const MOST_HANDLES: usize = 20_000;

const VERSION: u8 = 1;

/// The service's receipt for a set of handles, opaque to everyone else.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Receipt(Vec<u8>);

impl Receipt {
    /// The receipt made of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Its bytes; empty where there is none yet.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt(..)")
    }
}

/// One question to the directory. Being sets, its lists are ascending and without duplicates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupRequest {
    /// The epoch whose handles these are.
    pub epoch: u32,
    /// Paid for and asked again, for nothing.
    pub known: BTreeSet<Handle>,
    /// Asked for the first time, at a cost of one each.
    pub new: BTreeSet<Handle>,
    /// Paid for and no longer of interest.
    pub discard: BTreeSet<Handle>,
    /// The receipt for `known` and `discard` together.
    pub receipt: Receipt,
}

impl LookupRequest {
    /// The bytes to send.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let lists = [&self.known, &self.new, &self.discard];
        let mut bytes = vec![VERSION, 0, 0, 0];
        bytes.extend(self.epoch.to_le_bytes());
        for list in lists {
            bytes.extend(u32::try_from(list.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        let receipt = self.receipt.as_bytes();
        bytes.extend(u16::try_from(receipt.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend(receipt);
        for handle in lists.into_iter().flatten() {
            bytes.extend(handle.as_bytes());
        }
        bytes
    }
}

/// What the directory answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupAnswer {
    /// How much of the budget the request has cost.
    pub cost: u32,
    /// The receipt for `known` and `new` of the request.
    pub receipt: Receipt,
    /// The account of each handle that has one.
    pub matches: BTreeMap<Handle, Uuid>,
}

/// Bytes that are no answer to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WireError {
    /// They end too early.
    #[error("the lookup's answer is cut short")]
    CutShort,
    /// They go on after their end.
    #[error("the lookup's answer has bytes too many")]
    TooLong,
    /// They are in another form than that of version 1.
    #[error("the lookup's answer is of another version")]
    OtherVersion,
    /// They name handles that were not asked for.
    #[error("the lookup's answer marks handles nobody asked for")]
    StrangeMatch,
}

impl LookupAnswer {
    /// Reads the answer to `request`.
    ///
    /// # Errors
    /// [`WireError`] unless the bytes are exactly that.
    pub fn decode(bytes: &[u8], request: &LookupRequest) -> Result<Self, WireError> {
        let mut rest = Rest(bytes);
        if rest.array()? != [VERSION, 0, 0, 0] {
            return Err(WireError::OtherVersion);
        }
        let cost = u32::from_le_bytes(rest.array()?);
        let receipt_length = u16::from_le_bytes(rest.array()?);
        let receipt = Receipt(rest.take(receipt_length.into())?.to_vec());
        let asked = request.known.len() + request.new.len();
        let bitmap = rest.take(asked.div_ceil(8))?;
        let mut matches = BTreeMap::new();
        for (handle, _) in request.known.iter().chain(&request.new).zip(bits(bitmap)).filter(|(_, hit)| *hit)
        {
            matches.insert(*handle, Uuid::from_bytes(rest.array()?));
        }
        if bits(bitmap).skip(asked).any(|hit| hit) {
            return Err(WireError::StrangeMatch);
        }
        if !rest.0.is_empty() {
            return Err(WireError::TooLong);
        }
        Ok(Self { cost, receipt, matches })
    }
}

fn bits(bitmap: &[u8]) -> impl Iterator<Item = bool> {
    bitmap.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1))
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(WireError::CutShort)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.take(N)?.try_into().map_err(|_| WireError::CutShort)
    }
}
