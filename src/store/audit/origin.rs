//! Who asks: what the audit log says of the request that a change belongs to.

use crate::model::audit::{Actor, Address, Who};
use futures_util::future::Either;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

tokio::task_local! {
    static ORIGIN: Origin;
}

/// Who asks, for everything that is done in one request; clones share it.
#[derive(Debug, Clone)]
pub struct Origin(Arc<Asked>);

#[derive(Debug)]
struct Asked {
    /// Who it is where nobody has said more.
    presumed: Actor,
    known: OnceLock<Actor>,
    address: Option<Address>,
    request: Option<String>,
}

impl Origin {
    /// A request from an address; whoever authenticates it says whose it is.
    #[must_use]
    pub fn request(name: &str, address: Option<IpAddr>) -> Self {
        Self(Arc::new(Asked {
            presumed: Actor::Starter,
            known: OnceLock::new(),
            address: address.map(Address),
            request: Some(name.to_owned()),
        }))
    }

    /// Whoever is at the host.
    #[must_use]
    pub fn operator() -> Self {
        let presumed = Actor::Operator;
        Self(Arc::new(Asked { presumed, known: OnceLock::new(), address: None, request: None }))
    }

    /// Does something on behalf of this.
    pub fn bound<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        ORIGIN.scope(self, work)
    }

    /// The same where somebody asks.
    pub fn bound_if<F: Future>(origin: Option<Self>, work: F) -> impl Future<Output = F::Output> {
        match origin {
            Some(origin) => Either::Left(origin.bound(work)),
            None => Either::Right(work),
        }
    }

    /// That of the request under way, to be handed to what it spawns; `None` outside of one.
    #[must_use]
    pub fn current() -> Option<Self> {
        ORIGIN.try_with(Clone::clone).ok()
    }

    /// Says who asks, in the request under way; the first that was said stays.
    pub fn act_as(actor: Actor) {
        let _outside = ORIGIN.try_with(|origin| origin.0.known.set(actor));
    }

    /// Who asks; outside of a request the service does by itself what it does.
    pub(super) fn who() -> Who {
        let asked = ORIGIN.try_with(|origin| {
            let Asked { presumed, known, address, request } = &*origin.0;
            let actor = known.get().unwrap_or(presumed).clone();
            Who { actor, address: *address, request: request.clone() }
        });
        asked.unwrap_or(Who { actor: Actor::System, address: None, request: None })
    }
}
