//! Passwords are hashed beside the requests, as many at once as there are cores: more would only take memory.

use crate::model::admin::{HashedPassword, Password};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long somebody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(3);

/// There are more passwords to be hashed than this server can.
#[derive(Debug, Clone, Copy, Error)]
#[error("too many passwords are being checked at once")]
pub struct HashingBusy;

/// Where passwords are hashed.
#[derive(Debug, Clone)]
pub(super) struct Hashing(Arc<Semaphore>);

impl Hashing {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from))))
    }

    /// Whether a password fits; without a stored one it takes as long to find out that it does not.
    pub(super) async fn fits(
        &self,
        password: Password,
        stored: Option<HashedPassword>,
    ) -> Result<bool, HashingBusy> {
        self.turn(move || {
            let real = stored.is_some();
            stored.unwrap_or_else(HashedPassword::nobodys).fits(&password) && real
        })
        .await
    }

    /// A password as it is kept.
    pub(super) async fn hash(&self, password: Password) -> Result<HashedPassword, HashingBusy> {
        self.turn(move || password.hash()).await?.ok_or(HashingBusy)
    }

    async fn turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingBusy> {
        let turn = timeout(PATIENCE, self.0.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| HashingBusy)?.map_err(|_| HashingBusy)?;
        let worked = spawn_blocking(move || {
            let _held = turn;
            work()
        });
        worked.await.map_err(|_| HashingBusy)
    }
}
