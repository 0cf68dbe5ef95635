//! Configuration: a TOML file, then the environment, then flags; the later wins.
//!
//! Every key has a default but those of a paid gateway. Durations are seconds (`600`) or text (`"10m"`),
//! sizes bytes or text (`"256MiB"`).

mod audit;
mod challenges;
mod database;
mod defaults;
mod discovery;
mod environment;
mod fitting;
mod gateways;
mod leaves;
mod limits;
mod load;
mod messages;
mod money;
mod routes;
mod secret;
mod test_numbers;
mod twilio;
mod units;
mod validate;
mod webhook;

pub use audit::{Audit, CheckpointHook, Retention};
pub use challenges::Challenges;
pub use discovery::{Directory, DirectoryMode, Discovery, Shape, ShapeMode};
pub use gateways::{Gateway, GatewayKind, Route, Sms};
pub use limits::{Countries, Guard, GuardMode, Limits, NumberTypes};
pub use load::{ConfigError, Loaded, Overrides, Setting, load};
pub use money::Money;
pub use secret::{Hidden, HiddenPassword};
pub use test_numbers::TestNumbers;
pub use units::{ByteSize, Seconds};

use crate::model::words::words;
use crate::store::DatabaseUrl;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// Everything that can be set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Listening.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// The server's own keys.
    pub keys: KeyFile,
    /// Who delivers codes.
    pub sms: Sms,
    /// Codes and their checks.
    pub verification: Verification,
    /// Lookups and what they cost.
    pub discovery: Discovery,
    /// The fast view of the directory.
    pub directory: Directory,
    /// Texts in place of those that are built in, by language tag.
    pub messages: BTreeMap<String, String>,
    /// Limits against abuse.
    pub limits: Limits,
    /// Challenges that others judge.
    pub challenges: Challenges,
    /// The audit log.
    pub audit: Audit,
    /// How long what is not needed to serve is kept.
    pub retention: Retention,
    /// The log.
    pub log: Log,
}

/// Where the server listens and how it is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// Address of the public API.
    pub listen: SocketAddr,
    /// Address of health and metrics; keep it private.
    pub ops_listen: SocketAddr,
    /// How the world reaches the API, for callbacks: `https://host`.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections to the public API at once.
    pub connections: usize,
    /// Those of one IPv4 address or IPv6 /64; exempt addresses and trusted proxies have no such limit.
    pub connections_per_address: usize,
    /// How long the head of a request may take.
    pub head_timeout: Seconds,
    /// How long a request's body may take.
    pub body_timeout: Seconds,
    /// How long a client may take to take an answer.
    pub write_timeout: Seconds,
    /// How long a connection may stay without a request.
    pub idle_timeout: Seconds,
    /// How long a connection may live: its clients then spread anew over the nodes there are.
    pub connection_lifetime: Seconds,
    /// Requests that are worked on at once: sends a quarter of them, lookups a half, checks four times as many.
    pub requests_in_flight: usize,
    /// How long readiness is off before connections are refused, for load balancers that ask seldom.
    pub drain_delay: Seconds,
}

/// Which database holds everything.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Database {
    /// `sqlite://PATH` or `postgres://...`; may hold a password.
    pub url: HiddenPassword,
    /// Whether `serve` brings the schema up to date.
    pub migrate: bool,
    /// Connections to PostgreSQL.
    pub connections: u32,
    /// What a request may wait for PostgreSQL in all.
    pub request_timeout: Seconds,
    /// The longest that any statement may take on PostgreSQL.
    pub statement_timeout: Seconds,
}

/// Where the server's keys are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyFile {
    /// The key file, mode 0600; made beside an empty database only.
    pub file: PathBuf,
}

/// Codes and their checks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Verification {
    /// Digits of a code, 6 to 8.
    pub code_length: u8,
    /// How long a code lives.
    pub code_lifetime: Seconds,
    /// Checks of one code.
    pub checks_per_code: u8,
    /// The name that messages give the service.
    pub service_name: Option<String>,
    /// Android SMS Retriever hashes that may be asked for.
    pub app_hashes: Vec<String>,
    /// WebOTP hosts that may be asked for.
    pub web_origins: Vec<String>,
    /// Numbers that are never sent anything and have a fixed code.
    pub test_numbers: Vec<TestNumbers>,
}

words! {
    /// How log lines look.
    #[derive(Default)]
    LogFormat {
        /// For people.
        #[default]
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

/// The log, on standard error.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged: `info`, `debug`, or `tracing` directives.
    pub level: String,
}

impl Config {
    /// Whether the inbox is the only gateway: nothing is sent and nothing costs money.
    #[must_use]
    pub fn inbox_only(&self) -> bool {
        self.sms.gateways.iter().all(|gateway| gateway.kind == GatewayKind::Inbox)
    }

    /// Addresses that no limit keyed by address touches: loopback, too, while nothing costs money.
    #[must_use]
    pub fn exempt_addresses(&self) -> Vec<IpNet> {
        let mut exempt = self.limits.exempt.clone();
        if self.inbox_only() {
            exempt.push(IpNet::from(IpAddr::from(Ipv4Addr::LOCALHOST)));
            exempt.push(IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST)));
        }
        exempt
    }

    /// Where the view of the directory outlives a restart, if anywhere.
    #[must_use]
    pub fn snapshot_file(&self) -> Option<PathBuf> {
        let beside = || {
            let url = DatabaseUrl::parse(self.database.url.expose()).ok()?;
            url.file().map(|file| file.with_extension("directory"))
        };
        self.directory.snapshot.clone().or_else(beside)
    }

    /// Where erasures are remembered outside the database, if anywhere.
    #[must_use]
    pub fn erasures_file(&self) -> Option<PathBuf> {
        let beside = || {
            let url = DatabaseUrl::parse(self.database.url.expose()).ok()?;
            url.file().map(|file| file.with_file_name("erasures"))
        };
        self.audit.erasures.clone().or_else(beside)
    }

    /// Whether codes can be read back over the API: the inbox is on and only this machine can ask.
    #[must_use]
    pub fn inbox_readable(&self) -> bool {
        let inbox = self.sms.gateways.iter().any(|gateway| gateway.kind == GatewayKind::Inbox);
        (inbox || self.sms.gateways.is_empty()) && self.server.listen.ip().is_loopback()
    }
}
