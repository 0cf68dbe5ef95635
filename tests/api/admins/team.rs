//! The team: invited, changed, let go, and never without an admin.

use crate::harness::{Reply, on_both_engines};
use reqwest::Method;
use serde_json::{Value, json};
use tuttu::model::admin::Role;

on_both_engines!(an_admin_invites_changes_and_lets_go, |service| {
    let anna = service.admin("anna", &[Role::Admin]).await;
    let invited = service
        .ask_as(Method::POST, "/admin/api/v1/team", &anna, &json!({"name": "berta", "roles": ["support"]}))
        .await;
    let invited = invited.expect(201, "");
    let link = invited.text("/link").to_owned();
    let secret = link.split("#secret=").nth(1).unwrap();
    let berta = service.take_up("berta", &tuttu::model::secret::PlainSecret::parse(secret).unwrap()).await;
    assert_eq!(berta.codes.len(), 10);
    let taken = service
        .ask_as(Method::POST, "/admin/api/v1/team", &anna, &json!({"name": "BERTA", "roles": []}))
        .await;
    taken.expect(409, "name_taken");
    let team = service.page("/admin/api/v1/team", &anna).await.expect(200, "");
    let admins = team.json["admins"].as_array().unwrap();
    assert_eq!(
        admins.iter().map(|admin| admin["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["anna", "berta"]
    );
    let path = format!("/admin/api/v1/team/{}", admins[1]["id"].as_str().unwrap());
    service.ask_as(Method::PATCH, &path, &anna, &json!({"roles": ["fraud", "viewer"]})).await.expect(204, "");
    service
        .ask_as(Method::PATCH, &path, &anna, &json!({"roles": ["fraud", "viewer"]}))
        .await
        .expect(404, "not_found");
    service
        .ask_as(Method::PATCH, &path, &anna, &json!({"roles": [], "disabled": true}))
        .await
        .expect(400, "body_invalid");
    service.ask_as(Method::PATCH, &path, &anna, &json!({"disabled": true})).await.expect(204, "");
    let team = service.page("/admin/api/v1/team", &anna).await.expect(200, "");
    assert_eq!(team.json.pointer("/admins/1/roles").unwrap(), &json!(["viewer", "fraud"]));
    assert!(team.json.pointer("/admins/1/disabled_at").unwrap().is_string());
    let own = format!("/admin/api/v1/team/{}", anna.id);
    service.ask_as(Method::PATCH, &own, &anna, &json!({"roles": ["viewer"]})).await.expect(409, "last_admin");
    service.ask_as(Method::PATCH, &own, &anna, &json!({"disabled": true})).await.expect(409, "last_admin");
    service
        .ask_as(Method::POST, &format!("{own}/reset"), &anna, &Value::Null)
        .await
        .expect(409, "last_admin");
});

on_both_engines!(a_change_of_roles_holds_from_the_next_request_on, |service| {
    let anna = service.admin("anna", &[Role::Admin]).await;
    let berta = service.admin("berta", &[Role::Viewer]).await;
    service.page("/admin/api/v1/team", &berta).await.expect(403, "not_permitted");
    let path = format!("/admin/team/{}/roles", berta.id);
    service.submit(&path, &anna, &[("role", "auditor")]).await.expect(303, "");
    service.page("/admin/api/v1/team", &berta).await.expect(200, "");
    service.submit(&format!("/admin/team/{}/end-sessions", berta.id), &anna, &[]).await.expect(303, "");
    service.page("/admin/api/v1/team", &berta).await.expect(401, "not_signed_in");
});

on_both_engines!(a_token_is_made_shown_once_and_revoked, |service| {
    let anna = service.admin("anna", &[Role::Admin]).await;
    for (name, roles, days, field) in [
        ("", json!(["viewer"]), 1, "name"),
        ("x", json!([]), 1, "roles"),
        ("x", json!(["viewer"]), 367, "days"),
    ] {
        let body = json!({"name": name, "roles": roles, "days": days});
        let refused = service.ask_as(Method::POST, "/admin/api/v1/tokens", &anna, &body).await;
        assert_eq!(refused.expect(400, "field_invalid").text("/field"), field);
    }
    let token = service.api_token(&anna, &[Role::Auditor]).await;
    service.get("/admin/api/v1/tokens", &token).await.expect(200, "");
    let body = json!({"name": "more", "roles": ["viewer"], "days": 1});
    service.post("/admin/api/v1/tokens", &token, &body).await.expect(403, "not_permitted");
    let tokens = service.page("/admin/api/v1/tokens", &anna).await.expect(200, "");
    assert!(!tokens.body().contains(&token));
    let path = format!("/admin/api/v1/tokens/{}", tokens.text("/tokens/0/id"));
    service.ask_as(Method::DELETE, &path, &anna, &Value::Null).await.expect(204, "");
    service.get("/admin/api/v1/tokens", &token).await.expect(401, "not_signed_in");
    service.ask_as(Method::DELETE, &path, &anna, &Value::Null).await.expect(404, "not_found");
    let page = service.page("/admin/team", &anna).await.expect(200, "");
    assert!(page.body().contains("revoked"));
});

on_both_engines!(every_effect_is_one_event, |service| {
    let anna = service.admin("anna", &[Role::Admin]).await;
    let count = async || service.events("admin").await.len() + service.events("api_token").await.len();
    let before = count().await;
    service
        .submit("/admin/team/invite", &anna, &[("name", "berta"), ("role", "viewer")])
        .await
        .expect(200, "");
    let token = service.api_token(&anna, &[Role::Auditor]).await;
    service.get("/admin/api/v1/tokens", &token).await.expect(200, "");
    service.submit("/admin/sign-out", &anna, &[]).await.expect(303, "");
    assert_eq!(count().await - before, 3);
    let last = service.events("admin").await.pop().unwrap();
    assert_eq!(
        (last["action"].as_str(), last["actor"]["type"].as_str()),
        (Some("admin.signed_out"), Some("admin"))
    );
    assert_eq!(last["actor"]["id"].as_str().unwrap(), anna.id.to_string());
    let reply: Reply = service.try_in("nobody", "wrong", "000000", None).await;
    assert_eq!(reply.status, 422);
    let failed = service.events("admin").await.pop().unwrap();
    assert_eq!(
        (failed["action"].as_str(), failed["outcome"].as_str()),
        (Some("admin.sign_in_failed"), Some("refused"))
    );
});
