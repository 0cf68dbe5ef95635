//! Where a request comes from, as far as limits look at it.

use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;

/// A client's address, or none where no limit keyed by address applies.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Source {
    address: Option<IpAddr>,
}

impl Source {
    /// A source that limits by address look at.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        Self { address: Some(address) }
    }

    /// A source that they do not look at.
    #[must_use]
    pub const fn exempt() -> Self {
        Self { address: None }
    }

    /// The whole address, for whoever judges captchas.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// One customer: an IPv4 address, or the /64 of an IPv6 one.
    #[must_use]
    pub fn network(&self) -> Option<IpNet> {
        self.truncated(32, 64)
    }

    /// The customers around: an IPv4 /24, or an IPv6 /56.
    #[must_use]
    pub fn range(&self) -> Option<IpNet> {
        self.truncated(24, 56)
    }

    fn truncated(&self, v4: u8, v6: u8) -> Option<IpNet> {
        let address = self.address?.to_canonical();
        let length = if address.is_ipv4() { v4 } else { v6 };
        IpNet::new(address, length).ok().map(|net| net.trunc())
    }
}

/// An address is personal: it does not show itself.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.address.is_some() { "Source(..)" } else { "Source(exempt)" })
    }
}
