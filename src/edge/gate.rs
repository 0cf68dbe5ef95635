//! What is refused before it costs anything.

use axum::body::Bytes;
use axum::http::{Method, Response, header};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

type Judge = dyn Fn(&Method, &str) -> Option<Response<Bytes>> + Send + Sync;

/// Knows from the method and the raw path of a request alone whether it gets no further, and the answer then: no
/// route is looked for, no body read, no line written.
#[derive(Clone)]
pub struct Gate(Arc<Judge>);

impl Gate {
    /// A gate that answers what `judge` answers.
    #[must_use]
    pub fn new(judge: impl Fn(&Method, &str) -> Option<Response<Bytes>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge))
    }

    /// A gate that lets everything through.
    #[must_use]
    pub fn open() -> Self {
        Self::new(|_, _| None)
    }

    /// The answer to a request that gets no further.
    pub(super) fn refuses(&self, method: &Method, path: &str) -> Option<Response<Bytes>> {
        (self.0)(method, path)
    }
}

/// An answer as it is sent (RFC 9112, section 4), with its date and length.
pub(super) fn encode(answer: &Response<Bytes>, now: SystemTime) -> Vec<u8> {
    let status = answer.status();
    let mut sent = Vec::with_capacity(1_024);
    let mut add = |parts: &[&[u8]]| parts.iter().for_each(|part| sent.extend_from_slice(part));
    let reason = status.canonical_reason().unwrap_or_default();
    add(&[b"HTTP/1.1 ", status.as_str().as_bytes(), b" ", reason.as_bytes(), b"\r\n"]);
    for (name, value) in answer.headers() {
        add(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
    }
    let (date, length) = (httpdate::fmt_http_date(now), answer.body().len().to_string());
    add(&[b"date: ", date.as_bytes(), b"\r\n"]);
    add(&[header::CONTENT_LENGTH.as_str().as_bytes(), b": ", length.as_bytes(), b"\r\n\r\n", answer.body()]);
    sent
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

#[cfg(test)]
mod tests {
    use super::encode;
    use axum::body::Bytes;
    use axum::http::Response;
    use std::time::SystemTime;

    #[test]
    fn an_answer_is_sent_with_its_date_and_length() {
        let answer = Response::builder().status(503).header("retry-after", "1");
        let sent = encode(&answer.body(Bytes::from("later")).unwrap(), SystemTime::UNIX_EPOCH);
        let expected = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
            date: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 5\r\n\r\nlater";
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }
}
