//! Where messages may be posted: a web address that does not lead into a private network by accident.

use super::reachable::is_reachable;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use thiserror::Error;
use url::{Host, Url};

/// Why a web address may not be posted to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointRefused {
    /// It is none.
    #[error("must be a web address, such as https://gateway.example/messages")]
    Malformed,
    /// It holds what does not belong there, perhaps a secret that would be shown.
    #[error("must hold no user, no password and no fragment (#)")]
    NotBare,
    /// It is not encrypted.
    #[error("goes to `{0}` by plain http: use https, or name the host in allow_hosts")]
    Plain(String),
    /// It leads into a private network.
    #[error("goes to `{0}`, which is not on the public internet: if that is meant, name it in allow_hosts")]
    Private(String),
}

/// Hosts that may be private and may be asked without encryption.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<Host>);

impl AllowedHosts {
    /// The hosts of these names and addresses; ports, networks and patterns are neither.
    ///
    /// # Errors
    /// The first that is no host.
    pub fn parse(hosts: &[String]) -> Result<Self, &str> {
        let each = hosts.iter().map(|text| host(text).ok_or(text.as_str()));
        each.collect::<Result<Vec<Host>, &str>>().map(Self)
    }

    /// Whether a host, as it stands in a URL, is one of them.
    #[must_use]
    pub fn contain(&self, name: &str) -> bool {
        host(name).is_some_and(|host| self.0.contains(&host))
    }
}

/// A host in its one spelling.
fn host(text: &str) -> Option<Host> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some(Host::Ipv6(address));
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    Host::parse(text).ok().filter(|_| !text.contains('*'))
}

/// A web address that may be posted to; parsing is the only way to get one. Its query may hold a key, so it shows no
/// more than its host.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.0.host_str().unwrap_or_default()).finish()
    }
}

impl Endpoint {
    /// Reads a URL: `https`, or `http` to an allowed host; without user, password and fragment. A host that is an
    /// address must be on the public internet unless it is allowed; what a name leads to is judged when it is
    /// looked up.
    ///
    /// # Errors
    /// [`EndpointRefused`].
    pub fn parse(text: &str, allowed: &AllowedHosts) -> Result<Self, EndpointRefused> {
        let url = Url::parse(text).map_err(|_| EndpointRefused::Malformed)?;
        let (true, Some(host)) = (["https", "http"].contains(&url.scheme()), url.host()) else {
            return Err(EndpointRefused::Malformed);
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(EndpointRefused::NotBare);
        }
        let name = host.to_string();
        if allowed.contain(&name) {
            return Ok(Self(url));
        }
        if is_private(&host) {
            return Err(EndpointRefused::Private(name));
        }
        if url.scheme() == "http" {
            return Err(EndpointRefused::Plain(name));
        }
        Ok(Self(url))
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Whether a host is known to be private before it is looked up; `localhost` by RFC 6761.
fn is_private(host: &Host<&str>) -> bool {
    match *host {
        Host::Ipv4(address) => !is_reachable(IpAddr::V4(address)),
        Host::Ipv6(address) => !is_reachable(IpAddr::V6(address)),
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, allowed: &[&str]) -> Result<Endpoint, EndpointRefused> {
        let allowed: Vec<String> = allowed.iter().map(|&host| host.to_owned()).collect();
        Endpoint::parse(url, &AllowedHosts::parse(&allowed).unwrap())
    }

    #[test]
    fn a_public_https_address_may_be_posted_to() {
        for url in
            ["https://gateway.example/messages?key=1", "https://8.8.8.8:8443/", "https://[2606:4700::1111]/"]
        {
            assert_eq!(parse(url, &[]).unwrap().as_str(), url);
        }
    }

    #[test]
    fn what_leads_into_a_private_network_in_whatever_spelling_must_be_allowed_by_name() {
        for (url, host) in [
            ("https://127.0.0.1/", "127.0.0.1"),
            ("https://2130706433/", "127.0.0.1"),
            ("https://0x7f.1/", "127.0.0.1"),
            ("https://017700000001/", "127.0.0.1"),
            ("https://127.0.0.1./", "127.0.0.1"),
            ("https://①②⑦.0.0.1/", "127.0.0.1"),
            ("https://10.1.2.3:8443/x", "10.1.2.3"),
            ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
            ("https://[::1]/", "::1"),
            ("https://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1"),
            ("https://[64:ff9b::a00:1]/", "64:ff9b::a00:1"),
            ("https://[fd00::1]/", "[fd00::1]"),
            ("https://LOCALHOST/", "localhost"),
            ("https://gateway.localhost./", "gateway.localhost"),
        ] {
            assert!(matches!(parse(url, &[]), Err(EndpointRefused::Private(_))), "{url}");
            assert!(parse(url, &["other.example", host]).is_ok(), "{url}");
            assert!(parse(&url.replace("https", "http"), &[host]).is_ok(), "{url}");
        }
    }

    #[test]
    fn plain_http_goes_only_to_hosts_that_are_allowed() {
        let plain = EndpointRefused::Plain("gateway.example".to_owned());
        assert_eq!(parse("http://gateway.example/", &["example"]), Err(plain));
        assert!(parse("http://gateway.example/", &["Gateway.Example."]).is_ok());
    }

    #[test]
    fn nothing_but_a_bare_web_address_will_do() {
        for url in
            ["", "gateway.example", "ftp://gateway.example/", "https://", "file:///etc/passwd", "data:,x"]
        {
            assert_eq!(parse(url, &[]), Err(EndpointRefused::Malformed), "{url}");
        }
        for url in
            ["https://u@gateway.example/", "https://u:p@gateway.example/", "https://gateway.example/#x"]
        {
            assert_eq!(parse(url, &[]), Err(EndpointRefused::NotBare), "{url}");
        }
    }

    #[test]
    fn only_hosts_can_be_allowed() {
        for text in ["", "10.0.0.0/8", "gateway.example:8080", "https://gateway.example", "*.example", "a b"]
        {
            assert_eq!(AllowedHosts::parse(&[text.to_owned()]), Err(text));
        }
    }
}
