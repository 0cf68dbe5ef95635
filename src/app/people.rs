//! What the host does for people, without serving.

use super::{StartError, open_keys};
use crate::clock::Clock;
use crate::config::Config;
use crate::devices::Devices;
use crate::directory::Directory;
use crate::epochs::Epochs;
use crate::model::guard::GuardPolicy;
use crate::oversight::{GatewayWatch, Oversight, OversightPolicy};
use crate::registration::Accounts;
use crate::store::Store;
use crate::verification::Decided;
use std::sync::Arc;

/// The use cases of the console on a database that other nodes may be serving. What they change is told to these by the
/// feed.
///
/// # Errors
/// [`StartError`].
pub async fn open_oversight(config: &Config, store: &Store, clock: &Clock) -> Result<Oversight, StartError> {
    let keys = Arc::new(open_keys(config, store).await?);
    let epochs = Epochs::open(store, &keys, clock.now()).await?;
    // It is never filled: what is written is seen by whoever serves.
    let directory = Arc::new(Directory::new(store.clone(), keys.clone(), config, clock.clone()));
    let devices = Devices::new(store.clone(), keys.clone());
    let accounts = Accounts::new(store.clone(), keys.clone(), epochs, directory, devices.clone());
    let watch = GatewayWatch::new(Arc::default(), [0; 16]);
    let policy = OversightPolicy {
        guard: GuardPolicy::from(&config.limits.guard),
        code_lifetime: config.verification.code_lifetime.get(),
        reveals_per_hour: config.limits.reveals_per_hour,
        searches_per_hour: config.limits.searches_per_hour,
    };
    Ok(Oversight::new((store.clone(), keys), (accounts, devices), (Decided::default(), watch), policy))
}
