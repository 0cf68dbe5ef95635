use super::{MARKER, silent_about};
use crate::harness::{Reply, on_both_engines};
use reqwest::Method;

on_both_engines!(a_path_that_leads_nowhere_is_not_found, |service| {
    for path in
        ["/", "/h4mster", "/v1", "/v1/h4mster?h4mster=h4mster", "/v1/verifications/", "/v2/accounts", "/%FF"]
    {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let reply = service.call(method, path, MARKER, None).await.expect(404, "not_found");
            silent_about(&reply, MARKER);
        }
    }
});

on_both_engines!(a_name_that_is_none_is_not_found, |service| {
    let anna = service.register("+358401234561").await;
    for name in ["h4mster", "%FF", "%00", "3f0e9f1c6c0e4c559d1e0e6c3f5a7b1", "..", "%2e%2e", "•"] {
        for path in [format!("/v1/verifications/{name}"), format!("/v1/verifications/{name}/check")] {
            let method = if path.ends_with("check") { Method::POST } else { Method::GET };
            let reply = service.call(method, &path, MARKER, None).await.expect(404, "not_found");
            silent_about(&reply, MARKER);
        }
        let path = format!("/v1/devices/{name}");
        silent_about(&service.delete(&path, &anna.token).await.expect(404, "not_found"), MARKER);
    }
});

on_both_engines!(a_wrong_method_is_answered_with_the_right_ones, |service| {
    for (method, path, allowed) in [
        (Method::GET, "/v1/verifications", vec!["POST"]),
        (Method::POST, "/v1/verifications/3f0e9f1c-6c0e-4c55-9d1e-0e6c3f5a7b11", vec!["GET", "HEAD"]),
        (Method::GET, "/v1/accounts", vec!["POST"]),
        (Method::POST, "/v1/account", vec!["DELETE", "GET", "HEAD", "PATCH"]),
        (Method::PUT, "/v1/devices", vec!["GET", "HEAD"]),
        (Method::GET, "/v1/devices/3f0e9f1c-6c0e-4c55-9d1e-0e6c3f5a7b11", vec!["DELETE"]),
        (Method::GET, "/v1/discovery/lookup", vec!["POST"]),
        (Method::DELETE, "/v1/inbox", vec!["GET", "HEAD"]),
        (Method::POST, "/openapi.json", vec!["GET", "HEAD"]),
        (Method::OPTIONS, "/livez", vec!["GET", "HEAD"]),
        (Method::from_bytes(b"H4MSTER").unwrap(), "/v1/verifications", vec!["POST"]),
    ] {
        let reply = service.call(method, path, "", None).await.expect(405, "method_not_allowed");
        let mut named: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
        named.sort_unstable();
        assert_eq!(named, allowed, "{path}");
        silent_about(&reply, "H4MSTER");
    }
    assert!(!crate::harness::TestService::log().contains("H4MSTER"));
});

on_both_engines!(a_head_is_answered_like_a_get_without_a_body, |service| {
    let reply = service.request(Method::HEAD, "/livez", "").send().await.unwrap();
    let reply = Reply::read(reply).await.expect(200, "");
    assert!(reply.bytes.is_empty());
});
