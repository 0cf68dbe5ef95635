//! The team: invited, changed, let go, and never without an admin.

use super::enrolled::{PASSWORD, cookies};
use crate::harness::on_both_engines;
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
    let anna = service.enrol("anna", &[Role::Admin]).await;
    service.try_in("anna", "wrong", "000000", None).await;
    service.try_in("nobody", "wrong", "000000", None).await;
    let code = service.next_code(&anna);
    let cookies = cookies(&service.try_in("anna", PASSWORD, &code, None).await);
    let code = service.next_code(&anna);
    let cookies = service.confirm(&code, &cookies).await;
    let send = async |path: String, fields: &[(&str, &str)]| {
        let token = service.form_token(&cookies).await;
        let fields = [&[("form_token", token.as_str())], fields].concat();
        let status = service.form(&path, &fields, Some(&cookies)).await.status;
        assert!(status == 200 || status == 303, "{path}: {status}");
    };
    send("/admin/team/invite".to_owned(), &[("name", "berta"), ("role", "viewer")]).await;
    let berta = service.admins().await.team().await.unwrap()[1].id;
    let of = |what: &str| format!("/admin/team/{berta}/{what}");
    send(of("roles"), &[("role", "fraud")]).await;
    send(of("end-sessions"), &[]).await;
    send(of("disable"), &[]).await;
    send(of("enable"), &[]).await;
    send(of("reset"), &[]).await;
    send("/admin/you/password".to_owned(), &[("old", PASSWORD), ("password", "seitsemän laihaa lehmää")])
        .await;
    send("/admin/you/recovery-codes".to_owned(), &[]).await;
    send("/admin/team/tokens".to_owned(), &[("name", "x"), ("days", "1"), ("role", "viewer")]).await;
    let token = service.admins().await.tokens().await.unwrap()[0].id;
    send(format!("/admin/team/tokens/{token}/revoke"), &[]).await;
    send("/admin/you/sign-out-everywhere".to_owned(), &[]).await;
    let events = service.events("").await;
    let named: Vec<&str> = events.iter().filter_map(|event| event["action"].as_str()).collect();
    let own = |action: &&str| action.starts_with("admin.") || action.starts_with("api_token.");
    assert_eq!(
        named.into_iter().filter(own).collect::<Vec<_>>(),
        [
            "admin.created",
            "admin.enrolled",
            "admin.sign_in_failed",
            "admin.sign_in_failed",
            "admin.signed_in",
            "admin.stepped_up",
            "admin.invited",
            "admin.roles_changed",
            "admin.disabled",
            "admin.enabled",
            "admin.recovered",
            "admin.password_changed",
            "admin.recovery_codes_renewed",
            "api_token.created",
            "api_token.revoked",
            "admin.sessions_ended",
        ],
        "the sessions of somebody who has none end without one"
    );
    let by = |action: &str| events.iter().find(|event| event["action"] == action).unwrap();
    let id = by("admin.created")["targets"][0]["id"].clone();
    for action in
        ["admin.enrolled", "admin.signed_in", "admin.stepped_up", "admin.invited", "api_token.revoked"]
    {
        assert_eq!(by(action)["actor"], json!({"id": id, "type": "admin"}), "{action}");
    }
    let failed = by("admin.sign_in_failed");
    assert_eq!(
        (failed["outcome"].as_str(), failed["actor"]["type"].as_str()),
        (Some("refused"), Some("starter"))
    );
    let roles = by("admin.roles_changed");
    assert_eq!(roles["changes"], json!([{"field": "roles", "from": "viewer", "to": "fraud"}]));
    assert_eq!(roles["targets"], json!([{"id": berta.to_string(), "type": "admin"}]));
});
