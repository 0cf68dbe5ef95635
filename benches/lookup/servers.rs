//! Servers as processes of their own, on a core of their own, and what they use.

use crate::fill::Filled;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const TUTTU: &str = env!("CARGO_BIN_EXE_tuttu");
/// The core of all servers; the load runs where it was started, which must be another.
const CORE: &str = "0";
/// A hundred million users from the database take some minutes.
const FILLED_WITHIN: Duration = Duration::from_mins(30);
const UNLIMITED: &str = "4000000000";

/// A server under measurement; it ends with this.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    said: BufReader<ChildStdout>,
}

/// What every thread of a process has used so far.
pub(crate) struct CpuTime(HashMap<String, u64>);

impl Server {
    /// The benchmark itself as one of its floors.
    pub(crate) fn floor(arguments: &[&str]) -> Self {
        let mut command = pinned(std::env::current_exe().unwrap().to_str().unwrap());
        command.args(arguments);
        Self::start(command)
    }

    /// The service on this directory.
    pub(crate) fn tuttu(directory: &Filled, mode: &str, log_level: &str) -> Self {
        let mut command = pinned(TUTTU);
        let log = fs::File::create(directory.folder.join(format!("{mode}-{log_level}.log"))).unwrap();
        command
            .arg("serve")
            .current_dir(&directory.folder)
            .env("TUTTU__SERVER__LISTEN", "127.0.0.1:0")
            .env("TUTTU__SERVER__OPS_LISTEN", "127.0.0.1:0")
            .env("TUTTU__DATABASE__URL", directory.database_url())
            .env("TUTTU__KEYS__FILE", directory.key_file())
            .env("TUTTU__DIRECTORY__MODE", mode)
            .env("TUTTU__DIRECTORY__MEMORY", "4GiB")
            // A load that asks for all that there is would be refused in part: what a lookup costs is asked here.
            .env("TUTTU__SERVER__REQUESTS_IN_FLIGHT", "4096")
            .env("TUTTU__LOG__LEVEL", log_level)
            .stderr(log);
        for limit in ["LOOKUP_BUDGET", "BUDGET_PER_HOUR", "REQUESTS_PER_HOUR", "HANDLES_PER_HOUR"] {
            command.env(format!("TUTTU__DISCOVERY__{limit}"), UNLIMITED);
        }
        let mut server = Self::start(command);
        server.wait_until_ready();
        server
    }

    /// Until its view of the directory is filled.
    fn wait_until_ready(&mut self) {
        let ops = listener(&mut self.said);
        let begun = Instant::now();
        while !ready(ops) {
            assert!(begun.elapsed() < FILLED_WITHIN, "the server does not become ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("taskset");
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let address = listener(&mut said);
        Self { child, address, said }
    }

    /// What it has used so far, to be compared with later.
    pub(crate) fn cpu_time(&self) -> CpuTime {
        CpuTime::of(self.child.id())
    }

    /// What it has used since.
    pub(crate) fn used_since(&self, before: &CpuTime) -> Duration {
        self.cpu_time().since(before)
    }

    /// Its resident memory in MiB.
    pub(crate) fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

/// The next address that a server says it listens on.
fn listener(said: &mut BufReader<ChildStdout>) -> SocketAddr {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "a server ended, see its log in target/bench");
        if let Some((_, address)) = line.split_once("http://") {
            return address.split_whitespace().next().unwrap().parse().unwrap();
        }
    }
}

fn ready(ops: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(ops).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

impl CpuTime {
    /// Of a running process. The kernel's `utime` and `stime` come in hundredths of a second: too coarse.
    pub(crate) fn of(process: u32) -> Self {
        let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let used = threads.filter_map(|thread| {
            let thread = thread.unwrap().path();
            let ran = fs::read_to_string(thread.join("schedstat")).ok()?;
            Some((thread.to_str()?.to_owned(), ran.split_whitespace().next()?.parse().ok()?))
        });
        Self(used.collect())
    }

    pub(crate) fn since(&self, before: &Self) -> Duration {
        let used = |(thread, now): (&String, &u64)| now - before.0.get(thread).unwrap_or(&0);
        Duration::from_nanos(self.0.iter().map(used).sum())
    }
}

/// Whether the service knows this `directory.mode`.
pub(crate) fn knows_mode(mode: &str) -> bool {
    let mut command = Command::new(TUTTU);
    command.args(["config", "check"]).env("TUTTU__DIRECTORY__MODE", mode).current_dir(crate::folder());
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

/// A program on the servers' core.
pub(crate) fn pinned(program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", CORE, program]);
    command
}
