//! What cannot be used is refused with a code of its own, repeats nothing of what was sent, and changes nothing.

mod binary;
mod bodies;
mod numbers;
mod properties;
mod routes;

use crate::harness::{Reply, TestService};
use reqwest::Method;

/// Stands in requests where it must not be repeated.
const MARKER: &str = "h4mster";

/// A request with a body of that content type; none if it is empty.
async fn send(service: &TestService, line: (Method, &str), bearer: &str, body: (&str, Vec<u8>)) -> Reply {
    let (method, path) = line;
    let (content_type, body) = body;
    let mut request = service.request(method, path, bearer);
    if !content_type.is_empty() {
        request = request.header("content-type", content_type);
    }
    Reply::read(request.body(body).send().await.unwrap()).await
}

/// Fails if the answer repeats this.
#[track_caller]
fn silent_about(reply: &Reply, sent: &str) {
    let body = String::from_utf8_lossy(&reply.bytes);
    assert!(sent.is_empty() || !body.contains(sent), "`{sent}` is repeated in {body}");
}
