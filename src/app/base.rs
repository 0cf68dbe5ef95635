//! What the use cases stand on, and each of them put on it.

use super::{StartError, open_store};
use crate::captcha::Captchas;
use crate::clock::Clock;
use crate::config::{Config, Seconds};
use crate::devices::Devices;
use crate::directory::Directory;
use crate::discovery::Discovery;
use crate::epochs::Epochs;
use crate::key_file;
use crate::key_rotation::KeyRotation;
use crate::model::audit::Pen;
use crate::model::keys::Keys;
use crate::oversight::{GatewayWatch, Oversight, OversightPolicy};
use crate::registration::Accounts;
use crate::rotation::Rotation;
use crate::store::Store;
use crate::verification::{Dispatcher, VerificationPolicy, Verifications};
use std::sync::Arc;
use tokio::sync::Notify;

/// The database with the keys that fit it, and this server's view of what is in it.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) store: Store,
    pub(super) keys: Arc<Keys>,
    pub(super) key_rotation: KeyRotation,
    pub(super) epochs: Epochs,
    pub(super) directory: Arc<Directory>,
    pub(super) clock: Clock,
}

impl Base {
    /// Opens the database and the keys; whatever this server changes there is written to the audit log from now on.
    pub(super) async fn open(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let (store, file) = (open_store(config, config.database.migrate).await?, &config.keys.file);
        let keys = Arc::new(key_file::open(file, &store).await?);
        let key_rotation =
            KeyRotation::join(store.clone(), keys.clone(), file.clone(), clock.clone()).await?;
        store.write_with(Pen::new(&keys, &key_rotation.node_name()));
        let epochs = Epochs::open(&store, &keys, clock.now()).await?;
        let directory = Arc::new(Directory::new(store.clone(), keys.clone(), config, clock.clone()));
        Ok(Self { store, keys, key_rotation, epochs, directory, clock })
    }

    pub(super) fn verifications(
        &self,
        policy: Arc<VerificationPolicy>,
        captchas: Captchas,
        outbox: &Arc<Notify>,
    ) -> Verifications {
        Verifications::new(self.store.clone(), self.keys.clone(), policy, captchas, outbox.clone())
    }

    pub(super) fn dispatcher(&self, policy: &VerificationPolicy) -> Dispatcher {
        Dispatcher::new(self.store.clone(), self.keys.clone(), policy, self.clock.clone())
    }

    pub(super) fn accounts(&self, devices: &Devices) -> Accounts {
        Accounts::new(
            self.store.clone(),
            self.keys.clone(),
            self.epochs.clone(),
            self.directory.clone(),
            devices.clone(),
        )
    }

    pub(super) fn oversight(
        &self,
        verification: &VerificationPolicy,
        people: (Accounts, Devices),
        config: &Config,
    ) -> Oversight {
        let decided = verification.destinations.decided().clone();
        let watch = GatewayWatch::new(verification.gateways.clone(), self.key_rotation.node_id());
        let policy = OversightPolicy {
            guard: verification.guard,
            code_lifetime: verification.code_lifetime,
            reveals_per_hour: config.limits.reveals_per_hour,
            searches_per_hour: config.limits.searches_per_hour,
        };
        Oversight::new((self.store.clone(), self.keys.clone()), people, (decided, watch), policy)
    }

    pub(super) fn discovery(&self, config: &Config) -> Discovery {
        Discovery::new(
            self.store.clone(),
            self.keys.clone(),
            self.epochs.clone(),
            self.directory.clone(),
            &config.discovery,
        )
    }

    pub(super) fn rotation(&self, config: &Config) -> Rotation {
        Rotation::new(
            self.store.clone(),
            self.keys.clone(),
            self.epochs.clone(),
            self.directory.clone(),
            self.clock.clone(),
        )
        .every(config.discovery.epoch_lifetime.map(Seconds::get))
    }
}
