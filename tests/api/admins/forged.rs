//! Requests that another site makes a browser send.

use crate::harness::{Reply, on_both_engines};
use reqwest::Method;
use tuttu::model::admin::Role;

on_both_engines!(a_form_without_the_sessions_token_changes_nothing, |service| {
    let anna = service.admin("anna", &[Role::Admin]).await;
    let path = "/admin/team/invite";
    let fields = [("name", "berta"), ("role", "admin")];
    let bare = service.request(Method::POST, path, "").header("Cookie", anna.cookie()).form(&fields);
    assert_eq!(Reply::read(bare.send().await.unwrap()).await.status, 403);
    let berta = service.admin("other", &[Role::Admin]).await;
    let foreign = service.request(Method::POST, path, "").header("Cookie", anna.cookie());
    let foreign = foreign.header("X-Form-Token", berta.form_token()).form(&fields);
    assert_eq!(Reply::read(foreign.send().await.unwrap()).await.status, 403);
    for (name, value) in
        [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "null")]
    {
        let forged = service.browse(Method::POST, path, &anna).header(name, value).form(&fields);
        assert_eq!(Reply::read(forged.send().await.unwrap()).await.status, 403, "{name}");
        let api = service.browse(Method::DELETE, "/admin/api/v1/session", &anna).header(name, value);
        Reply::read(api.send().await.unwrap()).await.expect(403, "request_forged");
        let sign_in = service.request(Method::POST, "/admin/sign-in", "").header(name, value).form(&fields);
        assert_eq!(Reply::read(sign_in.send().await.unwrap()).await.status, 403, "{name}");
    }
    assert_eq!(service.admins().await.team().await.unwrap().len(), 2);
    service.submit(path, &anna, &fields).await.expect(200, "");
});

on_both_engines!(a_token_of_the_api_needs_no_form_token_and_opens_no_page, |service| {
    let anna = service.admin("anna", &[Role::Admin]).await;
    let token = service.api_token(&anna, &[Role::Viewer]).await;
    let shown = service.get("/admin/api/v1/session", &token).await.expect(200, "");
    assert_eq!((shown.text("/by"), shown.text("/name")), ("token", "test"));
    service.get("/admin/team", &token).await.expect(303, "");
    service.get("/admin/api/v1/team", &token).await.expect(403, "not_permitted");
    service.delete("/admin/api/v1/session", &token).await.expect(204, "");
    service.get("/admin/api/v1/session", &token).await.expect(200, "");
    service.advance(31 * 24 * 3600);
    service.get("/admin/api/v1/session", &token).await.expect(401, "not_signed_in");
});
