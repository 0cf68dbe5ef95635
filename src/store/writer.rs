//! The one connection that writes to SQLite, and group commit.
//!
//! Transactions that wait for it while another runs join that one's: each in a savepoint of its own, and all
//! become durable with one commit. Nobody is answered before it: an outcome, a refusal too, may rest on what others of
//! the group have written. Whoever finds nobody waiting commits at once, so that a lone transaction waits for nothing.
//! What a group gains is what a commit costs, see `benches/registering.rs`.

use super::StoreError;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Sqlite, Transaction};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio_util::task::TaskTracker;

/// Hands the connection out, one transaction at a time.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    pool: SqlitePool,
    group: Arc<Mutex<Group>>,
    waiting: Arc<AtomicUsize>,
    commits: TaskTracker,
}

/// Transactions that will be committed together.
#[derive(Default)]
struct Group {
    open: Option<Transaction<'static, Sqlite>>,
    /// Those who wait for the commit.
    members: Vec<oneshot::Sender<Result<(), StoreError>>>,
    /// The newest transaction; the commit ends the savepoint before it.
    member: Member,
}

/// What became of a transaction of a group.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Member {
    /// It began the group, or has its turn: whoever comes after it sets a savepoint.
    #[default]
    Open,
    /// It is kept.
    Kept,
    /// It was dropped in the middle: what it wrote must go.
    Torn,
    /// It is undone.
    Undone,
}

/// A transaction's turn on the connection.
pub(super) struct Turn {
    writer: Writer,
    group: Option<OwnedMutexGuard<Group>>,
    /// Whether it is in a group that another began.
    joined: bool,
}

/// Counts whoever waits for a turn, until it has come or nobody wants it any more.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({} wait)", self.members.len())
    }
}

impl Writer {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self { pool, group: Arc::default(), waiting: Arc::default(), commits: TaskTracker::new() }
    }

    /// The connection, for single statements that are no part of a group.
    pub(super) const fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Closes the connection once every group is committed.
    pub(super) async fn close(&self) {
        self.commits.close();
        self.commits.wait().await;
        self.pool.close().await;
    }

    /// Waits for a turn and begins a transaction, or joins the one that is open.
    pub(super) async fn turn(&self) -> Result<Turn, StoreError> {
        let waiting = Waiting::begin(&self.waiting);
        let mut group = self.group.clone().lock_owned().await;
        drop(waiting);
        group.mend().await;
        let joined = group.open.is_some();
        if joined {
            if let Err(cause) = group.join().await {
                group.lose(&cause);
                return Err(cause);
            }
        } else {
            *group = Group { open: Some(self.pool.begin_with("BEGIN IMMEDIATE").await?), ..Group::default() };
        }
        Ok(Turn { writer: self.clone(), group: Some(group), joined })
    }

    /// Commits the open group, behind all who are waiting for a turn now.
    async fn commit_behind(self) {
        let mut group = self.group.lock_owned().await;
        group.mend().await;
        let _told = group.commit().await;
    }
}

impl Group {
    /// Sets the savepoint before another member. Whoever goes away meanwhile has written nothing: then the next one
    /// stands inside of it.
    async fn join(&mut self) -> Result<(), StoreError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        match std::mem::take(&mut self.member) {
            Member::Open => run(open, "SAVEPOINT member").await,
            Member::Kept => run(open, "RELEASE member; SAVEPOINT member").await,
            // It stands where it should.
            Member::Undone | Member::Torn => Ok(()),
        }
    }

    /// Undoes what a transaction left that was dropped in the middle.
    async fn mend(&mut self) {
        if self.member == Member::Torn {
            self.undo_member().await;
        }
    }

    /// Undoes the newest member alone. Where SQLite has undone everything already (a full disk), nobody is committed.
    async fn undo_member(&mut self) {
        let Some(open) = &mut self.open else { return };
        match run(open, "ROLLBACK TO member").await {
            Ok(()) => self.member = Member::Undone,
            Err(cause) => self.lose(&cause),
        }
    }

    fn lose(&mut self, cause: &StoreError) {
        drop(self.open.take());
        for member in self.members.drain(..) {
            let _gone = member.send(Err(cause.clone()));
        }
    }

    /// Makes everything durable and says so to all.
    async fn commit(&mut self) -> Result<(), StoreError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let outcome = open.commit().await.map_err(StoreError::from);
        for member in self.members.drain(..) {
            let _gone = member.send(outcome.clone());
        }
        outcome
    }
}

impl Turn {
    /// The connection, in this transaction.
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let open = self.group.as_mut().and_then(|group| group.open.as_deref_mut());
        open.ok_or_else(|| sqlx::Error::WorkerCrashed.into())
    }

    /// Keeps what was written, and waits until it is durable.
    pub(super) async fn keep(mut self) -> Result<(), StoreError> {
        if let Some(group) = self.group.as_mut().filter(|_| self.joined) {
            group.member = Member::Kept;
        }
        self.end().await
    }

    /// Undoes what was written, and waits until what it was decided on is durable.
    pub(super) async fn undo(mut self) -> Result<(), StoreError> {
        let Some(group) = self.group.as_mut() else { return Ok(()) };
        if self.joined {
            group.undo_member().await;
            return self.end().await;
        }
        // It began the group, and nobody could join yet.
        let open = group.open.take();
        self.group = None;
        match open {
            Some(open) => Ok(open.rollback().await?),
            None => Ok(()),
        }
    }

    async fn end(mut self) -> Result<(), StoreError> {
        let Some(mut group) = self.group.take() else { return Ok(()) };
        if !self.joined && self.writer.waiting.load(Ordering::SeqCst) == 0 {
            // In a task, so that a caller who goes away does not leave a commit half done.
            let committing = self.writer.commits.spawn(async move { group.commit().await });
            return committing.await.unwrap_or_else(|_| Err(sqlx::Error::WorkerCrashed.into()));
        }
        if group.open.is_none() {
            return Err(sqlx::Error::WorkerCrashed.into());
        }
        let (done, committed) = oneshot::channel();
        group.members.push(done);
        drop(group);
        if !self.joined {
            self.writer.commits.spawn(self.writer.clone().commit_behind());
        }
        committed.await.unwrap_or_else(|_| Err(sqlx::Error::WorkerCrashed.into()))
    }
}

/// Dropped in the middle: what it wrote must go.
impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(group) = &mut self.group {
            if self.joined {
                group.member = Member::Torn;
            } else {
                drop(group.open.take());
            }
        }
    }
}

async fn run(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), StoreError> {
    sqlx::query(statement).execute(connection).await?;
    Ok(())
}
