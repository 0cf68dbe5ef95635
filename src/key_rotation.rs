//! Rotation of keys: a further version is added, put into use on all nodes, and the old one retired when unused.
//!
//! Nothing becomes unreadable on the way, because reading goes before writing:
//!
//! - `add` writes the version into one host's key file and its fingerprint into the database. From then on no node
//!   starts without it; a node that runs reads it once its file is copied and it gets a SIGHUP, and says so;
//! - `use` asks, in one transaction in which no node comes or reports, whether every live node has read it. So when
//!   the first node makes something with it, every other can read that, whichever of them has heard of the switch;
//! - each node asks every second which version is in use. What it makes says by itself or by its row which version
//!   it was made with: sealed values and sync tokens begin with it, verifications and devices have a column. A
//!   device token is tried with every version, and a request with an `Idempotency-Key` is claimed by its names under
//!   every version, so that nodes on both sides of a switch meet in one of them;
//! - a version is retired when nothing is under it and no live node uses it. Its file entry may then go.
//!
//! | key | what is made of it | when nothing is left under an old version |
//! |---|---|---|
//! | `number_key` | numbers, device names, peppers; answers that are repeated | they are sealed anew beside requests; answers end within 24 hours |
//! | `index_key` | the secret that numbers are hashed with | it is sealed anew |
//! | `code_key` | codes and grants | 10 minutes after the last verification of before has ended |
//! | `token_key` | device tokens, receipts | no device of before was seen for 120 days: tokens do not rotate |
//! | `directory_key` | handles at rest and their tags, of epochs that begin from then on | the last epoch of before has ended and its rows are gone |
//! | `audit_key` | signatures of checkpoints, marks of events | it is kept: old checkpoints are verified with it |
//! | `jwt_key` | nothing yet | it is kept |
//!
//! An epoch's rows keep the key of its beginning for its life: every node finds a handle in one form, in every mode, and
//! a new epoch writes everybody's row anyway.

mod resealing;
mod status;

pub use status::{KeyStatus, UseRefused, live_nodes, put_into_use, status, unfinished};

use crate::clock::Clock;
use crate::key_file::{self, KeyFileError};
use crate::model::entropy::random_bytes;
use crate::model::keys::{Keys, Purpose};
use crate::store::{Node, NodeKey, Store, StoreError};
use crate::verification::Failure;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// A node that was not seen for so long is gone: three beats, and a minute by which clocks may be apart.
pub const GONE_AFTER: Duration = Duration::from_secs(75);
/// How often a node says that it runs.
const BEAT: Duration = Duration::from_secs(5);
/// After how long the rows of a node that is gone go, too.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);

/// A node's part in the rotation of keys; clones are the same node.
#[derive(Debug, Clone)]
pub struct KeyRotation(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    keys: Arc<Keys>,
    file: PathBuf,
    clock: Clock,
    node: Node,
    /// Held while keys are replaced, so that what was read before never follows what was read after.
    replacing: Mutex<()>,
    /// What this node has said of itself, and when.
    said: Mutex<(Vec<NodeKey>, Timestamp)>,
    /// The version of `number_key` under which everything was found sealed.
    settled: Mutex<Option<u8>>,
}

impl KeyRotation {
    /// Says that a node with these keys runs, then reads them again: of a version that was put into use before
    /// it said so, it has not been asked.
    ///
    /// # Errors
    /// [`KeyFileError`]: the node must not serve.
    pub async fn join(
        store: Store,
        keys: Arc<Keys>,
        file: PathBuf,
        clock: Clock,
    ) -> Result<Self, KeyFileError> {
        let node = Node {
            id: random_bytes(),
            name: name(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: clock.now(),
        };
        let (replacing, settled) = (Mutex::default(), Mutex::new(None));
        let said = Mutex::new((Vec::new(), clock.now()));
        let rotation = Self(Arc::new(Shared { store, keys, file, clock, node, replacing, said, settled }));
        rotation.report().await?;
        rotation.reload().await?;
        Ok(rotation)
    }

    /// The node's random name.
    #[must_use]
    pub fn node_id(&self) -> [u8; 16] {
        self.0.node.id
    }

    /// The node's random name, as the audit log has it.
    #[must_use]
    pub fn node_name(&self) -> String {
        hex::encode(self.0.node.id)
    }

    /// Reads the key file again and says which keys it holds.
    ///
    /// # Errors
    /// [`KeyFileError`]; the keys stay as they were where the file cannot be used.
    pub async fn reload(&self) -> Result<(), KeyFileError> {
        {
            let _alone = self.0.replacing.lock().await;
            key_file::reread(&self.0.file, &self.0.store, &self.0.keys).await?;
        }
        Ok(self.report().await?)
    }

    /// Goes on with the keys in use, and says that this node runs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watch(&self) -> Result<(), Failure> {
        {
            let _alone = self.0.replacing.lock().await;
            let marks = self.0.store.key_marks().await?;
            if !key_file::follow(&self.0.keys, &marks) {
                tracing::error!(
                    file = %self.0.file.display(),
                    "a key that is in use is not in the key file: copy the file of a node that has it, and send SIGHUP"
                );
            }
        }
        Ok(self.report().await?)
    }

    /// Says what has changed, or now and then that this node still runs.
    async fn report(&self) -> Result<(), StoreError> {
        let Shared { store, node, clock, .. } = &*self.0;
        let (mut said, now, keys) = (self.0.said.lock().await, clock.now(), self.read_keys());
        if keys == said.0 {
            if now < said.1 + BEAT {
                return Ok(());
            }
            if store.see_node(node.id, now).await? {
                said.1 = now;
                return Ok(());
            }
        }
        store.report_node(node, &keys, now).await?;
        store.forget_nodes(now - FORGOTTEN_AFTER).await?;
        *said = (keys, now);
        Ok(())
    }

    fn read_keys(&self) -> Vec<NodeKey> {
        let set = self.0.keys.set();
        let key = |(purpose, version)| NodeKey {
            purpose: Purpose::as_str(purpose).to_owned(),
            version,
            in_use: set.versions_in_use().get(&purpose) == Some(&version),
        };
        set.keys().keys().copied().map(key).collect()
    }

    /// Says that this node has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leave(&self) -> Result<(), StoreError> {
        self.0.store.end_node(self.0.node.id).await
    }
}

/// The machine and the process, as an operator finds them.
fn name() -> String {
    let machine = rustix::system::uname();
    format!("{} (process {})", machine.nodename().to_string_lossy(), std::process::id())
}
