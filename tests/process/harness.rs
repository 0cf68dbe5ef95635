//! A folder with a database in which the program runs, as its operator would run it.

mod engine;
mod mock;
mod people;
mod running;
mod server;

pub(crate) use engine::{Engine, make_role, on_server};
pub(crate) use mock::Mock;
pub(crate) use people::{Attempt, Person, code_in, handle, registration};
pub(crate) use running::{Finished, Running};
pub(crate) use server::{Answer, Server};

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// Writes a test once and runs it on both engines: `on_both_engines!(name, |place| { ... });`
macro_rules! on_both_engines {
    ($(#[$meta:meta])* $name:ident, |$place:ident| $body:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn sentence($place: &mut Place) {
                $body
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                sentence(&mut Place::on(Engine::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                let mut place = Place::on(Engine::Postgres).await;
                sentence(&mut place).await;
                place.drop_database().await;
            }
        }
    };
}
pub(crate) use on_both_engines;

/// A folder of its own, an environment of its own, and a database of its own.
pub(crate) struct Place {
    folder: TempDir,
    database: Option<String>,
    environment: BTreeMap<String, String>,
}

impl Place {
    /// A place without any configuration but for free ports: the database is ./data/tuttu.db.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut place = Self { folder, database: None, environment: BTreeMap::new() };
        place.set("TUTTU__SERVER__LISTEN", "127.0.0.1:0");
        place.set("TUTTU__SERVER__OPS_LISTEN", "127.0.0.1:0");
        place
    }

    /// The same on an engine.
    pub(crate) async fn on(engine: Engine) -> Self {
        let mut place = Self::new();
        place.renew_database(engine).await;
        place
    }

    /// Points the configuration at an empty database of the engine.
    async fn renew_database(&mut self, engine: Engine) {
        if engine == Engine::Postgres {
            let url = engine::fresh_database().await;
            self.set("TUTTU__DATABASE__URL", &url);
            self.set("TUTTU__DATABASE__CONNECTIONS", "8");
            self.database = Some(url);
        }
    }

    /// The database, where it is on PostgreSQL.
    pub(crate) fn postgres(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The URL of the database.
    pub(crate) fn url(&self) -> String {
        let file = || format!("sqlite://{}", self.path("data/tuttu.db").display());
        self.database.clone().unwrap_or_else(file)
    }

    /// Runs statements on the database.
    pub(crate) async fn execute(&self, statements: &str) {
        engine::execute(&self.url(), statements).await;
    }

    /// The first column of what a query finds in the database, which is bytes.
    pub(crate) async fn bytes(&self, query: &str) -> Vec<Vec<u8>> {
        engine::bytes(&self.url(), query).await
    }

    /// Drops a database on PostgreSQL.
    pub(crate) async fn drop_database(&mut self) {
        if let Some(url) = self.database.take() {
            engine::drop_database(&url).await;
        }
    }

    /// Gives up the database for an empty one of the same engine; the key file stays.
    pub(crate) async fn replace_database(&mut self) {
        if self.database.is_some() {
            self.drop_database().await;
            self.renew_database(Engine::Postgres).await;
            return;
        }
        for file in ["data/tuttu.db", "data/tuttu.db-wal", "data/tuttu.db-shm"] {
            let _not_there = fs::remove_file(self.path(file));
        }
    }

    /// A path inside the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The text of a file in the folder.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The permissions of a file or folder.
    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    /// Changes the permissions of a file or folder.
    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// Every file and folder, by path.
    pub(crate) fn tree(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(self.folder.path(), &mut found);
        found.sort();
        found
    }

    /// Sets an environment variable for what runs from now on.
    pub(crate) fn set(&mut self, variable: &str, value: &str) {
        self.environment.insert(variable.to_owned(), value.to_owned());
    }

    /// Takes an environment variable away.
    pub(crate) fn unset(&mut self, variable: &str) {
        self.environment.remove(variable);
    }

    /// Runs the program to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        Running::start(self.command(arguments)).finish(DEADLINE)
    }

    /// Runs the program to its end while nobody reads what it says.
    pub(crate) fn run_unread(&self, arguments: &[&str]) -> Finished {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let err = String::from_utf8(ended.stderr).unwrap();
        Finished { code: ended.status.code(), out: String::new(), err }
    }

    /// Starts the program.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Starts a server and waits until it is ready.
    #[track_caller]
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// The same with flags.
    #[track_caller]
    pub(crate) fn serve_with(&self, flags: &[&str]) -> Server {
        Server::ready(Running::start(self.command(&[&["serve"], flags].concat())))
    }

    /// Starts a server that is passed a listening socket, as a supervisor would (socket activation).
    #[track_caller]
    pub(crate) fn serve_on(&self, socket: OwnedFd) -> Server {
        let server = self.command(&["serve"]);
        let mut command = Command::new("sh");
        let script = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" serve";
        command.arg("-c").arg(script).arg(server.get_program()).current_dir(self.folder.path());
        for (name, value) in server.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::from(socket));
        Server::ready(Running::start(command))
    }

    /// What a server says that refuses to start.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        let finished = self.run(&["serve"]);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert_eq!(finished.out, "", "a server that refuses does not say that it is ready");
        finished.err
    }

    /// Runs `tuttu client` as the person whose credentials lie in `{who}.toml`.
    #[track_caller]
    pub(crate) fn client(&self, server: &Server, who: &str, arguments: &[&str]) -> Finished {
        let mut command = self.command(&[&["client"], arguments].concat());
        command.env("TUTTU_SERVER", &server.base);
        command.env("TUTTU_CREDENTIALS", self.path(&format!("{who}.toml")));
        Running::start(command).finish(DEADLINE)
    }

    /// The program with these arguments, in this folder, with nothing of the environment that concerns it.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tuttu"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let known = name.to_string_lossy().to_uppercase();
            if known.starts_with("TUTTU") || known.ends_with("_PROXY") || known.starts_with("XDG_") {
                command.env_remove(&name);
            }
        }
        command.env("HOME", self.folder.path()).envs(&self.environment);
        command
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        }
        found.push(path);
    }
}

/// Whether a code stands in a text by itself: inside ids and times six digits are found by chance.
pub(crate) fn holds_code(text: &str, code: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == code)
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "{what} did not come");
    }
}
