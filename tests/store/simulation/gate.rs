//! A way to PostgreSQL on which every request waits until it is let through, so that a schedule decides which of many
//! is next.
//!
//! A request is what PostgreSQL answers with `ReadyForQuery`: everything up to a Sync, or a simple query. Those that say
//! nothing to the database pass at once: the start of a connection, statements that are only prepared, pings,
//! and what the pool asks of a new connection.

use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is asked, and answered.
    Answered,
    /// The connection breaks before it is asked.
    Unasked,
    /// It is asked, and the connection breaks before the answer has come.
    Unanswered,
}

/// A way; it ends when dropped.
pub(super) struct Gate {
    pub(super) port: u16,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// Connections that are being made, and requests that have been let through and are not answered.
    busy: usize,
    open: bool,
    numbered: u64,
}

struct Waiting {
    number: u64,
    process: i32,
    decide: oneshot::Sender<(Fate, oneshot::Sender<()>)>,
}

/// A request that was let through.
pub(super) struct Passing {
    /// PostgreSQL's process for this connection.
    pub(super) process: i32,
    over: oneshot::Receiver<()>,
}

impl Passing {
    /// Whether it is answered, or its connection gone.
    pub(super) fn is_over(&mut self) -> bool {
        !matches!(self.over.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }
}

impl Gate {
    /// A way to a port of this machine.
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        let (stop, tasks, state) = (CancellationToken::new(), TaskTracker::new(), shared.clone());
        let accepting = async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let state = state.clone();
                tasks.spawn(async move { carry(near, port, &state).await.unwrap_or_default() });
            }
        };
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move { stopped.run_until_cancelled(accepting).await });
        Self { port: own, shared, _stop: stop.drop_guard() }
    }

    /// Requests that wait.
    pub(super) fn waiting(&self) -> usize {
        self.shared.0.lock().unwrap().waiting.len()
    }

    /// Whether something is under way that does not wait.
    pub(super) fn is_busy(&self) -> bool {
        self.shared.0.lock().unwrap().busy > 0
    }

    /// Lets everything through at once from now on, or nothing any more.
    pub(super) fn set_open(&self, open: bool) {
        self.shared.0.lock().unwrap().open = open;
    }

    /// Decides on one of the requests that wait, if there is any.
    pub(super) fn decide(&self, which: usize, fate: Fate) -> Option<Passing> {
        let (said, over) = oneshot::channel();
        let mut state = self.shared.0.lock().unwrap();
        let which = which.checked_rem(state.waiting.len())?;
        let Waiting { process, decide, .. } = state.waiting.remove(which);
        state.busy += 1;
        drop(state);
        if decide.send((fate, said)).is_err() {
            self.shared.0.lock().unwrap().busy -= 1;
        }
        Some(Passing { process, over })
    }
}

/// Something under way.
struct Busy<'a>(&'a Shared);

impl<'a> Busy<'a> {
    fn of(shared: &'a Shared) -> Self {
        shared.0.lock().unwrap().busy += 1;
        Self(shared)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().busy -= 1;
    }
}

async fn carry(mut near: TcpStream, port: u16, shared: &Shared) -> io::Result<()> {
    let busy = Busy::of(shared);
    let mut far = TcpStream::connect(("127.0.0.1", port)).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let length = near.read_u32().await?;
    let mut start = length.to_be_bytes().to_vec();
    start.resize(length as usize, 0);
    near.read_exact(&mut start[4..]).await?;
    far.write_all(&start).await?;
    let greeting = messages_until(&mut far, b"Z").await?;
    near.write_all(&greeting.bytes).await?;
    drop(busy);
    let mut is_of_the_pool = false;
    loop {
        let request = messages_until(&mut near, b"SQX").await?;
        is_of_the_pool = request.is_of_the_pool(is_of_the_pool);
        let decided = if is_of_the_pool || request.says_nothing() || shared.0.lock().unwrap().open {
            None
        } else {
            Some(wait(&mut near, greeting.process, shared).await?)
        };
        let _busy = if decided.is_some() { Busy(shared) } else { Busy::of(shared) };
        let fate = decided.as_ref().map_or(Fate::Answered, |(fate, _)| *fate);
        if fate == Fate::Unasked {
            return Ok(());
        }
        far.write_all(&request.bytes).await?;
        let answer = messages_until(&mut far, b"Z").await?;
        if fate == Fate::Unanswered {
            return Ok(());
        }
        near.write_all(&answer.bytes).await?;
    }
}

/// Waits until it is decided what becomes of the request, or whoever has sent it is gone.
async fn wait(
    near: &mut TcpStream,
    process: i32,
    shared: &Shared,
) -> io::Result<(Fate, oneshot::Sender<()>)> {
    let (decide, mut decided) = oneshot::channel();
    let number = {
        let mut state = shared.0.lock().unwrap();
        state.numbered += 1;
        let number = state.numbered;
        state.waiting.push(Waiting { number, process, decide });
        number
    };
    let gone = async {
        // More than nothing: it asks for something else before it hangs up.
        if !matches!(near.peek(&mut [0]).await, Ok(0) | Err(_)) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        decided = &mut decided => decided.map_err(io::Error::other),
        () = gone => {
            shared.0.lock().unwrap().waiting.retain(|waiting| waiting.number != number);
            // It may have been decided just now; then it counts as under way.
            if decided.try_recv().is_ok() {
                drop(Busy(shared));
            }
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
}

/// Messages of the protocol.
#[derive(Default)]
struct Messages {
    bytes: Vec<u8>,
    kinds: Vec<u8>,
    process: i32,
}

impl Messages {
    fn says_nothing(&self) -> bool {
        let prepares = self.kinds.contains(&b'P') && !self.kinds.contains(&b'B');
        self.kinds == b"S" || self.kinds == b"X" || prepares
    }

    /// A connection that is new is asked whether it leads to a primary: first that is prepared, then it is asked.
    fn is_of_the_pool(&self, before: bool) -> bool {
        let names_it = self.bytes.windows(17).any(|text| text == b"pg_is_in_recovery");
        names_it || before && self.kinds.contains(&b'B')
    }
}

async fn messages_until(stream: &mut TcpStream, last: &[u8]) -> io::Result<Messages> {
    let mut messages = Messages::default();
    loop {
        let kind = stream.read_u8().await?;
        let length = stream.read_u32().await?;
        messages.kinds.push(kind);
        messages.bytes.push(kind);
        messages.bytes.extend(length.to_be_bytes());
        let begun = messages.bytes.len();
        messages.bytes.resize(begun + length as usize - 4, 0);
        stream.read_exact(&mut messages.bytes[begun..]).await?;
        // Of the server, the process of this connection; of the client, there is no such message.
        if let (b'K', Some(process)) = (kind, messages.bytes[begun..].first_chunk()) {
            messages.process = i32::from_be_bytes(*process);
        }
        if last.contains(&kind) {
            return Ok(messages);
        }
    }
}
