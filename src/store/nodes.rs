//! The servers that run on this database, and the keys that each has read.

use super::error::Table;
use super::{Ending, Store, StoreError, read, run, transact};
use jiff::Timestamp;

/// A server that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its random name.
    pub id: [u8; 16],
    /// What people know it by: its machine and process.
    pub name: String,
    /// The version of the program.
    pub program: String,
    /// Since when it runs.
    pub started_at: Timestamp,
}

/// A version of a key that a server has read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeKey {
    /// The purpose's name.
    pub purpose: String,
    /// The version.
    pub version: u8,
    /// Whether the server makes what is new with it.
    pub in_use: bool,
}

/// A server with what it has said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenNode {
    /// The server.
    pub node: Node,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// The keys that it has read.
    pub keys: Vec<NodeKey>,
}

type Row = (Vec<u8>, String, String, i64, i64);
type KeyRow = (String, i64, i64);

const TABLE: Table = Table("nodes");
const REPORT: &str =
    "INSERT INTO nodes (node_id, name, program, started_at, seen_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (node_id) DO UPDATE SET seen_at = excluded.seen_at";
const FORGET_KEYS: &str = "DELETE FROM node_keys WHERE node_id = $1";
const ADD_KEY: &str = "INSERT INTO node_keys (node_id, purpose, version, in_use) VALUES ($1, $2, $3, $4)";
const SEE: &str = "UPDATE nodes SET seen_at = $2 WHERE node_id = $1";
const END: &str = "DELETE FROM nodes WHERE node_id = $1";
const END_GONE_KEYS: &str =
    "DELETE FROM node_keys WHERE node_id NOT IN (SELECT node_id FROM nodes WHERE seen_at > $1)";
const END_GONE: &str = "DELETE FROM nodes WHERE seen_at <= $1";
const LIVE: &str = "SELECT node_id, name, program, started_at, seen_at FROM nodes
    WHERE seen_at > $1 ORDER BY started_at, node_id";
const KEYS: &str =
    "SELECT purpose, version, in_use FROM node_keys WHERE node_id = $1 ORDER BY purpose, version";

fn node((id, name, program, started, seen): Row, keys: Vec<KeyRow>) -> Result<SeenNode, StoreError> {
    let key = |(purpose, version, in_use): KeyRow| {
        let version = Table("node_keys").some("version", u8::try_from(version).ok())?;
        Ok(NodeKey { purpose, version, in_use: in_use == 1 })
    };
    Ok(SeenNode {
        node: Node {
            id: TABLE.some("node_id", id.as_slice().try_into().ok())?,
            name,
            program,
            started_at: TABLE.time("started_at", started)?,
        },
        seen_at: TABLE.time("seen_at", seen)?,
        keys: keys.into_iter().map(key).collect::<Result<_, StoreError>>()?,
    })
}

impl Store {
    /// Says that a server runs and which keys it has read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_node(&self, node: &Node, keys: &[NodeKey], now: Timestamp) -> Result<(), StoreError> {
        let id = node.id.as_slice();
        transact!(self, tx => {
            run!(tx, REPORT, id, &node.name, &node.program, node.started_at.as_millisecond(), now.as_millisecond());
            run!(tx, FORGET_KEYS, id);
            for key in keys {
                run!(tx, ADD_KEY, id, &key.purpose, i64::from(key.version), i64::from(key.in_use));
            }
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// Says that a server still runs; `false` if it must report itself anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn see_node(&self, id: [u8; 16], now: Timestamp) -> Result<bool, StoreError> {
        Ok(transact!(self, tx => {
            Ok(Ending::Commit(run!(tx, SEE, id.as_slice(), now.as_millisecond()) == 1))
        }))
    }

    /// Says that a server has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_node(&self, id: [u8; 16]) -> Result<(), StoreError> {
        transact!(self, tx => {
            // The node before its keys, as it reports them: the other order can deadlock.
            run!(tx, END, id.as_slice());
            run!(tx, FORGET_KEYS, id.as_slice());
            Ok(Ending::Commit(()))
        });
        Ok(())
    }

    /// Forgets servers that were not seen after `time`: how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_nodes(&self, time: Timestamp) -> Result<u64, StoreError> {
        Ok(transact!(self, tx => {
            let ended = run!(tx, END_GONE, time.as_millisecond());
            if ended > 0 {
                run!(tx, END_GONE_KEYS, time.as_millisecond());
            }
            Ok(Ending::Commit(ended))
        }))
    }

    /// The servers that were seen after `time`, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn nodes(&self, time: Timestamp) -> Result<Vec<SeenNode>, StoreError> {
        let found: Vec<(Row, Vec<KeyRow>)> = read!(self, conn => {
            let rows: Vec<Row> =
                sqlx::query_as(LIVE).bind(time.as_millisecond()).fetch_all(&mut *conn).await?;
            let mut found = Vec::with_capacity(rows.len());
            for row in rows {
                let keys: Vec<KeyRow> = sqlx::query_as(KEYS).bind(&row.0).fetch_all(&mut *conn).await?;
                found.push((row, keys));
            }
            found
        });
        found.into_iter().map(|(row, keys)| node(row, keys)).collect()
    }
}
