//! The composition root: a configuration in, a running service out.

use crate::captcha::{Captchas, CaptchasError};
use crate::clock::Clock;
use crate::config::{Config, GatewayKind, Seconds};
use crate::devices::Devices;
use crate::directory::Directory;
use crate::discovery::Discovery;
use crate::epochs::{Epochs, EpochsError};
use crate::http::{self, AddressLimit, Development, Services};
use crate::idempotency::Idempotency;
use crate::key_file::{self, KeyFileError};
use crate::key_rotation::KeyRotation;
use crate::model::keys::Keys;
use crate::model::number::PhoneNumber;
use crate::model::secret::PlainSecret;
use crate::registration::Accounts;
use crate::rotation::Rotation;
use crate::sender::{Gateway, Gateways, Inbox, Sender, Twilio, Webhook};
use crate::store::{DatabaseUrl, DatabaseUrlError, Store, StoreError};
use crate::verification::{Dispatcher, Reports, VerificationPolicy, Verifications};
use crate::{jobs, telemetry};
use axum::Router;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long requests under way may take once the server stops.
const DRAIN_REQUESTS: Duration = Duration::from_secs(15);
/// How long sends under way may take then: as long as a gateway may.
const DRAIN_SENDS: Duration = Duration::from_secs(8);
/// How long the database may take to let go.
const CLOSE: Duration = Duration::from_secs(2);

/// A service that is ready to listen.
#[derive(Debug)]
pub struct App {
    services: Arc<Services>,
    dispatcher: Dispatcher,
    directory: Arc<Directory>,
    epochs: Epochs,
    rotation: Rotation,
    key_rotation: KeyRotation,
    outbox: Arc<Notify>,
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
    /// The metrics recorder.
    #[error("metrics cannot be recorded: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Opens the database, making the folder of an embedded one, and brings its schema up to date if `migrate`.
///
/// # Errors
/// [`StartError`].
pub async fn open_store(config: &Config, migrate: bool) -> Result<Store, StartError> {
    let store = connect_store(config).await?;
    if migrate {
        store.migrate().await?;
    }
    match store.pending_migrations().await? {
        0 => Ok(store),
        behind => Err(StartError::SchemaOld(behind)),
    }
}

/// Opens the database whatever its schema is, making the folder of an embedded one.
///
/// # Errors
/// [`StartError`].
pub async fn connect_store(config: &Config) -> Result<Store, StartError> {
    let url = DatabaseUrl::parse(config.database.url.expose())?;
    if let Some(file) = url.file() {
        private_folder_of(file)?;
    }
    warn_of_open_folder(&config.keys.file);
    Ok(Store::connect(&url, true, config.database.connections()).await?)
}

/// Makes the folder of a file, for its owner alone; one that is there keeps its mode.
fn private_folder_of(file: &Path) -> Result<(), StartError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    warn_of_open_folder(file);
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|cause| StartError::Folder { folder: folder.to_owned(), cause })
}

fn warn_of_open_folder(file: &Path) {
    let Some((folder, found)) = file.parent().and_then(|folder| Some((folder, folder.metadata().ok()?)))
    else {
        return;
    };
    if found.permissions().mode() & 0o007 != 0 {
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
        let store = open_store(config, config.database.migrate).await?;
        let keys = Arc::new(key_file::open(&config.keys.file, &store).await?);
        let key_rotation =
            KeyRotation::join(store.clone(), keys.clone(), config.keys.file.clone(), clock.clone()).await?;
        let epochs = Epochs::open(&store, &keys, clock.now()).await?;
        let directory = Directory::new(store.clone(), keys.clone(), config, clock.clone());
        let directory = Arc::new(directory);
        let rotation =
            Rotation::new(store.clone(), keys.clone(), epochs.clone(), directory.clone(), clock.clone())
                .every(config.discovery.epoch_lifetime.map(Seconds::get));
        let inbox = Inbox::default();
        let gateways = gateways(config, &inbox)?;
        let outbox = Arc::new(Notify::new());
        let policy = Arc::new(VerificationPolicy::new(config, gateways.clone()));
        let dispatcher = Dispatcher::new(store.clone(), keys.clone(), &policy, clock.clone());
        let devices = Devices::new(store.clone(), keys.clone());
        let services = Arc::new(Services {
            verifications: Verifications::new(
                store.clone(),
                keys.clone(),
                policy,
                Captchas::new(&config.challenges)?,
                outbox.clone(),
            ),
            reports: Reports::new(store.clone(), keys.clone(), gateways.clone()),
            accounts: accounts(&store, &keys, &epochs, &directory, &devices),
            devices,
            idempotency: Idempotency::new(store.clone(), keys.number().clone()),
            discovery: Discovery::new(
                store.clone(),
                keys,
                epochs.clone(),
                directory.clone(),
                &config.discovery,
            ),
            clock,
            store,
            database_wait: config.database.request_timeout.get(),
            draining: Arc::new(AtomicBool::new(false)),
            development: development(config, inbox),
            address_limit: AddressLimit::new(config),
            trusted_proxies: config.server.trusted_proxies.clone().into(),
            effects: TaskTracker::new(),
        });
        let ops = http::ops::router(services.clone(), metrics);
        Ok(Self { services, dispatcher, directory, epochs, rotation, key_rotation, outbox, ops })
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
        self.key_rotation.clone()
    }

    /// Begins what runs beside requests.
    fn begin_jobs(&self, jobs: &TaskTracker, sends: &TaskTracker, stop: &CancellationToken) {
        let clock = &self.services.clock;
        let (dispatcher, outbox) = (self.dispatcher.clone(), self.outbox.clone());
        jobs.spawn(jobs::dispatch(dispatcher, outbox, sends.clone(), stop.clone()));
        jobs.spawn(jobs::follow_directory(
            self.directory.clone(),
            self.epochs.clone(),
            clock.clone(),
            stop.clone(),
        ));
        jobs.spawn(jobs::tell_others(self.directory.clone(), stop.clone()));
        jobs.spawn(jobs::listen_to_others(self.directory.clone(), stop.clone()));
        let (verifications, idempotency) =
            (self.services.verifications.clone(), self.services.idempotency.clone());
        let directory = self.directory.clone();
        jobs.spawn(jobs::forget(verifications, idempotency, directory, clock.clone(), stop.clone()));
        jobs.spawn(jobs::watch_epochs(self.epochs.clone(), clock.clone(), stop.clone()));
        jobs.spawn(jobs::tend_epochs(self.rotation.clone(), stop.clone()));
        jobs.spawn(jobs::watch_keys(self.key_rotation.clone(), stop.clone()));
        jobs.spawn(jobs::tend_keys(self.key_rotation.clone(), stop.clone()));
    }

    /// Serves until `stop`, then drains: no new connection is taken, requests under way and their sends end,
    /// and the ops listener says `draining` meanwhile. All of it takes at most 25 s.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn serve(self, api: TcpListener, ops: TcpListener, stop: CancellationToken) -> io::Result<()> {
        let (jobs, sends, drained) = (TaskTracker::new(), TaskTracker::new(), CancellationToken::new());
        let (store, effects) = (self.services.store.clone(), self.services.effects.clone());
        let draining = self.services.draining.clone();
        self.begin_jobs(&jobs, &sends, &drained);
        let observing = axum::serve(ops, self.ops).with_graceful_shutdown(drained.clone().cancelled_owned());
        let observed = TaskTracker::new().spawn(observing.into_future());
        let router = http::router(self.services).into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(api, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        let mut serving = std::pin::pin!(serving.into_future());
        let ended = tokio::select! {
            served = &mut serving => Some(served),
            observed = observed => Some(observed.map_err(io::Error::other).and_then(|ended| ended)),
            () = stop.cancelled() => None,
        };
        stop.cancel();
        draining.store(true, Ordering::Relaxed);
        let requests = async {
            let served = match ended {
                Some(ended) => ended,
                None => serving.await,
            };
            finished(&effects).await;
            served
        };
        let result = tokio::time::timeout(DRAIN_REQUESTS, requests).await.unwrap_or_else(|_| {
            tracing::warn!(
                "requests under way took longer than {} s: they are cut off",
                DRAIN_REQUESTS.as_secs()
            );
            Ok(())
        });
        drained.cancel();
        let sent = async {
            finished(&jobs).await;
            finished(&sends).await;
        };
        let _overdue = tokio::time::timeout(DRAIN_SENDS, sent).await;
        let _overdue = tokio::time::timeout(CLOSE, store.close()).await;
        result
    }
}

fn accounts(
    store: &Store,
    keys: &Arc<Keys>,
    epochs: &Epochs,
    directory: &Arc<Directory>,
    devices: &Devices,
) -> Accounts {
    Accounts::new(store.clone(), keys.clone(), epochs.clone(), directory.clone(), devices.clone())
}

fn development(config: &Config, inbox: Inbox) -> Option<Arc<Development>> {
    config.inbox_readable().then(|| Arc::new(Development { inbox, key: PlainSecret::random() }))
}

/// Waits for every task of a tracker.
async fn finished(tracker: &TaskTracker) {
    tracker.close();
    tracker.wait().await;
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
