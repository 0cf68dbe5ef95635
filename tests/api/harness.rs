//! A server of its own for every test, and a client that checks every answer.

mod admins;
mod alter;
mod challenges;
mod effects;
mod engine;
mod log;
mod lookups;
mod people;
mod plans;
mod reply;
mod running;

pub(crate) use admins::Admin;
pub(crate) use challenges::proof;
pub(crate) use effects::{EFFECTS, served};
pub(crate) use engine::Engine;
pub(crate) use lookups::{Answer, Form, Question};
pub(crate) use people::{Attempt, Person, another};
pub(crate) use plans::except;
pub(crate) use reply::Reply;

use effects::Answered;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::redirect::Policy;
use running::Running;
use serde_json::Value;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tuttu::clock::Clock;
use tuttu::config::{Config, Gateway, HiddenPassword};
use tuttu::model::keys::Keys;
use tuttu::store::Store;

/// Writes a test once and runs it on both engines: `on_both_engines!(name, |service| { ... });`, or with a
/// changed configuration `on_both_engines!(name, |config| { ... }, |service| { ... });`.
macro_rules! on_both_engines {
    ($name:ident, |$service:ident| $body:block) => {
        $crate::harness::on_both_engines!($name, |_config| {}, |$service| $body);
    };
    ($name:ident, |$config:ident| $change:block, |$service:ident| $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "a short sentence needs nothing of its file")]
            use super::*;

            async fn sentence($service: &mut $crate::harness::TestService) {
                $body
            }

            async fn on(engine: $crate::harness::Engine) {
                let mut service = $crate::harness::TestService::start_with(engine, |$config| $change).await;
                sentence(&mut service).await;
                service.end().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                on($crate::harness::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                on($crate::harness::Engine::Postgres).await;
            }
        }
    };
}
pub(crate) use on_both_engines;

/// A server with its folder, database and clock.
pub(crate) struct TestService {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    _folder: TempDir,
    running: Running,
    engine: Engine,
    client: reqwest::Client,
    /// What must never be found in a log: numbers, codes, tokens, secrets.
    secrets: Mutex<Vec<String>>,
    answered: Mutex<Vec<Answered>>,
    /// Whether the test alters the audit log itself.
    tampers: AtomicBool,
}

impl TestService {
    /// A server on a fresh database, with the inbox as its only gateway.
    pub(crate) async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {}).await
    }

    /// The same with a changed configuration.
    pub(crate) async fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        log::capture();
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.sms.gateways = vec![Gateway { name: "inbox".to_owned(), ..Gateway::default() }];
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.database.url = HiddenPassword::new(&engine.fresh_database(folder.path()).await);
        config.database.connections = 8;
        config.keys.file = folder.path().join("keys.toml");
        change(&mut config);
        let clock = Clock::fixed("2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap());
        Self::run(engine, config, clock, folder).await
    }

    async fn run(engine: Engine, config: Config, clock: Clock, folder: TempDir) -> Self {
        let running = Running::start(&config, &clock).await;
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(Policy::none())
            .build()
            .unwrap();
        running.ready(&client).await;
        let service = Self {
            config,
            clock,
            _folder: folder,
            running,
            engine,
            client,
            secrets: Mutex::default(),
            answered: Mutex::default(),
            tampers: AtomicBool::default(),
        };
        service.keep_development_key();
        service
    }

    /// Stops the server and starts it again, as `config` says now, on the same folder, database and clock.
    pub(crate) async fn restart(&mut self) {
        self.running.shut_down().await;
        self.running = Running::start(&self.config, &self.clock).await;
        self.running.ready(&self.client).await;
        self.keep_development_key();
    }

    fn keep_development_key(&self) {
        self.running.development_key.iter().for_each(|key| self.keep_secret(key));
    }

    /// The key of the inbox, where it may be read.
    pub(crate) fn development_key(&self) -> String {
        self.running.development_key.clone().unwrap_or_default()
    }

    /// The database behind the API.
    pub(crate) fn store(&self) -> &Store {
        &self.running.store
    }

    /// The server's own keys, for tests that forge.
    pub(crate) async fn keys(&self) -> Keys {
        tuttu::key_file::open(&self.config.keys.file, self.store()).await.unwrap()
    }

    /// Alters the database behind the server's back; says how many rows it touched.
    pub(crate) async fn alter(&self, statement: &'static str, binds: &[&[u8]]) -> u64 {
        except(statement);
        self.engine.alter(self.config.database.url.expose(), statement, binds).await
    }

    /// Stops the server, and fails the test if its log holds a secret.
    pub(crate) async fn end(mut self) {
        self.running.shut_down().await;
        self.check_audit_log().await;
        if self.engine == Engine::Sqlite {
            plans::check(self.config.database.url.expose()).await;
        }
        self.engine.drop_database(self.config.database.url.expose()).await;
    }

    /// From now on the log must not hold this.
    pub(crate) fn keep_secret(&self, secret: &str) {
        self.secrets.lock().unwrap().push(secret.to_owned());
    }

    /// Everything that must not be in the log so far.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.secrets.lock().unwrap().clone()
    }

    /// From now on the test alters the audit log itself.
    pub(crate) fn tamper(&self) {
        self.tampers.store(true, Ordering::Relaxed);
    }

    fn tampers(&self) -> bool {
        self.tampers.load(Ordering::Relaxed)
    }

    fn answered(&self) -> Vec<Answered> {
        self.answered.lock().unwrap().clone()
    }

    /// The server's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the server's clock on.
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A request with credentials and a JSON body, if given.
    pub(crate) async fn call(&self, method: Method, path: &str, bearer: &str, body: Option<&Value>) -> Reply {
        let mut request = self.request(method.clone(), path, bearer);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(method, path, request).await
    }

    /// The answer to a request of that method and path: what it leaves in the audit log is looked at in the end.
    pub(crate) async fn send(&self, method: Method, path: &str, request: reqwest::RequestBuilder) -> Reply {
        let reply = Reply::read(request.send().await.unwrap()).await;
        self.answered.lock().unwrap().push(Answered::new(method, path, &reply));
        reply
    }

    /// A request to be completed; no credentials if `bearer` is empty.
    pub(crate) fn request(&self, method: Method, path: &str, bearer: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.running.base));
        if bearer.is_empty() { request } else { request.bearer_auth(bearer) }
    }

    pub(crate) async fn get(&self, path: &str, bearer: &str) -> Reply {
        self.call(Method::GET, path, bearer, None).await
    }

    pub(crate) async fn post(&self, path: &str, bearer: &str, body: &Value) -> Reply {
        self.call(Method::POST, path, bearer, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, bearer: &str, body: &Value) -> Reply {
        self.call(Method::PATCH, path, bearer, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, bearer: &str) -> Reply {
        self.call(Method::DELETE, path, bearer, None).await
    }

    /// Status and text of a page of the ops listener.
    pub(crate) async fn ops(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.running.ops)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// What this process has logged so far.
    pub(crate) fn log() -> String {
        log::captured()
    }
}

impl Drop for TestService {
    fn drop(&mut self) {
        self.running.stop.cancel();
        if std::thread::panicking() {
            return;
        }
        let log = log::captured();
        let leaked =
            self.secrets.get_mut().unwrap().iter().filter(|secret| log.contains(secret.as_str())).count();
        assert_eq!(leaked, 0, "the log holds numbers, tokens or secrets:\n{log}");
    }
}
