//! Requests that another site makes a browser send (CSRF): refused by three independent signs.

use crate::http::extract::{body, expect_content_type};
use crate::model::admin::FormToken;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// The header in which scripts show the form token.
const HEADER: &str = "x-form-token";
/// The field in which forms show it.
const FIELD: &str = "form_token";
const FORM: &str = "application/x-www-form-urlencoded";

/// The token that a form has shown.
#[derive(Clone)]
struct Shown(String);

/// Reads the form token out of a form, for the extractors that look at the head only.
pub(in crate::http) async fn lift(mut request: Request, next: Next) -> Response {
    if is_safe(request.method()) || expect_content_type(request.headers(), &[FORM]).is_err() {
        return next.run(request).await;
    }
    let (parts, rest) = request.into_parts();
    let bytes = match body(Request::from_parts(parts.clone(), rest)).await {
        Ok(bytes) => bytes,
        Err(problem) => return problem.into_response(),
    };
    let field = form_urlencoded::parse(&bytes).find(|(name, _)| name == FIELD);
    let shown = field.map(|(_, value)| Shown(value.into_owned()));
    request = Request::from_parts(parts, bytes.into());
    if let Some(shown) = shown {
        request.extensions_mut().insert(shown);
    }
    next.run(request).await
}

/// Whether a request changes something only by the will of one of the session's own pages.
pub(super) fn is_own(parts: &Parts, token: &FormToken, public_host: Option<&str>) -> bool {
    if is_safe(&parts.method) {
        return true;
    }
    let header = parts.headers.get(HEADER).and_then(|value| value.to_str().ok());
    let field = parts.extensions.get::<Shown>().map(|shown| shown.0.as_str());
    comes_from_here(&parts.headers, public_host) && header.or(field).is_some_and(|shown| token.matches(shown))
}

/// Whether the browser says that the request comes from a page of this server, where it says anything.
pub(in crate::http) fn comes_from_here(headers: &HeaderMap, public_host: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let fetched = text("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    let host = text(header::HOST.as_str());
    let here = |origin: &str| {
        let of = origin.split_once("://").map(|(_, host)| host);
        of.is_some() && (of == host || of == public_host)
    };
    fetched && text(header::ORIGIN.as_str()).is_none_or(here)
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::comes_from_here;
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn another_site_gives_itself_away() {
        let own = [("host", "tuttu.example"), ("origin", "https://tuttu.example")];
        assert!(comes_from_here(&headers(&own), None));
        for foreign in [
            [("host", "tuttu.example"), ("origin", "https://evil.example")],
            [("host", "tuttu.example"), ("origin", "null")],
            [("host", "tuttu.example"), ("sec-fetch-site", "cross-site")],
            [("host", "tuttu.example"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(!comes_from_here(&headers(&foreign), None), "{foreign:?}");
        }
    }

    #[test]
    fn behind_a_proxy_the_public_name_counts_as_well() {
        let proxied = [("host", "10.0.0.7:8080"), ("origin", "https://tuttu.example")];
        assert!(!comes_from_here(&headers(&proxied), None));
        assert!(comes_from_here(&headers(&proxied), Some("tuttu.example")));
    }
}
