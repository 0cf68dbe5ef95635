//! How many connections there may be, in all and of one address.

use super::EdgeLimits;
use crate::model::source::Source;
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which limit has no room left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Connections in all.
    Total,
    /// Those of one address.
    Address,
}

impl Full {
    /// Its word in metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Address => "address",
        }
    }
}

/// The seats of a listener.
#[derive(Debug)]
pub(super) struct Seats {
    total: usize,
    per_address: usize,
    exempt: Arc<[IpNet]>,
    listener: &'static str,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpNet, usize>,
}

/// A connection's seat; dropping it makes room.
#[derive(Debug)]
pub(super) struct Seat {
    address: Option<IpNet>,
    listener: &'static str,
    taken: Arc<Mutex<Taken>>,
}

impl Seats {
    /// All free.
    pub(super) fn new(limits: &EdgeLimits) -> Self {
        Self {
            total: limits.connections,
            per_address: limits.per_address,
            exempt: limits.exempt.clone(),
            listener: limits.listener,
            taken: Arc::default(),
        }
    }

    /// A seat for a connection from this address, or which limit is reached.
    pub(super) fn take(&self, address: IpAddr) -> Result<Seat, Full> {
        let address = address.to_canonical();
        let exempt = self.exempt.iter().any(|range| range.contains(&address));
        let address = if exempt { None } else { Source::of(address).network() };
        let mut taken = lock(&self.taken);
        if taken.total >= self.total {
            return Err(Full::Total);
        }
        if let Some(address) = address {
            let of_address = taken.by_address.entry(address).or_default();
            if *of_address >= self.per_address {
                return Err(Full::Address);
            }
            *of_address += 1;
        }
        taken.total += 1;
        metrics::gauge!("tuttu_connections", "listener" => self.listener).increment(1);
        Ok(Seat { address, listener: self.listener, taken: self.taken.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        metrics::gauge!("tuttu_connections", "listener" => self.listener).decrement(1);
        let mut taken = lock(&self.taken);
        taken.total = taken.total.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(of_address) = taken.by_address.get_mut(&address) {
            *of_address = of_address.saturating_sub(1);
            if *of_address == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}
