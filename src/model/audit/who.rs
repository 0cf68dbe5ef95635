//! Who makes a change.

use std::fmt;
use std::net::IpAddr;

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The service by itself.
    System,
    /// Whoever is at the host.
    Operator,
    /// Whoever started a verification.
    Starter,
    /// A device of an account.
    Device,
    /// A gateway that reports.
    Gateway(String),
    /// An admin, by the random name.
    Admin(String),
    /// A machine with a token of its own, by the token's random name.
    ApiToken(String),
}

impl Actor {
    /// What it is, in the log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Operator => "operator",
            Self::Starter => "starter",
            Self::Device => "device",
            Self::Gateway(_) => "gateway",
            Self::Admin(_) => "admin",
            Self::ApiToken(_) => "api_token",
        }
    }

    /// Which one it is, where that is no person's secret.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Gateway(id) | Self::Admin(id) | Self::ApiToken(id) => Some(id),
            Self::System | Self::Operator | Self::Starter | Self::Device => None,
        }
    }
}

/// Who does something, from where, in which request.
#[derive(Debug, Clone)]
pub struct Who {
    /// The actor.
    pub actor: Actor,
    /// The client's address.
    pub address: Option<Address>,
    /// The request's name, as the log has it.
    pub request: Option<String>,
}

/// A client's address: personal, so it does not show itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Address(pub IpAddr);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}
