//! Lookups on SQLite that wait for each other are asked in one statement.
//!
//! A statement costs what dozens of its keys do: it wakes a thread, which wakes who asked. So while a few run, what
//! comes is gathered, and whoever's turn is next takes all of it along. A lone lookup waits for nothing.

use super::StoreError;
use super::directory::{DirectoryRow, find_on_sqlite};
use crate::model::keys::StoredHandle;
use sqlx::SqlitePool;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::task::TaskTracker;

/// Statements that run at once, each on a connection of its own.
pub(super) const AT_ONCE: u32 = 2;
/// Keys of a statement, unless one lookup alone has more.
const MOST_KEYS: usize = 4_096;

/// Gathers lookups.
#[derive(Debug, Clone)]
pub(super) struct Gathering {
    connections: SqlitePool,
    waiting: Arc<Mutex<VecDeque<Ask>>>,
    turns: Arc<Semaphore>,
    statements: TaskTracker,
}

/// A lookup that waits for its rows.
#[derive(Debug)]
struct Ask {
    epoch: u32,
    handles: Vec<StoredHandle>,
    answer: oneshot::Sender<Result<Vec<DirectoryRow>, StoreError>>,
}

impl Gathering {
    /// Of lookups on these connections.
    pub(super) fn new(connections: SqlitePool) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE as usize));
        Self { connections, waiting: Arc::default(), turns, statements: TaskTracker::new() }
    }

    /// The entries at any of these handles.
    pub(super) async fn find(
        &self,
        epoch: u32,
        handles: &[StoredHandle],
    ) -> Result<Vec<DirectoryRow>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.waiting().push_back(Ask { epoch, handles: handles.to_vec(), answer });
        // In a task, so that whoever goes away does not take the statement of others along.
        self.statements.spawn(self.clone().run());
        answered.await.unwrap_or_else(|_| Err(sqlx::Error::WorkerCrashed.into()))
    }

    /// Waits for a turn, and answers all who wait by then, unless another turn has.
    async fn run(self) {
        // Turns are never closed.
        let Ok(_turn) = self.turns.acquire().await else { return };
        let asks = take(&mut self.waiting());
        let Some(epoch) = asks.first().map(|ask| ask.epoch) else { return };
        if let [_, _, ..] = asks.as_slice() {
            let handles: Vec<_> = asks.iter().flat_map(|ask| &ask.handles).copied().collect();
            if let Ok(rows) = find_on_sqlite(&self.connections, epoch, &handles).await {
                return share(rows, asks);
            }
        }
        // Alone, or one by one: a row that cannot be read fails nobody but those who ask for it.
        for ask in asks {
            let rows = find_on_sqlite(&self.connections, epoch, &ask.handles).await;
            tell(ask.answer, rows);
        }
    }

    /// Closes the connections once everybody who waits is answered.
    pub(super) async fn close(&self) {
        self.statements.close();
        self.statements.wait().await;
        self.connections.close().await;
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Ask>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first and those behind it that fit into its statement; the others keep their order, and their turns come.
fn take(waiting: &mut VecDeque<Ask>) -> Vec<Ask> {
    let mut taken: Vec<Ask> = Vec::new();
    let mut keys = 0;
    for ask in std::mem::take(waiting) {
        let fits = taken
            .first()
            .is_none_or(|first| first.epoch == ask.epoch && keys + ask.handles.len() <= MOST_KEYS);
        if ask.answer.is_closed() {
            continue;
        }
        if fits {
            keys += ask.handles.len();
            taken.push(ask);
        } else {
            waiting.push_back(ask);
        }
    }
    taken
}

/// Gives everyone the rows of their own handles.
fn share(mut rows: Vec<DirectoryRow>, asks: Vec<Ask>) {
    rows.sort_unstable_by_key(|row| row.handle);
    for ask in asks {
        let row = |handle: &StoredHandle| {
            rows.get(rows.binary_search_by_key(handle, |row| row.handle).ok()?).cloned()
        };
        tell(ask.answer, Ok(ask.handles.iter().filter_map(row).collect()));
    }
}

fn tell<T>(answer: oneshot::Sender<T>, rows: T) {
    let _gone_already = answer.send(rows);
}
