//! The JSON form of a lookup: handles as a list of base64url, or packed into one base64url string.

use super::Problem;
use super::extract::{json, json_that_fits};
use crate::discovery::{Found, Lookup};
use crate::model::handle::Handle;
use crate::model::handle_set::HandleSet;
use crate::model::id::AccountId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Visitor;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use utoipa::ToSchema;

/// An address book question. Each list comes either as an array or packed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct LookupBody {
    epoch: u32,
    /// Handles asked for the first time: 22 characters of base64url each, in any order.
    handles: Option<Vec<String>>,
    /// The same as one base64url string of ascending 16-byte handles.
    handles_packed: Option<String>,
    /// Handles that the sync token has paid for.
    known: Option<Vec<String>>,
    known_packed: Option<String>,
    /// Handles that the sync token has paid for and that are no longer wanted.
    discard: Option<Vec<String>>,
    discard_packed: Option<String>,
    /// The token of `known` and `discard` together.
    sync_token: Option<String>,
}

/// A [`LookupBody`] in which nothing is wrong: every handle is decoded as it is read, and nothing else is copied.
#[derive(Debug, Deserialize)]
struct Fitting<'a> {
    epoch: u32,
    handles: Option<Vec<Text>>,
    #[serde(borrow)]
    handles_packed: Option<&'a str>,
    known: Option<Vec<Text>>,
    known_packed: Option<&'a str>,
    discard: Option<Vec<Text>>,
    discard_packed: Option<&'a str>,
    sync_token: Option<&'a str>,
}

/// A handle as it is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Text([u8; 16]);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("22 characters of base64url")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                let handle = Handle::from_base64url(text).map_err(E::custom)?;
                Ok(Text(*handle.as_bytes()))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [0; 22];
        let _length = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).map_err(S::Error::custom)?;
        serializer.serialize_str(std::str::from_utf8(&text).map_err(S::Error::custom)?)
    }
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
    #[schema(value_type = String)]
    handle: Text,
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
        if let Some(decoded) = json_that_fits(bytes).and_then(Self::fitting) {
            return Ok(decoded);
        }
        let body: LookupBody = json(bytes)?;
        let new = handles("handles", body.handles.as_deref(), body.handles_packed.as_deref())?;
        let known = handles("known", body.known.as_deref(), body.known_packed.as_deref())?;
        let discard = handles("discard", body.discard.as_deref(), body.discard_packed.as_deref())?;
        if [&new, &known, &discard].into_iter().all(Option::is_none) {
            // A misspelt name would be answered that nobody is there.
            return Err(Problem::field("handles", "is missing"));
        }
        Ok(Self {
            epoch: body.epoch,
            new: new.unwrap_or_default(),
            known: known.unwrap_or_default(),
            discard: discard.unwrap_or_default(),
            // What is not base64url is no token of this server, and is refused as such.
            sync_token: body.sync_token.map(|token| URL_SAFE_NO_PAD.decode(token).unwrap_or_default()),
        })
    }

    /// What fits, but for what must be told of more exactly.
    fn fitting(body: Fitting<'_>) -> Option<Self> {
        let list = |list: Option<Vec<Text>>, packed: Option<&str>| match (list, packed) {
            (None, None) => Some(None),
            (Some(list), None) => Some(Some(ascending(list.iter().map(|text| text.0).collect()))),
            (None, Some(packed)) => unpacked("", packed).ok().map(Some),
            (Some(_), Some(_)) => None,
        };
        let (new, known) = (list(body.handles, body.handles_packed)?, list(body.known, body.known_packed)?);
        let discard = list(body.discard, body.discard_packed)?;
        [&new, &known, &discard].into_iter().any(Option::is_some).then_some(())?;
        Some(Self {
            epoch: body.epoch,
            new: new.unwrap_or_default(),
            known: known.unwrap_or_default(),
            discard: discard.unwrap_or_default(),
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

/// One list in either form, if it is there in one; an array is sorted, each handle once.
fn handles(
    field: &str,
    list: Option<&[String]>,
    packed: Option<&str>,
) -> Result<Option<Vec<[u8; 16]>>, Problem> {
    match (list, packed) {
        (None, None) => Ok(None),
        (Some(list), None) => listed(field, list).map(Some),
        (None | Some([]), Some(packed)) => unpacked(&format!("{field}_packed"), packed).map(Some),
        (Some(_), Some(_)) => {
            Err(Problem::field(&format!("{field}_packed"), "cannot be sent together with the list"))
        }
    }
}

fn unpacked(field: &str, packed: &str) -> Result<Vec<[u8; 16]>, Problem> {
    let mut handles = vec![[0; 16]; (packed.len() / 4 * 3 + packed.len() % 4 * 3 / 4).div_ceil(16)];
    let room = handles.as_flattened_mut();
    let length =
        URL_SAFE_NO_PAD.decode_slice(packed, room).map_err(|_| Problem::field(field, "is not base64url"))?;
    if length % 16 != 0 {
        return Err(Problem::field(field, "is not a whole number of 16-byte handles"));
    }
    handles.truncate(length / 16);
    Ok(handles)
}

fn listed(field: &str, list: &[String]) -> Result<Vec<[u8; 16]>, Problem> {
    let read = |(index, text): (usize, &String)| {
        Handle::from_base64url(text)
            .map(|handle| *handle.as_bytes())
            .map_err(|_| Problem::field(&format!("{field}[{index}]"), "is not 22 characters of base64url"))
    };
    list.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>().map(ascending)
}

fn ascending(mut handles: Vec<[u8; 16]>) -> Vec<[u8; 16]> {
    handles.sort_unstable();
    handles.dedup();
    handles
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
            handle: Text(*handle.as_bytes()),
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
