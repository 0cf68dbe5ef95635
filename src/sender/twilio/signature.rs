//! `X-Twilio-Signature`: Base64 of HMAC-SHA1, under the account's secret, over the URL that was called and the
//! form's fields, or over the URL alone where its `bodySHA256` speaks for the body (Twilio, "Webhooks Security").

use crate::config::Hidden;
use crate::sender::{Callback, SignatureInvalid};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;
use ring::{digest, hmac};
use std::borrow::Cow;
use std::collections::BTreeSet;
use subtle::ConstantTimeEq as _;

const HEADER: &str = "x-twilio-signature";
const FORM: &str = "application/x-www-form-urlencoded";
const BODY_HASH: &str = "bodySHA256";

/// Judges signatures of one account.
#[derive(Debug, Clone)]
pub(super) struct Signatures {
    key: hmac::Key,
    /// How the world reaches this server, without a port and with one: Twilio signs now this, now that.
    origins: [String; 2],
}

/// The fields of a form that was signed.
pub(super) struct Fields<'a>(BTreeSet<(Cow<'a, str>, Cow<'a, str>)>);

impl Fields<'_> {
    /// The value of a field that is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(field, value)| field.as_ref() == name && !value.is_empty());
        found.next().map(|(_, value)| value.as_ref())
    }

    /// The same as a number.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.get(name)?.parse().ok()
    }
}

impl Signatures {
    pub(super) fn new(auth_token: &Hidden, public_url: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.expose().as_bytes());
        Self { key, origins: origins(public_url.trim_end_matches('/')) }
    }

    /// The fields of a callback that Twilio signed; none where it is no form.
    pub(super) fn judge<'a>(&self, callback: &Callback<'a>) -> Result<Fields<'a>, SignatureInvalid> {
        let given = callback.headers.get(HEADER).and_then(|value| STANDARD.decode(value).ok());
        let given = given.ok_or(SignatureInvalid)?;
        let fields = match (is_form(callback), callback.body.is_empty()) {
            (true, _) => form_urlencoded::parse(callback.body).collect(),
            (false, true) => BTreeSet::new(),
            (false, false) => hashed(callback).then(BTreeSet::new).ok_or(SignatureInvalid)?,
        };
        let fits = |origin: &String| {
            let mut signed = format!("{origin}{}", callback.path_and_query);
            signed.extend(fields.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]));
            hmac::verify(&self.key, signed.as_bytes(), &given).is_ok()
        };
        if self.origins.iter().any(fits) { Ok(Fields(fields)) } else { Err(SignatureInvalid) }
    }
}

/// A URL without a port, and with the one that it names or its scheme implies.
fn origins(url: &str) -> [String; 2] {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let named = authority.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    let port = if scheme == "https" { "443" } else { "80" };
    let (host, port) = named.unwrap_or((authority, port));
    [format!("{scheme}://{host}{path}"), format!("{scheme}://{host}:{port}{path}")]
}

fn is_form(callback: &Callback<'_>) -> bool {
    let given = callback.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM)
}

/// Whether the query, which is signed, holds the body's digest.
fn hashed(callback: &Callback<'_>) -> bool {
    let query = callback.path_and_query.split_once('?').map_or("", |(_, query)| query);
    let mut given = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == BODY_HASH);
    let body = hex::encode(digest::digest(&digest::SHA256, callback.body));
    given.next().is_some_and(|(_, hash)| hash.as_bytes().ct_eq(body.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    const URL: &str = "https://mycompany.com";
    const PATH: &str = "/myapp.php?foo=1&bar=2";
    const BODY: &str = "To=%2B18005551212&CallSid=CA1234567890ABCDE&From=%2B12349013030&Digits=1234\
        &Caller=%2B12349013030";

    fn judged(public_url: &str, path: &str, kind: &str, body: &str, signature: &str) -> Result<(), ()> {
        let mut headers = HeaderMap::new();
        headers.extend(HeaderValue::from_str(kind).map(|kind| (CONTENT_TYPE, kind)));
        headers.extend(HeaderValue::from_str(signature).map(|text| (HeaderName::from_static(HEADER), text)));
        let signatures = Signatures::new(&Hidden::new("12345"), public_url);
        let body = body.as_bytes();
        let callback = Callback { path_and_query: path, headers: &headers, body, at: Timestamp::UNIX_EPOCH };
        signatures.judge(&callback).map(drop).map_err(drop)
    }

    /// The example of Twilio's documentation, and its like of our own making over the URL with its port.
    #[test]
    fn the_documented_example_holds_and_every_change_to_it_does_not() {
        let signature = "0/KCTR6DLpKmkAf8muzZqo1nDgQ=";
        let good = |url: &str, path: &str, body: &str, signature: &str| {
            judged(url, path, FORM, body, signature).is_ok()
        };
        assert!(good(URL, PATH, BODY, signature));
        assert!(good("https://mycompany.com:8443/", PATH, BODY, signature), "a port may be left out");
        assert!(
            good(URL, PATH, &format!("{BODY}&Digits=1234"), signature),
            "what is twice there counts once"
        );
        assert!(!good(URL, PATH, &format!("{BODY}&Digits=1235"), signature));
        assert!(!good(URL, "/myapp.php?foo=1&bar=3", BODY, signature));
        assert!(!good("http://mycompany.com", PATH, BODY, signature));
        assert!(!good(URL, PATH, &BODY.replace("1234", "1235"), signature));
        assert!(!good(URL, PATH, BODY, "0/KCTR6DLpKmkAf8muzZqo1nDgR="));
        assert!(!good(URL, PATH, BODY, ""));
        assert!(judged(URL, PATH, "text/plain", BODY, signature).is_err(), "a body that nothing signs");
    }

    #[test]
    fn a_url_is_tried_without_a_port_and_with_one() {
        for (url, without, with) in [
            ("https://a.example", "https://a.example", "https://a.example:443"),
            ("http://a.example/x", "http://a.example/x", "http://a.example:80/x"),
            ("https://a.example:8443/x/y", "https://a.example/x/y", "https://a.example:8443/x/y"),
            ("http://[::1]", "http://[::1]", "http://[::1]:80"),
        ] {
            assert_eq!(origins(url), [without, with]);
        }
    }
}
