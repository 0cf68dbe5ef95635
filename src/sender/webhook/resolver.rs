//! Looks hosts up and leaves out what is not on the public internet: the address that is judged is the one that
//! is connected to, so a name that changes its address in between gains nothing.

use crate::model::endpoint::AllowedHosts;
use crate::model::reachable::is_reachable;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;
use std::sync::Arc;
use thiserror::Error;

/// All that a host's name leads to is private.
#[derive(Debug, Error)]
#[error(
    "every address of `{0}` is private, not on the public internet: if that is meant, name it in allow_hosts"
)]
struct AllPrivate(String);

/// Looks up hosts; those that are allowed may be private.
#[derive(Debug)]
pub(super) struct Resolver {
    allowed: Arc<AllowedHosts>,
}

impl Resolver {
    pub(super) fn new(allowed: AllowedHosts) -> Self {
        Self { allowed: Arc::new(allowed) }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.allowed.clone();
        Box::pin(async move {
            let host = name.as_str();
            // The port comes from the URL.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            let addresses = permitted(host, found, &allowed)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn permitted(
    host: &str,
    mut found: Vec<SocketAddr>,
    allowed: &AllowedHosts,
) -> Result<Vec<SocketAddr>, AllPrivate> {
    let before = found.len();
    if !allowed.contain(host) {
        found.retain(|address| is_reachable(address.ip()));
    }
    if found.is_empty() && before > 0 { Err(AllPrivate(host.to_owned())) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect()
    }

    #[test]
    fn private_addresses_are_left_out_unless_the_host_is_allowed() {
        let found = addresses(&["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1111", "::ffff:127.0.0.1"]);
        let nobody = AllowedHosts::default();
        let public = addresses(&["8.8.8.8", "2606:4700::1111"]);
        assert_eq!(permitted("gateway.example", found.clone(), &nobody).unwrap(), public);
        let allowed = ["gateway.example".to_owned()];
        let allowed = AllowedHosts::parse(&allowed).unwrap();
        assert_eq!(permitted("GATEWAY.example.", found.clone(), &allowed).unwrap(), found);
        assert_eq!(permitted("x.gateway.example", found, &allowed).unwrap(), public);
    }

    #[test]
    fn a_host_all_of_whose_addresses_are_private_is_not_there() {
        let private =
            permitted("gateway.example", addresses(&["192.168.0.1", "fd00::1"]), &AllowedHosts::default());
        assert!(private.unwrap_err().to_string().contains("`gateway.example` is private"));
    }

    #[tokio::test]
    async fn a_name_for_this_machine_is_looked_up_and_left_out() {
        let resolver = Resolver::new(AllowedHosts::default());
        let Err(cause) = resolver.resolve("localhost".parse().unwrap()).await else { panic!("it was found") };
        assert!(cause.is::<AllPrivate>(), "{cause}");
    }
}
