//! The binary form of a lookup, `application/vnd.tuttu.lookup`, integers little-endian.
//!
//! Request: `u8 version = 1 | u8 flags = 0 | u16 0 | u32 epoch | u32 n_known | u32 n_new | u32 n_discard |
//! u16 token_len | token | known 16 B * | new 16 B * | discard 16 B *`, each list strictly ascending.
//!
//! Answer: `u8 version = 1 | u8 flags = 0 | u16 0 | u32 cost | u16 token_len | token |
//! bitmap of n_known + n_new bits, LSB first | account id 16 B for each set bit, in order`.

use super::Problem;
use super::problem::too_many_handles;
use crate::discovery::{Found, Lookup, MAX_HANDLES};
use crate::model::handle_set::HandleSet;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

/// The content type.
pub(super) const BINARY: &str = "application/vnd.tuttu.lookup";
const VERSION: u8 = 1;

/// The binary form of a lookup, or of its answer: see the README.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct Binary(Vec<u8>);

impl IntoResponse for Binary {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, BINARY)], self.0).into_response()
    }
}

/// Reads a request.
pub(super) fn read(body: &[u8]) -> Result<Lookup<'_>, Problem> {
    let mut rest = Rest(body);
    let [version, flags, reserved @ ..] = rest.take::<4>()?;
    if version != VERSION {
        return Err(Problem::body("Unknown version of the binary form: this server knows version 1."));
    }
    if flags != 0 || reserved != [0, 0] {
        return Err(Problem::body("Unknown flags: they must be 0 in version 1."));
    }
    let epoch = u32::from_le_bytes(rest.take()?);
    let counts = [rest.count()?, rest.count()?, rest.count()?];
    if counts.iter().sum::<usize>() > MAX_HANDLES {
        return Err(too_many_handles(MAX_HANDLES));
    }
    let token_length = usize::from(u16::from_le_bytes(rest.take()?));
    let token = rest.slice(token_length)?;
    let [known, new, discard] = counts.map(|count| rest.handles(count));
    let lookup = Lookup {
        epoch,
        known: known?,
        new: new?,
        discard: discard?,
        sync_token: (token_length > 0).then_some(token),
    };
    if rest.0.is_empty() { Ok(lookup) } else { Err(Problem::body("The body goes on after its last list.")) }
}

/// Writes the answer to a request.
pub(super) fn answer(found: &Found) -> Binary {
    let (token, bitmap) = (found.token.as_bytes(), found.hits.bitmap());
    let accounts = found.hits.accounts().as_flattened();
    let token_length = u16::try_from(token.len()).unwrap_or(u16::MAX);
    let mut body = Vec::with_capacity(10 + token.len() + bitmap.len() + accounts.len());
    body.extend_from_slice(&[VERSION, 0, 0, 0]);
    body.extend_from_slice(&found.cost.to_le_bytes());
    body.extend_from_slice(&token_length.to_le_bytes());
    body.extend_from_slice(token);
    body.extend_from_slice(bitmap);
    body.extend_from_slice(accounts);
    Binary(body)
}

/// What is left of a body.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn count(&mut self) -> Result<usize, Problem> {
        let count = u32::from_le_bytes(self.take()?);
        Ok(usize::try_from(count).unwrap_or(usize::MAX).min(MAX_HANDLES + 1))
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (slice, rest) = self.0.split_at_checked(length).ok_or_else(truncated)?;
        self.0 = rest;
        Ok(slice)
    }

    fn handles(&mut self, count: usize) -> Result<HandleSet<'a>, Problem> {
        let (handles, _) = self.slice(count * 16)?.as_chunks::<16>();
        HandleSet::new(handles)
            .ok_or_else(|| Problem::body("A list of handles must be in strictly ascending order."))
    }
}

fn truncated() -> Problem {
    Problem::body("The body ends before what its head announces.")
}
