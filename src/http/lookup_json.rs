//! The JSON form of a lookup: handles as a list of base64url, or packed into one base64url string.

use super::Problem;
use super::extract::json;
use super::problem::too_many_handles;
use crate::discovery::{Found, Lookup, MAX_HANDLES};
use crate::model::handle::Handle;
use crate::model::handle_set::HandleSet;
use crate::model::id::AccountId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An address book question. Each list comes either as an array or packed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct LookupBody {
    epoch: u32,
    /// Handles asked for the first time: 22 characters of base64url each, in any order.
    #[serde(default)]
    handles: Vec<String>,
    /// The same as one base64url string of ascending 16-byte handles.
    handles_packed: Option<String>,
    /// Handles that the sync token has paid for.
    #[serde(default)]
    known: Vec<String>,
    known_packed: Option<String>,
    /// Handles that the sync token has paid for and that are no longer wanted.
    #[serde(default)]
    discard: Vec<String>,
    discard_packed: Option<String>,
    /// The token of `known` and `discard` together.
    sync_token: Option<String>,
}

/// The answer to a lookup.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LookupView {
    epoch: u32,
    /// In ascending order of handle.
    matches: Vec<MatchView>,
    /// The token of `known` and `handles`.
    sync_token: String,
    budget: BudgetView,
}

#[derive(Debug, Serialize, ToSchema)]
struct MatchView {
    handle: String,
    account_id: AccountId,
}

#[derive(Debug, Serialize, ToSchema)]
struct BudgetView {
    /// New handles that were charged.
    cost: u32,
}

/// The handles and the token of a request, decoded: what its [`Lookup`] points into.
#[derive(Debug)]
pub(super) struct Decoded {
    epoch: u32,
    known: Vec<[u8; 16]>,
    new: Vec<[u8; 16]>,
    discard: Vec<[u8; 16]>,
    sync_token: Option<Vec<u8>>,
}

impl Decoded {
    /// Reads a request.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let body: LookupBody = json(bytes)?;
        Ok(Self {
            epoch: body.epoch,
            new: handles("handles", &body.handles, body.handles_packed.as_deref())?,
            known: handles("known", &body.known, body.known_packed.as_deref())?,
            discard: handles("discard", &body.discard, body.discard_packed.as_deref())?,
            // What is not base64url is no token of this server, and is refused as such.
            sync_token: body.sync_token.map(|token| URL_SAFE_NO_PAD.decode(token).unwrap_or_default()),
        })
    }

    /// The question.
    pub(super) fn lookup(&self) -> Result<Lookup<'_>, Problem> {
        let set = |field: &str, handles| {
            HandleSet::new(handles).ok_or_else(|| {
                Problem::field(&format!("{field}_packed"), "must be in strictly ascending order")
            })
        };
        Ok(Lookup {
            epoch: self.epoch,
            known: set("known", &self.known)?,
            new: set("handles", &self.new)?,
            discard: set("discard", &self.discard)?,
            sync_token: self.sync_token.as_deref(),
        })
    }
}

/// One list in either form; an array is sorted, each handle once.
fn handles(field: &str, list: &[String], packed: Option<&str>) -> Result<Vec<[u8; 16]>, Problem> {
    let Some(packed) = packed else { return unpacked(field, list) };
    let field = format!("{field}_packed");
    if !list.is_empty() {
        return Err(Problem::field(&field, "cannot be sent together with the list"));
    }
    let invalid = || Problem::field(&field, "is not base64url");
    let mut handles = vec![[0; 16]; (packed.len() / 4 * 3 + packed.len() % 4 * 3 / 4).div_ceil(16)];
    let room = handles.as_flattened_mut();
    let length = URL_SAFE_NO_PAD.decode_slice(packed, room).map_err(|_| invalid())?;
    if length % 16 != 0 {
        return Err(Problem::field(&field, "is not a whole number of 16-byte handles"));
    }
    handles.truncate(length / 16);
    Ok(handles)
}

fn unpacked(field: &str, list: &[String]) -> Result<Vec<[u8; 16]>, Problem> {
    if list.len() > MAX_HANDLES {
        return Err(too_many_handles(MAX_HANDLES));
    }
    let read = |(index, text): (usize, &String)| {
        Handle::from_base64url(text)
            .map(|handle| *handle.as_bytes())
            .map_err(|_| Problem::field(&format!("{field}[{index}]"), "is not 22 characters of base64url"))
    };
    let mut handles = list.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    handles.sort_unstable();
    handles.dedup();
    Ok(handles)
}

impl LookupView {
    /// The answer to a request.
    pub(super) fn new(lookup: &Lookup<'_>, found: &Found) -> Self {
        let asked = [lookup.known.as_slice(), lookup.new.as_slice()].concat();
        let view = |(index, account): (usize, &[u8; 16])| {
            Some((Handle::from_bytes(*asked.get(index)?), AccountId::from_bytes(*account)))
        };
        let mut matches: Vec<_> = found.hits.iter().filter_map(view).collect();
        matches.sort_unstable();
        let view = |(handle, account_id): (Handle, AccountId)| MatchView {
            handle: handle.to_base64url(),
            account_id,
        };
        Self {
            epoch: lookup.epoch,
            matches: matches.into_iter().map(view).collect(),
            sync_token: URL_SAFE_NO_PAD.encode(found.token.as_bytes()),
            budget: BudgetView { cost: found.cost },
        }
    }
}
