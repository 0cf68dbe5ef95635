//! Where one request ends and the next begins, as far as it is certain.

use axum::http::Method;
use httparse::{EMPTY_HEADER, Header, Request, Status};

/// More headers than this, and a request is not looked into.
const HEADERS: usize = 32;

/// What has been read from a connection so far.
///
/// It is certain as long as what comes at one time is one request, or a part of its body: the rule for nearly every
/// client. Anything else (requests in advance, half a head, a body of unknown length) leaves it uncertain for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// The next byte begins a request.
    Boundary,
    /// So many bytes of a body are still to come.
    Body(usize),
    /// Nobody knows.
    Uncertain,
}

/// A request that came whole, and whose answer may be anything: it keeps its connection, and wants a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
}

impl Framing {
    /// Takes what was read at one time into account: `Some` if it is exactly one request. The framing afterwards holds
    /// once that request has been taken from what was read.
    pub(super) fn take<'a>(&mut self, read: &'a [u8]) -> Option<Whole<'a>> {
        let (next, whole) = match *self {
            Self::Boundary => Self::of(read),
            Self::Body(rest) => (rest.checked_sub(read.len()).map_or(Self::Uncertain, Self::after), None),
            Self::Uncertain => (Self::Uncertain, None),
        };
        *self = next;
        whole
    }

    const fn after(rest: usize) -> Self {
        if rest == 0 { Self::Boundary } else { Self::Body(rest) }
    }

    fn of(read: &[u8]) -> (Self, Option<Whole<'_>>) {
        let mut headers = [EMPTY_HEADER; HEADERS];
        let mut request = Request::new(&mut headers);
        let Ok(Status::Complete(head)) = request.parse(read) else { return (Self::Uncertain, None) };
        let (Some(body), Some(1)) = (body_length(request.headers), request.version) else {
            return (Self::Uncertain, None);
        };
        if request.method == Some("CONNECT") {
            return (Self::Uncertain, None);
        }
        match head.checked_add(body).and_then(|end| end.checked_sub(read.len())) {
            None => (Self::Uncertain, None),
            Some(0) => (Self::Boundary, whole(&request)),
            Some(rest) => (Self::Body(rest), None),
        }
    }
}

/// How long a body is; `None` where there is any doubt, or the connection is to be used otherwise afterwards.
fn body_length(headers: &[Header<'_>]) -> Option<usize> {
    let mut length = None;
    for header in headers {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        let lasts = is("connection") && header.value.eq_ignore_ascii_case(b"keep-alive");
        if is("transfer-encoding") || is("upgrade") || is("expect") || is("connection") && !lasts {
            return None;
        }
        if is("content-length") {
            let digits = header.value.iter().all(u8::is_ascii_digit);
            let value = std::str::from_utf8(header.value).ok().filter(|_| digits)?.parse().ok()?;
            if length.replace(value).is_some() {
                return None;
            }
        }
    }
    Some(length.unwrap_or(0))
}

fn whole<'a>(request: &Request<'_, 'a>) -> Option<Whole<'a>> {
    let method = Method::from_bytes(request.method?.as_bytes()).ok()?;
    let target = request.path.filter(|target| target.starts_with('/') && method != Method::HEAD)?;
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    Some(Whole { method, path })
}

#[cfg(test)]
mod tests {
    use super::{Framing, Whole};
    use axum::http::Method;

    const HEAD: &str = "POST /v1/verifications?x=1 HTTP/1.1\r\nhost: here\r\nContent-Length: 4\r\n\r\n";

    fn after(reads: &[&str]) -> (Framing, usize) {
        let mut framing = Framing::Boundary;
        let whole = reads.iter().filter(|read| framing.take(read.as_bytes()).is_some()).count();
        (framing, whole)
    }

    #[test]
    fn one_request_at_a_time_is_seen_whole() {
        let mut framing = Framing::Boundary;
        for _ in 0..3 {
            let read = format!("{HEAD}1234");
            let whole = framing.take(read.as_bytes());
            assert_eq!(whole, Some(Whole { method: Method::POST, path: "/v1/verifications" }));
            assert_eq!(framing, Framing::Boundary);
        }
        assert_eq!(after(&["GET / HTTP/1.1\r\nConnection: Keep-Alive\r\n\r\n"; 2]), (Framing::Boundary, 2));
    }

    #[test]
    fn a_body_in_parts_ends_at_a_boundary_again() {
        assert_eq!(after(&[HEAD, "12"]), (Framing::Body(2), 0));
        assert_eq!(after(&[HEAD, "12", "34"]), (Framing::Boundary, 0));
        assert_eq!(after(&[HEAD, "12", "34GET"]), (Framing::Uncertain, 0));
    }

    #[test]
    fn what_is_not_certain_stays_so() {
        let unsure = [
            format!("{HEAD}1234GET / HTTP/1.1\r\n\r\n"),
            HEAD[..20].to_owned(),
            "nonsense\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\ncontent-length: 4\r\ncontent-length: 4\r\n\r\n1234".to_owned(),
            "POST / HTTP/1.1\r\ncontent-length: +4\r\n\r\n1234".to_owned(),
            "POST / HTTP/1.1\r\ncontent-length: 4, 4\r\n\r\n1234".to_owned(),
            "POST / HTTP/1.1\r\ncontent-length: 18446744073709551615\r\n\r\n1234".to_owned(),
            "GET / HTTP/1.0\r\n\r\n".to_owned(),
            "CONNECT here:80 HTTP/1.1\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nupgrade: h2c\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n1234".to_owned(),
        ];
        for read in unsure {
            assert_eq!(after(&[&read, "GET / HTTP/1.1\r\n\r\n"]), (Framing::Uncertain, 0), "{read}");
        }
    }

    #[test]
    fn a_request_without_a_body_in_its_answer_is_left_to_others() {
        for head in ["HEAD /v1/verifications", "GET http://here/v1/devices", "OPTIONS *"] {
            let (framing, whole) = after(&[&format!("{head} HTTP/1.1\r\n\r\n")]);
            assert_eq!((framing, whole), (Framing::Boundary, 0), "{head}");
        }
    }
}
