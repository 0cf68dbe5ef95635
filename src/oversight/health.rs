//! How gateways fare, as every node finds them.

use super::Oversight;
use crate::sender::{Gateway, Gateways};
use crate::store::GatewayState;
use crate::verification::Failure;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How often a node says it even where nothing has changed.
const BEAT: Duration = Duration::from_secs(30);
/// After which silence a node counts as gone.
const GONE_AFTER: Duration = Duration::from_secs(90);

/// The gateways of this node, and what it has said of them.
#[derive(Debug)]
pub struct GatewayWatch {
    gateways: Arc<Gateways>,
    node: [u8; 16],
    said: Mutex<Option<(Vec<GatewayState>, Timestamp)>>,
}

/// How a gateway fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayHealth {
    /// Its configured name.
    pub name: String,
    /// Nodes that use it.
    pub nodes: usize,
    /// Nodes that pass it over, since it failed five times in a row.
    pub open: usize,
    /// The most failures in a row that a node has seen of it.
    pub failures: u32,
    /// When the last of those nodes tries it again.
    pub open_until: Option<Timestamp>,
}

impl GatewayWatch {
    /// What a node of that random name has to say of these.
    #[must_use]
    pub fn new(gateways: Arc<Gateways>, node: [u8; 16]) -> Self {
        Self { gateways, node, said: Mutex::default() }
    }

    fn states(&self) -> Vec<GatewayState> {
        let state = |gateway: &Gateway| {
            let (failures, open_until) = gateway.found();
            GatewayState { gateway: gateway.name.clone(), failures, open_until }
        };
        self.gateways.all().iter().map(state).collect()
    }
}

impl GatewayHealth {
    /// A gateway that no node has spoken of.
    #[must_use]
    pub fn unseen(name: &str) -> Self {
        Self { name: name.to_owned(), nodes: 0, open: 0, failures: 0, open_until: None }
    }

    fn add(&mut self, state: &GatewayState) {
        self.nodes += 1;
        self.open += usize::from(state.open_until.is_some());
        self.failures = self.failures.max(state.failures);
        self.open_until = self.open_until.max(state.open_until);
    }
}

impl Oversight {
    /// Says how this node finds its gateways, where that has changed or was said long ago.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_gateways(&self, now: Timestamp) -> Result<(), Failure> {
        let (watch, states) = (&self.watch, self.watch.states());
        let mut said = watch.said.lock().await;
        if said.as_ref().is_some_and(|(known, at)| *known == states && now < *at + BEAT) {
            return Ok(());
        }
        self.store.report_gateways(watch.node, &states, (now - GONE_AFTER, now)).await?;
        *said = Some((states, now));
        Ok(())
    }

    /// How every gateway fares: those of this node in order of preference, then those that only others have.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn gateway_health(&self, now: Timestamp) -> Result<Vec<GatewayHealth>, Failure> {
        let mut known: BTreeMap<String, GatewayHealth> = BTreeMap::new();
        for state in self.store.gateway_states(now - GONE_AFTER).await? {
            known
                .entry(state.gateway.clone())
                .or_insert_with(|| GatewayHealth::unseen(&state.gateway))
                .add(&state);
        }
        let own = self.watch.gateways.all().iter();
        let mut health: Vec<GatewayHealth> = own
            .map(|gateway| {
                known.remove(&gateway.name).unwrap_or_else(|| GatewayHealth::unseen(&gateway.name))
            })
            .collect();
        health.extend(known.into_values());
        Ok(health)
    }
}
