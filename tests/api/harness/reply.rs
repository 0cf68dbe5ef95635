//! An answer, checked: its headers against a list, its problems against RFC 9457.

use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// Headers that an answer may have. A new one is added here by hand, after a thought about what it tells.
const HEADERS: [&str; 21] = [
    "allow",
    "cache-control",
    "content-disposition",
    "content-length",
    "content-security-policy",
    "content-type",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "date",
    "etag",
    "hx-redirect",
    "idempotency-replayed",
    "location",
    "referrer-policy",
    "retry-after",
    "transfer-encoding",
    "set-cookie",
    "strict-transport-security",
    "www-authenticate",
    "x-content-type-options",
    "x-request-id",
];

/// An answer that was read whole.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// The body, if it is JSON.
    pub(crate) json: Value,
    /// Whether a person reads it, not a program.
    page: bool,
}

impl Reply {
    pub(crate) async fn read(response: Response) -> Self {
        let path = response.url().path();
        let page = path.starts_with("/admin") && !path.starts_with("/admin/api/");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap().to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        let reply = Self { status, headers, bytes, json, page };
        reply.check();
        reply
    }

    fn check(&self) {
        for name in self.headers.keys() {
            assert!(HEADERS.contains(&name.as_str()), "an answer has the header {name}");
        }
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert!(!self.header("x-request-id").is_empty());
        if self.status < 400 {
            return;
        }
        if self.page && self.header("content-type") == "text/html; charset=utf-8" {
            return;
        }
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert_eq!(self.json["status"], self.status);
        for member in ["type", "title", "detail", "code"] {
            assert!(self.json[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {self:?}");
        }
        assert_eq!(self.status == 401, self.headers.contains_key("www-authenticate"));
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    pub(crate) fn body(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A text member, by JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        let value = self.json.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {self:?}"));
        value.as_str().unwrap_or_else(|| panic!("{pointer} is no text in {self:?}"))
    }

    /// Whole seconds of `Retry-After`.
    pub(crate) fn retry_after(&self) -> u64 {
        self.header("retry-after").parse().unwrap_or_else(|_| panic!("no Retry-After in {self:?}"))
    }

    /// Fails unless it is that status, and for a problem that code.
    #[track_caller]
    pub(crate) fn expect(self, status: u16, code: &str) -> Self {
        let given = self.json["code"].as_str().unwrap_or_default();
        let given = if self.status < 400 { "" } else { given };
        assert_eq!((self.status, given), (status, code), "{}", String::from_utf8_lossy(&self.bytes));
        self
    }
}
