//! What admins and their machines do for people, and to them, by the console's API.

use super::{ANNA, text};
use crate::harness::{Admin, Reply, TestService, on_both_engines};
use reqwest::Method;
use serde_json::{Value, json};
use tuttu::model::admin::Role;

const API: &str = "/admin/api/v1";

/// What a machine with these roles is answered.
async fn ask(service: &TestService, token: &str, method: Method, path: &str, body: &Value) -> Reply {
    let body = (!body.is_null()).then_some(body);
    service.call(method, &format!("{API}{path}"), token, body).await
}

on_both_engines!(a_machine_finds_explains_and_unblocks_what_the_pages_show, |service| {
    let attempt = service.attempt(ANNA).await;
    let admin = service.admin("otto", &[Role::Admin]).await;
    let token = service.api_token(&admin, &[Role::Fraud, Role::Support]).await;
    service.drawn(&attempt.id, &admin).await;
    let found =
        ask(service, &token, Method::GET, "/verifications?country=fi&status=pending", &Value::Null).await;
    let one = &found.expect(200, "").json["verifications"][0];
    assert_eq!(
        (one["id"].as_str(), one["phone_number"].as_str()),
        (Some(&*attempt.id), Some("+358 ••••••• 61"))
    );
    for (filter, count) in [
        ("country=SE", 0),
        ("prefix=%2B35840123", 1),
        ("prefix=%2B358401", 1),
        ("prefix=%2B3584012", 0),
        ("address=127.0.0.250", 1),
        ("address=203.0.113.7", 0),
        ("gateway=inbox&from=2020-01-01", 1),
        ("until=2020-01-01", 0),
        ("limit=1", 1),
    ] {
        let found =
            ask(service, &token, Method::GET, &format!("/verifications?{filter}"), &Value::Null).await;
        assert_eq!(found.expect(200, "").json["verifications"].as_array().unwrap().len(), count, "{filter}");
    }
    for (filter, field) in [
        ("status=maybe", "status"),
        ("from=yesterday", "from"),
        ("before=7", "before"),
        ("limit=201", "limit"),
        ("account=anna", "account"),
        ("address=here", "address"),
    ] {
        let refused =
            ask(service, &token, Method::GET, &format!("/verifications?{filter}"), &Value::Null).await;
        assert_eq!(refused.expect(400, "field_invalid").json["field"], field);
    }
    let timeline =
        ask(service, &token, Method::GET, &format!("/verifications/{}", attempt.id), &Value::Null).await;
    assert_eq!(timeline.expect(200, "").json["steps"][0]["action"], "verification.started");
    let early = service.ask(ANNA).await;
    assert_eq!(early.expect(429, "resend_too_early").status, 429);
    let path = format!("/verifications/{}/unblock", attempt.id);
    let short = ask(service, &token, Method::POST, &path, &json!({"reason": "short"})).await;
    assert_eq!(short.expect(400, "field_invalid").json["field"], "reason");
    ask(service, &token, Method::POST, &path, &json!({"reason": "ticket 17: no code came"}))
        .await
        .expect(204, "");
    service.ask(ANNA).await.expect(201, "");
    let searched =
        ask(service, &token, Method::POST, "/verifications/search", &json!({"phone_number": ANNA})).await;
    assert!(!searched.expect(200, "").json["verifications"].as_array().unwrap().is_empty());
    let none =
        ask(service, &token, Method::POST, "/verifications/search", &json!({"phone_number": "12"})).await;
    none.expect(422, "number_invalid");
    let path = format!("/verifications/{}/reveal", attempt.id);
    let reveal =
        ask(service, &token, Method::POST, &path, &json!({"reason": "a machine would like to"})).await;
    reveal.expect(403, "second_factor_due");
});

on_both_engines!(a_prefix_is_for_roles_that_may_filter_by_it, |service| {
    let admin = service.admin("otto", &[Role::Admin]).await;
    let viewer = service.api_token(&admin, &[Role::Viewer]).await;
    for filter in ["prefix=%2B35840123", "address=127.0.0.1"] {
        let found =
            ask(service, &viewer, Method::GET, &format!("/verifications?{filter}"), &Value::Null).await;
        assert_eq!(found.expect(403, "not_permitted").json["permission"], "filter_by_prefix");
    }
});

on_both_engines!(an_account_is_locked_revoked_exported_and_erased_by_the_api, |service| {
    let (anna, admin) = (service.register(ANNA).await, service.admin("otto", &[Role::Admin]).await);
    let to = |path: &str| format!("{API}/accounts/{}{path}", anna.account_id);
    let (search, wanted) = (format!("{API}/accounts/search"), json!({"phone_number": ANNA}));
    let found = service.ask_as(Method::POST, &search, &admin, &wanted).await;
    assert_eq!(found.expect(200, "").json["account_id"], *anna.account_id);
    let account = service.page(&to(""), &admin).await.expect(200, "");
    assert_eq!(account.json["phone_number"], "+358 ••••••• 61");
    let reason = json!({"reason": "a stolen telephone"});
    service.ask_as(Method::POST, &to("/lock"), &admin, &reason).await.expect(204, "");
    service.ask_as(Method::POST, &to("/lock"), &admin, &reason).await.expect(409, "unchanged");
    service.get("/v1/account", &anna.token).await.expect(401, "token_invalid");
    assert_eq!(service.page(&to(""), &admin).await.json["lock"]["reason"], "a stolen telephone");
    service.ask_as(Method::POST, &to("/unlock"), &admin, &reason).await.expect(204, "");
    service.get("/v1/account", &anna.token).await.expect(200, "");
    let shown = service.ask_as(Method::POST, &to("/reveal"), &admin, &reason).await.expect(200, "");
    assert_eq!(shown.json["phone_number"], ANNA);
    let copy = service.ask_as(Method::POST, &to("/export"), &admin, &reason).await.expect(200, "");
    assert_eq!(copy.json["phone_number"], ANNA);
    let seen = copy.text("/devices/0/last_seen_at").to_owned();
    let device = account.text("/devices/0/id").to_owned();
    let device = to(&format!("/devices/{device}"));
    service.ask_as(Method::DELETE, &device, &admin, &Value::Null).await.expect(204, "");
    service.ask_as(Method::DELETE, &device, &admin, &Value::Null).await.expect(404, "not_found");
    service.get("/v1/account", &anna.token).await.expect(401, "token_invalid");
    let copy = service.ask_as(Method::POST, &to("/export"), &admin, &reason).await.expect(200, "");
    assert_eq!((copy.json["devices"].as_array().unwrap().len(), copy.text("/last_seen_at")), (0, &*seen));
    service.ask_as(Method::DELETE, &to(""), &admin, &Value::Null).await.expect(204, "");
    service.page(&to(""), &admin).await.expect(404, "not_found");
});

/// An export of an account, once the console has drawn the verification by which it was registered; and that one's id.
async fn exported(service: &TestService, account: &str, admin: &Admin) -> (Reply, String) {
    let (path, asked) =
        (format!("{API}/accounts/{account}/export"), json!({"reason": "asked for by letter"}));
    service.audit().await;
    let copy = service.ask_as(Method::POST, &path, admin, &asked).await.expect(200, "");
    let verification = copy.text("/events/0/verification_id").to_owned();
    service.drawn(&verification, admin).await.expect(200, "");
    (service.ask_as(Method::POST, &path, admin, &asked).await.expect(200, ""), verification)
}

on_both_engines!(whoever_takes_a_number_over_is_told_nothing_of_who_had_it, |service| {
    let before = service.register(ANNA).await;
    let admin = service.admin("otto", &[Role::Admin]).await;
    let (first, old) = exported(service, &before.account_id, &admin).await;
    assert!(text(&first).contains(&before.device_id));
    assert_eq!(first.text("/verifications/0/id"), old);
    service.advance(46 * 86_400);
    let after = service.register(ANNA).await;
    assert_ne!(after.account_id, before.account_id);
    let admin = service.admin("olga", &[Role::Admin]).await;
    let (copy, new) = exported(service, &after.account_id, &admin).await;
    let told = text(&copy);
    for own in ["account.replaced", "verification.started", "verification.approved", &after.device_id] {
        assert!(told.contains(own), "{own} in {told}");
    }
    for former in ["account.registered", &old, &before.account_id, &before.device_id] {
        assert!(!told.contains(former), "{former} in {told}");
    }
    assert_eq!(copy.json["verifications"].as_array().unwrap().len(), 1);
    assert_eq!(copy.text("/verifications/0/id"), new);
});

on_both_engines!(a_country_is_blocked_and_sending_stopped_by_the_api, |service| {
    let admin = service.admin("otto", &[Role::Admin]).await;
    let token = service.api_token(&admin, &[Role::Fraud]).await;
    let unknown = json!({"verdict": "shut", "reason": "pumping since noon"});
    let refused = ask(service, &token, Method::PUT, "/policies/FI", &unknown).await;
    assert_eq!(refused.expect(400, "field_invalid").json["field"], "verdict");
    let block = json!({"verdict": "block", "reason": "pumping since noon", "hours": 2});
    ask(service, &token, Method::PUT, "/policies/FI", &block).await.expect(204, "");
    service.ask(ANNA).await.expect(403, "destination_not_allowed");
    let decided = ask(service, &token, Method::GET, "/policies", &Value::Null).await.expect(200, "");
    assert_eq!(decided.json["policies"][0]["verdict"], "block");
    ask(service, &token, Method::DELETE, "/policies/FI", &Value::Null).await.expect(204, "");
    ask(service, &token, Method::DELETE, "/policies/FI", &Value::Null).await.expect(404, "not_found");
    let pause = |paused: bool, reason: &str| json!({"paused": paused, "reason": reason});
    ask(service, &token, Method::PUT, "/sending", &pause(true, "")).await.expect(400, "field_invalid");
    let named = ask(service, &token, Method::PUT, "/sending", &pause(true, "asked by +358 40 1234561")).await;
    assert_eq!(named.expect(400, "field_invalid").json["field"], "reason");
    let paused = ask(service, &token, Method::PUT, "/sending", &pause(true, "an incident")).await;
    assert_eq!(paused.expect(200, "").json["paused"], true);
    let now = ask(service, &token, Method::GET, "/now", &Value::Null).await.expect(200, "");
    assert_eq!(
        (&now.json["sending"]["reason"], now.json["minutes"].as_array().unwrap().len()),
        (&json!("an incident"), 60)
    );
    let on = ask(service, &token, Method::PUT, "/sending", &json!({"paused": false})).await;
    assert_eq!(on.expect(200, "").json["paused"], false);
    service.ask(ANNA).await.expect(201, "");
    let events = service.events("sending.").await;
    assert_eq!(events.len(), 2);
});

on_both_engines!(the_guard_of_a_country_and_of_a_prefix_is_shown, |service| {
    for last in 1..=4 {
        service.ask(&format!("+35840123456{last}")).await.expect(201, "");
    }
    let admin = service.admin("otto", &[Role::Admin]).await;
    let country = service.page(&format!("{API}/policies/FI"), &admin).await.expect(200, "");
    assert_eq!(
        (&country.json["guards"][0]["left_percent"], &country.json["policy"]),
        (&json!(98), &Value::Null)
    );
    let prefix = service.page(&format!("{API}/policies/+35840123"), &admin).await.expect(200, "");
    assert_eq!(prefix.json["guards"][0]["left_percent"], 50, "four of eight: {prefix:?}");
    let range = service.page(&format!("{API}/policies/+358401"), &admin).await.expect(200, "");
    let range = &range.json["guards"][1];
    assert_eq!(
        (&range["level"], &range["sends"], &range["approvals"]),
        (&json!("guard_number_range"), &json!(4), &json!(0))
    );
    let page = text(&service.page("/admin/countries?prefix=%2B35840123", &admin).await.expect(200, ""));
    assert!(page.contains("50 % left"), "{page}");
    let viewer = service.admin("vera", &[Role::Viewer]).await;
    service.page(&format!("{API}/policies/+35840123"), &viewer).await.expect(403, "not_permitted");
    service.page(&format!("{API}/policies/Finland"), &admin).await.expect(404, "not_found");
});

on_both_engines!(sums_and_gateways_are_told_as_they_are, |service| {
    let attempt = service.attempt(ANNA).await;
    let admin = service.admin("otto", &[Role::Admin]).await;
    service.drawn(&attempt.id, &admin).await;
    let sent = |gateways: Reply| gateways.json["gateways"][0]["day"]["sent"].as_i64();
    while sent(service.page(&format!("{API}/gateways"), &admin).await) != Some(1) {
        tokio::task::yield_now().await;
    }
    let gateways = service.page(&format!("{API}/gateways"), &admin).await.expect(200, "");
    let one = &gateways.json["gateways"][0];
    assert_eq!(
        (&one["name"], &one["nodes"], &one["nodes_passing_over"]),
        (&json!("inbox"), &json!(1), &json!(0))
    );
    let page = text(&service.page("/admin/gateways", &admin).await.expect(200, ""));
    assert!(page.contains("well") && page.contains("inbox"), "{page}");
    let countries = service.page(&format!("{API}/countries"), &admin).await.expect(200, "");
    let finland = &countries.json["countries"][0];
    assert_eq!((&finland["country"], &finland["day"]["started"]), (&json!("FI"), &json!(1)));
});

on_both_engines!(a_locked_account_is_not_replaced_by_proving_its_number_again, |service| {
    let (anna, admin) = (service.register(ANNA).await, service.admin("otto", &[Role::Admin]).await);
    let to = |path: &str| format!("{API}/accounts/{}{path}", anna.account_id);
    let reason = json!({"reason": "a stolen telephone"});
    service.ask_as(Method::POST, &to("/lock"), &admin, &reason).await.expect(204, "");
    let device = to(&format!("/devices/{}", anna.device_id));
    service.ask_as(Method::DELETE, &device, &admin, &Value::Null).await.expect(204, "");
    service.advance(600);
    let grant = service.grant(ANNA).await;
    service.redeem(&grant).await.expect(423, "account_locked");
    service.ask_as(Method::POST, &to("/unlock"), &admin, &reason).await.expect(204, "");
    assert_eq!(service.redeem(&grant).await.expect(200, "").text("/account_id"), anna.account_id);

    // Nor is one that would be replaced, as nobody has seen it for so long.
    service.ask_as(Method::POST, &to("/lock"), &admin, &reason).await.expect(204, "");
    service.advance(46 * 86_400);
    let grant = service.grant(ANNA).await;
    service.redeem(&grant).await.expect(423, "account_locked");
    let admin = service.admin("berta", &[Role::Admin]).await;
    service.ask_as(Method::POST, &to("/unlock"), &admin, &reason).await.expect(204, "");
    service.redeem(&grant).await.expect(201, "");
});

on_both_engines!(
    whole_numbers_are_searched_for_so_often_in_an_hour_and_no_more,
    |config| { (config.limits.searches_per_hour, config.limits.reveals_per_hour) = (3, 1) },
    |service| {
        let anna = service.register(ANNA).await;
        let admin = service.admin("otto", &[Role::Admin]).await;
        let token = service.api_token(&admin, &[Role::Fraud]).await;
        let wanted = json!({"phone_number": ANNA});
        for path in ["/verifications/search", "/verifications/search", "/verifications/search"] {
            ask(service, &token, Method::POST, path, &wanted).await.expect(200, "");
        }
        let over = ask(service, &token, Method::POST, "/verifications/search", &wanted).await;
        assert_eq!(over.expect(429, "rate_limited").json["limit"], "searches_per_hour");
        let search = format!("{API}/accounts/search");
        service.ask_as(Method::POST, &search, &admin, &wanted).await.expect(200, "");
        assert_eq!(service.events("person.searched").await.len(), 4, "what is refused finds nothing");
        let reason = json!({"reason": "the person asks for it"});
        let export = format!("{API}/accounts/{}/export", anna.account_id);
        service.ask_as(Method::POST, &export, &admin, &reason).await.expect(200, "");
        let reveal = format!("{API}/accounts/{}/reveal", anna.account_id);
        let over = service.ask_as(Method::POST, &reveal, &admin, &reason).await;
        assert_eq!(
            over.expect(429, "rate_limited").json["limit"],
            "reveals_per_hour",
            "an export shows it, too"
        );
        service.advance(3_600);
        ask(service, &token, Method::POST, "/verifications/search", &wanted).await.expect(200, "");
    }
);

on_both_engines!(a_reason_names_no_number, |service| {
    let (anna, admin) = (service.register(ANNA).await, service.admin("otto", &[Role::Admin]).await);
    let lock = format!("{API}/accounts/{}/lock", anna.account_id);
    for names in ["+358401234561 has called", "she called from +358 (40) 123-4561", "ring 0401234561 back"] {
        let refused = service.ask_as(Method::POST, &lock, &admin, &json!({"reason": names})).await;
        assert_eq!(refused.expect(400, "field_invalid").json["field"], "reason", "{names}");
    }
    let policy = json!({"verdict": "block", "reason": "like +358401234561"});
    let refused = service.ask_as(Method::PUT, &format!("{API}/policies/FI"), &admin, &policy).await;
    assert_eq!(refused.expect(400, "field_invalid").json["field"], "reason");
    let fine = json!({"reason": "ticket 20261126, 12:34, call + answer"});
    service.ask_as(Method::POST, &lock, &admin, &fine).await.expect(204, "");
});
