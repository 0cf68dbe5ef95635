//! What every page says about how it may be used, and what it must not hold.

use crate::harness::{Reply, on_both_engines};
use reqwest::Method;
use tuttu::model::admin::Role;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const INSIDE: [&str; 9] = [
    "/admin/now",
    "/admin/verifications",
    "/admin/countries",
    "/admin/gateways",
    "/admin/accounts",
    "/admin/audit",
    "/admin/team",
    "/admin/you",
    "/admin/confirm",
];
const OUTSIDE: [&str; 2] = ["/admin/sign-in", "/admin/enrol"];

fn check(reply: &Reply, path: &str) {
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(reply.header(name), value, "{name} of {path}");
    }
    let body = reply.body();
    for inline in [" style=", "<style", "<script>", "javascript:", " onclick=", " onload=", " hx-on"] {
        assert!(!body.contains(inline), "{path} holds {inline}");
    }
    assert_eq!(body.matches("<h1").count(), 1, "{path}");
}

on_both_engines!(every_page_keeps_to_the_policy, |service| {
    let anna = service.admin("anna", &[Role::Admin]).await;
    for path in INSIDE {
        check(&service.page(path, &anna).await.expect(200, ""), path);
    }
    for path in OUTSIDE {
        let page = service.request(Method::GET, path, "").send().await.unwrap();
        check(&Reply::read(page).await.expect(200, ""), path);
    }
    let viewer = service.admin("viewer", &[Role::Viewer]).await;
    let refused = service.page("/admin/team", &viewer).await;
    assert_eq!(refused.status, 403);
    check(&refused, "a refusal");
});

on_both_engines!(the_menu_shows_what_the_role_may_see, |service| {
    let viewer = service.admin("viewer", &[Role::Viewer]).await;
    let page = service.page("/admin/now", &viewer).await.expect(200, "").body();
    assert!(page.contains("href=\"/admin/gateways\"") && !page.contains("href=\"/admin/team\""));
    let home = service.page("/admin", &viewer).await.expect(303, "");
    assert_eq!(home.header("location"), "/admin/now");
    let nobody = service.admin("nobody", &[]).await;
    assert_eq!(service.page("/admin", &nobody).await.status, 403);
});

on_both_engines!(a_part_of_a_page_sends_the_whole_page_to_the_door, |service| {
    let part = service.request(Method::GET, "/admin/now", "").header("HX-Request", "true");
    let reply = Reply::read(part.send().await.unwrap()).await.expect(200, "");
    assert_eq!(reply.header("hx-redirect"), "/admin/sign-in?next=%2Fadmin%2Fnow");
});

on_both_engines!(files_are_kept_for_good_and_named_by_what_they_hold, |service| {
    let page = service.get("/admin/sign-in", "").await.expect(200, "").body();
    let href = page.split("href=\"").find(|rest| rest.contains("console.css")).unwrap();
    let href = href.split('"').next().unwrap();
    let file = service.get(href, "").await.expect(200, "");
    assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(file.header("content-type"), "text/css; charset=utf-8");
    let tag = file.header("etag");
    assert!(href.ends_with(&format!("?v={}", tag.trim_matches('"'))), "{href} {tag}");
    let again = service.request(Method::GET, href, "").header("If-None-Match", tag);
    assert!(Reply::read(again.send().await.unwrap()).await.expect(304, "").bytes.is_empty());
    service.get("/admin/assets/none.css", "").await.expect(404, "not_found");
    service.get("/admin/assets/..%2F..%2Fconsole.rs", "").await.expect(404, "not_found");
});

on_both_engines!(
    whoever_is_reached_over_tls_stays_there,
    |config| {
        config.server.public_url = Some("https://tuttu.example".to_owned());
    },
    |service| {
        let page = service.get("/admin/sign-in", "").await.expect(200, "");
        assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
        let anna = service.admin("anna", &[Role::Admin]).await;
        let form = service.browse(Method::POST, "/admin/team/invite", &anna);
        let form = form.header("Origin", "https://tuttu.example").form(&[("name", "berta")]);
        let invited = Reply::read(form.send().await.unwrap()).await.expect(200, "").body();
        assert!(invited.contains(">https://tuttu.example/admin/enrol#secret="), "{invited}");
    }
);

on_both_engines!(a_name_cannot_write_into_a_page, |service| {
    let anna = service.admin("anna", &[Role::Admin]).await;
    let name = "<script>alert(1)</script>";
    let refused = service.submit("/admin/team/invite", &anna, &[("name", name)]).await;
    assert_eq!(refused.status, 400);
    let token = [("name", name), ("days", "1"), ("role", "viewer")];
    service.submit("/admin/team/tokens", &anna, &token).await.expect(200, "");
    let page = service.page("/admin/team", &anna).await.expect(200, "").body();
    assert!(page.contains("&#60;script&#62;alert") && !page.contains("<script>alert"), "{page}");
});
