//! The composition root: a configuration in, a running service out.

mod base;
mod people;
mod serving;

use crate::admins::Admins;
use crate::audit::{Anchors, AuditLog};
use crate::captcha::{Captchas, CaptchasError};
use crate::clock::Clock;
use crate::config::{Config, GatewayKind, Retention};
use crate::devices::Devices;
use crate::edge::EdgeLimits;
use crate::epochs::EpochsError;
use crate::erasures::Erasures;
use crate::http::{self, AddressLimit, Development, Services, Shedding};
use crate::idempotency::Idempotency;
use crate::key_file::{self, KeyFileError};
use crate::key_rotation::KeyRotation;
use crate::model::audit::{Pen, default_origin};
use crate::model::keys::Keys;
use crate::model::number::PhoneNumber;
use crate::model::secret::PlainSecret;
use crate::rotation::Rotation;
use crate::sender::{Gateway, Gateways, Inbox, Sender, Twilio, Webhook};
use crate::store::{DatabaseUrl, DatabaseUrlError, Store, StoreError};
use crate::telemetry;
use crate::verification::{Dispatcher, Reports, VerificationPolicy};
use axum::Router;
use base::Base;
pub use people::open_oversight;
use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use thiserror::Error;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// A service that is ready to listen.
#[derive(Debug)]
pub struct App {
    services: Arc<Services>,
    base: Base,
    dispatcher: Dispatcher,
    rotation: Rotation,
    anchors: Anchors,
    erasures: Erasures,
    kept: Retention,
    outbox: Arc<Notify>,
    edges: [Arc<EdgeLimits>; 2],
    ops: Router,
}

/// Why the service cannot start, and what to do.
#[derive(Debug, Error)]
pub enum StartError {
    /// A folder cannot be made.
    #[error("the folder {folder} cannot be made: {cause}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The database URL.
    #[error("database.url {0}")]
    Url(#[from] DatabaseUrlError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The schema is old, and `database.migrate` is off.
    #[error("the database's schema is {0} migrations behind: run `tuttu migrate`")]
    SchemaOld(usize),
    /// The key file.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The epochs of the directory.
    #[error(transparent)]
    Epochs(#[from] EpochsError),
    /// The HTTP client of a gateway.
    #[error("the gateway `{0}` cannot be set up")]
    Gateway(String),
    /// The HTTP client that asks whether a captcha was solved.
    #[error("captchas cannot be set up: {0}")]
    Captchas(#[from] CaptchasError),
    /// The HTTP client that checkpoints of the audit log go out by.
    #[error("audit.webhook cannot be set up: {0}")]
    Anchors(String),
    /// The metrics recorder.
    #[error("metrics cannot be recorded: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Opens the database. If `migrate`, makes an embedded one that is not there, and brings the schema up to date.
///
/// # Errors
/// [`StartError`].
pub async fn open_store(config: &Config, migrate: bool) -> Result<Store, StartError> {
    let store = connect_store(config, migrate).await?;
    if migrate {
        store.migrate().await?;
    }
    match store.pending_migrations().await? {
        0 => Ok(store),
        behind => Err(StartError::SchemaOld(behind)),
    }
}

/// Opens the keys that fit a database, and lets what an operator does there be written to the audit log.
///
/// # Errors
/// [`StartError`].
pub async fn open_keys(config: &Config, store: &Store) -> Result<Keys, StartError> {
    let keys = key_file::open(&config.keys.file, store).await?;
    store.write_with(Pen::new(&keys, "host"));
    Ok(keys)
}

/// Opens the database whatever its schema is. If `create`, makes an embedded one that is not there, and its folder.
///
/// # Errors
/// [`StartError`].
pub async fn connect_store(config: &Config, create: bool) -> Result<Store, StartError> {
    let url = DatabaseUrl::parse(config.database.url.expose())?;
    if let Some(file) = url.file().filter(|_| create) {
        private_folder_of(file)?;
    }
    let folders = [url.file(), Some(&config.keys.file)].into_iter().flatten().filter_map(Path::parent);
    folders.collect::<BTreeSet<_>>().into_iter().for_each(warn_of_open_folder);
    Ok(Store::connect(&url, create, config.database.connections()).await?)
}

/// Makes the folder of a file, for its owner alone; one that is there keeps its mode.
fn private_folder_of(file: &Path) -> Result<(), StartError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|cause| StartError::Folder { folder: folder.to_owned(), cause })
}

fn warn_of_open_folder(folder: &Path) {
    if folder.metadata().is_ok_and(|found| found.permissions().mode() & 0o007 != 0) {
        tracing::warn!(folder = %folder.display(), "this folder can be read by everybody: chmod 700 it");
    }
}

impl App {
    /// Puts the service together; nothing listens yet.
    ///
    /// # Errors
    /// [`StartError`]: it says what to do.
    pub async fn build(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let metrics = telemetry::metrics()?;
        PhoneNumber::warm_up();
        let base = Base::open(config, clock).await?;
        let (inbox, outbox) = (Inbox::default(), Arc::new(Notify::new()));
        let gateways = gateways(config, &inbox)?;
        let policy = Arc::new(VerificationPolicy::new(config, gateways.clone()));
        let audit = AuditLog::new(base.store.clone(), base.keys.clone(), &origin(config));
        let anchors = Anchors::new(audit.clone(), &config.audit).map_err(StartError::Anchors)?;
        let devices = Devices::new(base.store.clone(), base.keys.clone());
        let accounts = base.accounts(&devices);
        let services = Arc::new(Services {
            verifications: base.verifications(policy.clone(), Captchas::new(&config.challenges)?, &outbox),
            reports: Reports::new(base.store.clone(), base.keys.clone(), gateways),
            oversight: base.oversight(&policy, (accounts.clone(), devices.clone()), config),
            accounts,
            admins: Admins::new(base.store.clone(), base.keys.clone()),
            devices,
            idempotency: Idempotency::new(base.store.clone(), base.keys.number().clone()),
            discovery: base.discovery(config),
            clock: base.clock.clone(),
            store: base.store.clone(),
            audit,
            draining: Arc::new(AtomicBool::new(false)),
            development: development(config, inbox),
            address_limit: AddressLimit::new(config),
            shedding: Shedding::new(config.server.requests_in_flight),
            trusted_proxies: config.server.trusted_proxies.clone().into(),
            public_url: config.server.public_url.as_deref().and_then(|url| url.parse().ok()),
            effects: TaskTracker::new(),
        });
        let ops = http::ops::router(services.clone(), metrics);
        let edges = [EdgeLimits::api(config), EdgeLimits::ops(config)].map(Arc::new);
        let (dispatcher, rotation) = (base.dispatcher(&policy), base.rotation(config));
        let erasures = Erasures::new(base.store.clone(), config.erasures_file());
        let kept = config.retention.clone();
        Ok(Self { services, base, dispatcher, rotation, anchors, erasures, kept, outbox, edges, ops })
    }

    /// The key of the inbox, where it may be read.
    #[must_use]
    pub fn development_key(&self) -> Option<String> {
        self.services.development.as_ref().map(|development| development.key.expose())
    }

    /// The database, for tests that look behind the API.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.services.store
    }

    /// The server's part in the rotation of keys, for whoever asks it to read the key file again.
    #[must_use]
    pub fn key_rotation(&self) -> KeyRotation {
        self.base.key_rotation.clone()
    }
}

/// The name of a log that has none yet.
#[must_use]
pub fn origin(config: &Config) -> String {
    let named = config.audit.origin.clone();
    named.unwrap_or_else(|| default_origin(config.server.public_url.as_deref()))
}

fn development(config: &Config, inbox: Inbox) -> Option<Arc<Development>> {
    config.inbox_readable().then(|| Arc::new(Development { inbox, key: PlainSecret::random() }))
}

fn gateways(config: &Config, inbox: &Inbox) -> Result<Arc<Gateways>, StartError> {
    let mut gateways = Vec::new();
    for gateway in &config.sms.gateways {
        let sender = match gateway.kind {
            GatewayKind::Inbox => Some(Sender::Inbox(inbox.clone())),
            GatewayKind::Twilio => {
                Twilio::new(gateway, config.server.public_url.as_deref()).ok().flatten().map(Sender::Twilio)
            }
            GatewayKind::Webhook => {
                let webhook = Webhook::new(gateway, config.server.public_url.as_deref()).ok().flatten();
                webhook.map(Box::new).map(Sender::Webhook)
            }
        };
        let sender = sender.ok_or_else(|| StartError::Gateway(gateway.name.clone()))?;
        gateways.push(Gateway::new(gateway.name.clone(), sender));
    }
    Ok(Arc::new(Gateways::new(gateways, &config.sms.routes)))
}
