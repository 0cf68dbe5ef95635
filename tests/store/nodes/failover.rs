//! A primary that dies, and a standby without its last moments that takes its place.

use super::proxy::{Proxy, Way};
use super::{Acknowledged, Node, PROMISED, REQUEST, keys, proving};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tuttu::clock::Clock;
use tuttu::epochs::Epochs;
use tuttu::model::handle_set::HandleSet;
use tuttu::store::{DatabaseUrl, Patience, Store};

/// Two servers of PostgreSQL, of which one follows the other.
struct Pair {
    folder: TempDir,
    primary: Server,
    made: u32,
}

struct Server {
    data: PathBuf,
    port: u16,
}

/// Runs one of PostgreSQL's programs as the user postgres, for it does not run as root.
fn run(program: &str, arguments: &[&str]) {
    let mut folders: Vec<_> =
        std::fs::read_dir("/usr/lib/postgresql").unwrap().map(|folder| folder.unwrap().path()).collect();
    folders.sort();
    let program = folders.last().unwrap().join("bin").join(program);
    let mut command = if rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    let ran = command.args(arguments).current_dir("/").stdin(std::process::Stdio::null()).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// A place for a server's files.
    fn in_folder(folder: &Path, name: u32) -> Self {
        let data = folder.join(name.to_string());
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        if rustix::process::getuid().is_root() {
            assert!(Command::new("chown").arg("postgres:").arg(&data).status().unwrap().success());
        }
        Self { data, port: free_port() }
    }

    fn data(&self) -> &str {
        self.data.to_str().unwrap()
    }

    fn start(&self) {
        let log = format!("{}/log", self.data());
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={} -c wal_receiver_status_interval=1",
            self.port,
            self.data()
        );
        run("pg_ctl", &["-D", self.data(), "-l", &log, "-w", "-t", "60", "-o", &options, "start"]);
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    fn ask(&self, statement: &str) {
        let port = self.port.to_string();
        run("psql", &["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-qAtc", statement]);
    }

    fn stop(&self) {
        run("pg_ctl", &["-D", self.data(), "-m", "immediate", "stop"]);
    }
}

impl Pair {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let primary = Server::in_folder(folder.path(), 0);
        run("initdb", &["-D", primary.data(), "-U", "postgres", "--auth=trust", "--locale=C", "--no-sync"]);
        primary.start();
        Self { folder, primary, made: 0 }
    }

    /// A standby that has all that the primary has committed.
    fn follow(&mut self) -> Server {
        self.made += 1;
        let standby = Server::in_folder(self.folder.path(), self.made);
        let port = self.primary.port.to_string();
        let from =
            ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-D", standby.data(), "-R", "--no-sync"];
        run("pg_basebackup", &[&from[..], &["-X", "stream", "-c", "fast"]].concat());
        standby.start();
        standby
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.primary.stop();
    }
}

/// Asks the node until it has told of every survivor; what it answers meanwhile must hold whoever was registered for
/// longer than promised.
async fn sees(node: &Node, survivors: &Acknowledged, since: Instant) -> Duration {
    let handles: Vec<[u8; 16]> = survivors.open.lock().unwrap().keys().copied().collect();
    let newest = survivors.open.lock().unwrap().values().max().copied().unwrap();
    let set = HandleSet::new(&handles).unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        let began = Instant::now();
        let asking = node.directory.find(1, HandleSet::default(), set);
        if let Ok(hits) = Patience::of(REQUEST).bound(asking).await {
            if hits.accounts().len() == handles.len() {
                return since.elapsed();
            }
            let late = began.saturating_duration_since(newest);
            assert!(late < PROMISED, "{} of {} after {late:?}", hits.accounts().len(), handles.len());
        }
        assert!(since.elapsed() < Duration::from_mins(1), "it did not come back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_survived_a_failover_is_missed_though_it_lost_the_last_moments() {
    let (times, tail) = if proving() { (5, 300) } else { (1, 40) };
    let mut pair = Pair::start();
    pair.primary.ask("CREATE DATABASE tuttu");
    let proxy = Proxy::to(pair.primary.port).await;
    let url = pair.primary.url("tuttu").replace(&pair.primary.port.to_string(), &proxy.port.to_string());
    let store = Store::connect(&DatabaseUrl::parse(&url).unwrap(), false, 8).await.unwrap();
    store.migrate().await.unwrap();
    let keys = Arc::new(keys());
    Epochs::open(&store, &keys, Clock::System.now()).await.unwrap();
    let node = Node::start(&url, &keys).await;
    let survivors = Acknowledged::default();
    let register = async |into: &Acknowledged, many: u64| {
        for _ in 0..many {
            into.register(&store, &node.directory, &keys).await;
        }
    };
    let mut slowest = Duration::ZERO;
    for _ in 0..times {
        register(&survivors, tail / 2).await;
        let standby = pair.follow();
        // Cut off from the primary, it does not hear of what is acknowledged from now on.
        standby.ask("ALTER SYSTEM SET primary_conninfo = ''");
        standby.ask("SELECT pg_reload_conf()");
        standby.ask("SELECT pg_sleep(0.2)");
        let lost = Acknowledged::default();
        // Numbers of their own.
        lost.place.store(5_000_000 + survivors.place.load(Relaxed), Relaxed);
        register(&lost, tail).await;
        let died = Instant::now();
        proxy.becomes(Way::Cut);
        pair.primary.stop();
        run("pg_ctl", &["-D", standby.data(), "-w", "promote"]);
        proxy.leads_to(standby.port);
        proxy.becomes(Way::Open);
        pair.primary = standby;
        // Whoever asks first is told that its connection is lost, and nobody after that.
        while store.ping().await.is_err() {}
        // Their transactions get the numbers of those that were lost.
        register(&survivors, tail / 2).await;
        slowest = slowest.max(sees(&node, &survivors, died).await);
    }
    let many = survivors.open.lock().unwrap().len();
    println!(
        "| {times} primaries killed, each with {tail} registrations that its standby had not got | missed: 0 of {many} \
         survivors | all seen {slowest:.1?} after the death at most | |"
    );
    store.close().await;
    node.end().await;
}
