//! How far the keys are, and putting an added one into use.

use super::GONE_AFTER;
use crate::key_file::{state, versions_in_use, waiting};
use crate::model::account::DEVICE_IDLE_LIMIT;
use crate::model::key_life::KeyState;
use crate::model::keys::Purpose;
use crate::model::verification::GRANT_LIFETIME;
use crate::store::{KeyMark, SeenNode, Store, StoreError, UseOutcome};
use jiff::Timestamp;
use thiserror::Error;

/// One version of a key, as an operator sees it.
#[derive(Debug, Clone)]
pub struct KeyStatus {
    /// What the key is for; the name of a newer version's purpose is only shown.
    pub purpose: String,
    /// The version.
    pub version: u8,
    /// How far it is.
    pub state: KeyState,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// How many live nodes have read it.
    pub nodes: usize,
    /// How much is under it, where it is only read and that is counted.
    pub rows: Option<u64>,
}

/// Why a version was not put into use.
#[derive(Debug, Error)]
pub enum UseRefused {
    /// None waits.
    #[error("{0} has no version that is added and not in use: run `tuttu keys add {0}`")]
    NoneWaiting(&'static str),
    /// Nodes would not be able to read what the others make.
    #[error(
        "{purpose} version {version} is not on every server: copy the key file to these and send them SIGHUP (one that was \
        killed is forgotten after {} s): {}",
        GONE_AFTER.as_secs(),
        nodes.join(", ")
    )]
    NotEverywhere {
        /// The purpose.
        purpose: &'static str,
        /// The version that waits.
        version: u8,
        /// The nodes that lack it.
        nodes: Vec<String>,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts the added version of a key into use on every node; its number.
///
/// # Errors
/// [`UseRefused`]; nothing was changed then.
pub async fn put_into_use(store: &Store, purpose: Purpose, now: Timestamp) -> Result<u8, UseRefused> {
    let name = purpose.as_str();
    let version = waiting(purpose, &store.key_marks().await?).ok_or(UseRefused::NoneWaiting(name))?;
    match store.use_key((name, version), now - GONE_AFTER, now).await? {
        UseOutcome::Used => Ok(version),
        UseOutcome::NotAdded => Err(UseRefused::NoneWaiting(name)),
        UseOutcome::Lacking(nodes) => Err(UseRefused::NotEverywhere { purpose: name, version, nodes }),
    }
}

/// The nodes that run.
///
/// # Errors
/// When the database fails.
pub async fn live_nodes(store: &Store, now: Timestamp) -> Result<Vec<SeenNode>, StoreError> {
    store.nodes(now - GONE_AFTER).await
}

/// Every version of every key.
///
/// # Errors
/// When the database fails.
pub async fn status(store: &Store, now: Timestamp) -> Result<Vec<KeyStatus>, StoreError> {
    let (marks, nodes) = (store.key_marks().await?, live_nodes(store, now).await?);
    let mut shown = Vec::with_capacity(marks.len());
    for mark in &marks {
        let state = state(mark, &marks);
        let purpose = Purpose::parse(&mark.key.purpose).filter(|_| state == KeyState::Reading);
        let rows = match purpose {
            Some(purpose) => rows_under(store, purpose, mark.key.version, now).await?,
            None => None,
        };
        let has = |node: &&SeenNode| {
            node.keys.iter().any(|key| key.purpose == mark.key.purpose && key.version == mark.key.version)
        };
        shown.push(KeyStatus {
            purpose: mark.key.purpose.clone(),
            version: mark.key.version,
            state,
            since: mark
                .life
                .retired_at
                .or_else(|| replaced_at(mark, &marks))
                .or(mark.life.used_at)
                .or(mark.life.added_at),
            nodes: nodes.iter().filter(has).count(),
            rows,
        });
    }
    Ok(shown)
}

/// How much is still under a version that is no longer in use; `None` where nothing is counted.
pub(super) async fn rows_under(
    store: &Store,
    purpose: Purpose,
    version: u8,
    now: Timestamp,
) -> Result<Option<u64>, StoreError> {
    Ok(match purpose {
        Purpose::Number => Some(store.count_sealed(version).await?),
        Purpose::Token => Some(store.count_tokens(version, now - DEVICE_IDLE_LIMIT).await?),
        Purpose::Code => Some(store.count_codes(version, now - GRANT_LIFETIME).await?),
        Purpose::Directory => Some(store.count_epochs(version).await?),
        Purpose::Index => Some(store.count_index_secrets(version).await?),
        Purpose::Audit | Purpose::Jwt => None,
    })
}

/// When another version took the place of this one, if that was while servers ran.
pub(super) fn replaced_at(mark: &KeyMark, marks: &[KeyMark]) -> Option<Timestamp> {
    let of = marks.iter().filter(|other| other.key.purpose == mark.key.purpose && mark.life.has_begun());
    of.filter_map(|other| other.life.used_at).filter(|used| Some(*used) > mark.life.used_at).min()
}

/// What is still to be done after a switch of a key: nodes that have not heard of it, and values that are sealed
/// under old versions.
///
/// # Errors
/// When the database fails.
pub async fn unfinished(store: &Store, purpose: Purpose, now: Timestamp) -> Result<(usize, u64), StoreError> {
    let marks = store.key_marks().await?;
    let in_use = versions_in_use(&marks).get(&purpose).copied();
    let behind = |node: &&SeenNode| {
        let mut keys = node.keys.iter();
        !keys.any(|key| key.purpose == purpose.as_str() && Some(key.version) == in_use && key.in_use)
    };
    let behind = live_nodes(store, now).await?.iter().filter(behind).count();
    let mut sealed = 0;
    // What else is under a key ends by itself.
    if matches!(purpose, Purpose::Number | Purpose::Index) {
        for mark in marks.iter().filter(|mark| mark.key.purpose == purpose.as_str()) {
            if state(mark, &marks) == KeyState::Reading {
                let under = rows_under(store, purpose, mark.key.version, now).await?.unwrap_or_default();
                // What is under a version of index_key counts for those after it, too.
                sealed = if purpose == Purpose::Index { under.max(sealed) } else { under + sealed };
            }
        }
    }
    Ok((behind, sealed))
}
