//! How many handles bare stores answer, asked for a thousand at a time over eight connections.

use crate::books::Draw;
use crate::fill::{EPOCH, Filled, Row, rows};
use crate::report::{Report, StoreLine, median};
use crate::resp::{Redis, command};
use crate::servers::pinned;
use crate::{Effort, people};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tuttu::model::handle::Handle;
use tuttu::model::keys::StoredHandle;
use tuttu::store::{DatabaseUrl, Store};

const CONNECTIONS: usize = 8;
const HANDLES: usize = 1_000;
const PERCENT: usize = 30;
const FOUND: usize = HANDLES * PERCENT / 100;
/// Rows that are copied to PostgreSQL, and users that are told to Redis, at a time.
const PART: usize = 1_000;

/// A thousand handles, as clients and as databases know them.
type Batches<T> = Arc<[Vec<T>]>;

/// Redis in a folder of its own.
struct RedisServer {
    child: Child,
    folder: tempfile::TempDir,
}

/// Measures every store with this many users.
pub(crate) fn measure(directory: &Filled, effort: Effort, report: &mut Report) {
    let books = Draw::from(directory).books(effort.books, HANDLES, PERCENT);
    let handles: Batches<[u8; 16]> = books.iter().map(crate::books::Book::handles).collect();
    let mut add = |store: &str, rounds: Vec<f64>| {
        let handles_per_second = median(rounds).unwrap();
        report.stores.push(StoreLine { users: directory.users, store: store.to_owned(), handles_per_second });
    };
    for (name, rounds) in redis(directory.users, &handles, effort) {
        add(name, rounds);
    }
    for (name, rounds) in databases(directory, &handles, effort) {
        add(name, rounds);
    }
}

fn redis(users: u64, handles: &Batches<[u8; 16]>, effort: Effort) -> [(&'static str, Vec<f64>); 2] {
    let server = RedisServer::start();
    server.fill(users);
    let commands = |first: [&'static [u8]; 2]| -> Vec<Vec<u8>> {
        let command_of = |batch: &Vec<[u8; 16]>| {
            let parts: Vec<&[u8]> = first.into_iter().chain(batch.iter().map(<[u8; 16]>::as_slice)).collect();
            command(parts.into_iter())
        };
        handles.iter().map(command_of).collect()
    };
    let mut rounds = [
        ("Redis HMGET", Vec::new(), commands([b"HMGET", b"accounts"])),
        ("Redis SMISMEMBER (no accounts)", Vec::new(), commands([b"SMISMEMBER", b"handles"])),
    ];
    for _ in 0..effort.rounds {
        for (_, figures, commands) in &mut rounds {
            figures.push(server.handles_per_second(commands, effort.window));
        }
    }
    rounds.map(|(name, figures, _)| (name, figures))
}

impl RedisServer {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = pinned("redis-server");
        command.args([
            "--port",
            "0",
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no",
            "--unixsocket",
        ]);
        command.arg(folder.path().join("socket")).current_dir(folder.path()).stdout(Stdio::null());
        Self { child: command.spawn().unwrap(), folder }
    }

    fn connect(&self) -> Redis {
        let begun = Instant::now();
        loop {
            match Redis::connect(&self.folder.path().join("socket")) {
                Some(redis) => return redis,
                None => assert!(begun.elapsed() < Duration::from_secs(10), "Redis does not start"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn fill(&self, users: u64) {
        let mut redis = self.connect();
        let everybody: Vec<u64> = (0..users).collect();
        for part in everybody.chunks(PART) {
            let handles: Vec<[u8; 16]> = part.iter().map(|&user| people::handle(user)).collect();
            let accounts: Vec<[u8; 16]> = part.iter().map(|&user| people::account(user)).collect();
            let pairs = handles.iter().zip(&accounts).flat_map(|(handle, account)| [&handle[..], account]);
            let pairs: Vec<&[u8]> = [&b"HSET"[..], b"accounts"].into_iter().chain(pairs).collect();
            redis.ask(&command(pairs.into_iter()));
            let members: Vec<&[u8]> = [&b"SADD"[..], b"handles"]
                .into_iter()
                .chain(handles.iter().map(|handle| &handle[..]))
                .collect();
            redis.ask(&command(members.into_iter()));
        }
    }

    fn handles_per_second(&self, commands: &[Vec<u8>], window: Duration) -> f64 {
        let (next, begun) = (AtomicUsize::new(0), Instant::now());
        let ask = || {
            let mut redis = self.connect();
            let mut asked = 0;
            while begun.elapsed() < window {
                let place = next.fetch_add(1, Ordering::Relaxed) % commands.len();
                assert_eq!(redis.ask(&commands[place]), FOUND);
                asked += HANDLES;
            }
            asked
        };
        let asked: usize = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(ask)).collect();
            clients.into_iter().map(|client| client.join().unwrap()).sum()
        });
        asked as f64 / begun.elapsed().as_secs_f64()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

#[tokio::main]
async fn databases(
    directory: &Filled,
    handles: &Batches<[u8; 16]>,
    effort: Effort,
) -> Vec<(&'static str, Vec<f64>)> {
    let store = directory.store().await;
    let keys = directory.keys(&store).await;
    let of_database = |batch: &Vec<[u8; 16]>| {
        batch.iter().map(|handle| keys.directory(EPOCH).store_handle(Handle::from_bytes(*handle))).collect()
    };
    let asked: Batches<StoredHandle> = handles.iter().map(of_database).collect();
    let mut stores = vec![("SQLite, in this process", store, Vec::new())];
    if let Ok(url) = std::env::var("TUTTU_TEST_POSTGRES") {
        let store = postgres(&url, &rows(&keys, directory.users)).await;
        stores.insert(0, ("PostgreSQL = ANY", store, Vec::new()));
    }
    for _ in 0..effort.rounds {
        for (_, store, figures) in &mut stores {
            figures.push(handles_per_second(store, &asked, effort.window).await);
        }
    }
    stores.into_iter().map(|(name, _, figures)| (name, figures)).collect()
}

/// A PostgreSQL database with this directory.
async fn postgres(url: &str, rows: &[Row]) -> Store {
    let store = Store::connect(&DatabaseUrl::parse(url).unwrap(), true, 8).await.unwrap();
    store.migrate().await.unwrap();
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query("TRUNCATE directory").execute(&mut connection).await.unwrap();
    let mut copy = connection
        .copy_in_raw("COPY directory (epoch_id, handle, account_id, tag) FROM STDIN")
        .await
        .unwrap();
    for rows in rows.chunks(PART) {
        let line = |(handle, account, tag): &Row| {
            let [handle, account, tag] = [&handle[..], account, tag].map(hex::encode);
            format!("{EPOCH}\t\\\\x{handle}\t\\\\x{account}\t\\\\x{tag}\n")
        };
        copy.send(rows.iter().map(line).collect::<String>().into_bytes()).await.unwrap();
    }
    copy.finish().await.unwrap();
    sqlx::query("VACUUM (ANALYZE) directory").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    store
}

async fn handles_per_second(store: &Store, batches: &Batches<StoredHandle>, window: Duration) -> f64 {
    let (next, begun) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (store, batches, next) = (store.clone(), batches.clone(), next.clone());
        clients.spawn(async move {
            let mut asked = 0;
            while begun.elapsed() < window {
                let place = next.fetch_add(1, Ordering::Relaxed) % batches.len();
                let found = store.find_in_directory(EPOCH, &batches[place]).await.unwrap();
                assert_eq!(found.len(), FOUND);
                asked += HANDLES;
            }
            asked
        });
    }
    let asked: usize = clients.join_all().await.into_iter().sum();
    asked as f64 / begun.elapsed().as_secs_f64()
}
