//! Who may do what: every role against every route of the console and its API. A route without a row here fails.

use crate::harness::{Admin, Reply, TestService, on_both_engines, served};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use tuttu::model::admin::{Permission, Role};

const ID: &str = "3f0e9f1c-6c0e-4c55-9d1e-0e6c3f5a7b11";

/// What a route asks of whoever calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Session,
    FreshSession,
    Permit(Permission),
    Fresh(Permission),
}

use Needs::{Fresh, FreshSession, Nothing, Permit, Session};
use Permission::{
    ChangeGuard, EraseAccount, ExportAuditLog, ExportPerson, LockAccount, ManageTeam, Reveal, RevokeDevice,
    SearchByNumber, SeeAccounts, SeeAuditLog, SeeGateways, SeeGuard, SeeNow, SeeTeam, SeeVerifications,
    SwitchSending, UnblockNumber, VerifyAuditLog,
};

const ROUTES: &[(&str, &str, Needs)] = &[
    ("GET", "/admin/api/v1/session", Session),
    ("DELETE", "/admin/api/v1/session", Session),
    ("POST", "/admin/api/v1/session/confirm", Session),
    ("GET", "/admin/api/v1/team", Permit(SeeTeam)),
    ("POST", "/admin/api/v1/team", Fresh(ManageTeam)),
    ("PATCH", "/admin/api/v1/team/{id}", Fresh(ManageTeam)),
    ("DELETE", "/admin/api/v1/team/{id}/sessions", Fresh(ManageTeam)),
    ("POST", "/admin/api/v1/team/{id}/reset", Fresh(ManageTeam)),
    ("GET", "/admin/api/v1/tokens", Permit(SeeTeam)),
    ("POST", "/admin/api/v1/tokens", Fresh(ManageTeam)),
    ("DELETE", "/admin/api/v1/tokens/{id}", Fresh(ManageTeam)),
    ("GET", "/admin/api/v1/now", Permit(SeeNow)),
    ("PUT", "/admin/api/v1/sending", Permit(SwitchSending)),
    ("GET", "/admin/api/v1/gateways", Permit(SeeGateways)),
    ("GET", "/admin/api/v1/countries", Permit(SeeGuard)),
    ("GET", "/admin/api/v1/policies", Permit(SeeGuard)),
    ("GET", "/admin/api/v1/policies/{subject}", Permit(SeeGuard)),
    ("PUT", "/admin/api/v1/policies/{subject}", Permit(ChangeGuard)),
    ("DELETE", "/admin/api/v1/policies/{subject}", Permit(ChangeGuard)),
    ("GET", "/admin/api/v1/verifications", Permit(SeeVerifications)),
    ("POST", "/admin/api/v1/verifications/search", Permit(SearchByNumber)),
    ("GET", "/admin/api/v1/verifications/{id}", Permit(SeeVerifications)),
    ("POST", "/admin/api/v1/verifications/{id}/reveal", Fresh(Reveal)),
    ("POST", "/admin/api/v1/verifications/{id}/unblock", Permit(UnblockNumber)),
    ("POST", "/admin/api/v1/accounts/search", Permit(SearchByNumber)),
    ("GET", "/admin/api/v1/accounts/{id}", Permit(SeeAccounts)),
    ("DELETE", "/admin/api/v1/accounts/{id}", Fresh(EraseAccount)),
    ("POST", "/admin/api/v1/accounts/{id}/reveal", Fresh(Reveal)),
    ("POST", "/admin/api/v1/accounts/{id}/lock", Permit(LockAccount)),
    ("POST", "/admin/api/v1/accounts/{id}/unlock", Permit(LockAccount)),
    ("POST", "/admin/api/v1/accounts/{id}/export", Fresh(ExportPerson)),
    ("DELETE", "/admin/api/v1/accounts/{id}/devices/{device}", Permit(RevokeDevice)),
    ("GET", "/admin/api/v1/audit/entries", Permit(SeeAuditLog)),
    ("GET", "/admin/api/v1/audit/entries/{index}", Permit(SeeAuditLog)),
    ("GET", "/admin/api/v1/audit/entries/{index}/proof", Permit(SeeAuditLog)),
    ("GET", "/admin/api/v1/audit/log", Permit(SeeAuditLog)),
    ("GET", "/admin/api/v1/audit/catalogue", Permit(SeeAuditLog)),
    ("GET", "/admin/api/v1/audit/schema", Permit(SeeAuditLog)),
    ("POST", "/admin/api/v1/audit/verify", Permit(VerifyAuditLog)),
    ("POST", "/admin/api/v1/audit/export", Permit(ExportAuditLog)),
    ("GET", "/admin", Session),
    ("GET", "/admin/sign-in", Nothing),
    ("POST", "/admin/sign-in", Nothing),
    ("POST", "/admin/sign-out", Session),
    ("GET", "/admin/confirm", Session),
    ("POST", "/admin/confirm", Session),
    ("GET", "/admin/enrol", Nothing),
    ("POST", "/admin/enrol", Nothing),
    ("POST", "/admin/enrol/finish", Nothing),
    ("GET", "/admin/you", Session),
    ("POST", "/admin/you/password", FreshSession),
    ("POST", "/admin/you/recovery-codes", FreshSession),
    ("POST", "/admin/you/sign-out-everywhere", Session),
    ("GET", "/admin/now", Permit(SeeNow)),
    ("POST", "/admin/now/sending", Permit(SwitchSending)),
    ("GET", "/admin/verifications", Permit(SeeVerifications)),
    ("GET", "/admin/verifications.csv", Permit(SeeVerifications)),
    ("POST", "/admin/verifications/search", Permit(SearchByNumber)),
    ("GET", "/admin/verifications/{id}", Permit(SeeVerifications)),
    ("POST", "/admin/verifications/{id}/reveal", Fresh(Reveal)),
    ("POST", "/admin/verifications/{id}/unblock", Permit(UnblockNumber)),
    ("POST", "/admin/countries/policy", Permit(ChangeGuard)),
    ("POST", "/admin/countries/remove", Permit(ChangeGuard)),
    ("POST", "/admin/accounts/search", Permit(SearchByNumber)),
    ("GET", "/admin/accounts/{id}", Permit(SeeAccounts)),
    ("POST", "/admin/accounts/{id}/revoke", Permit(RevokeDevice)),
    ("POST", "/admin/accounts/{id}/lock", Permit(LockAccount)),
    ("POST", "/admin/accounts/{id}/unlock", Permit(LockAccount)),
    ("POST", "/admin/accounts/{id}/reveal", Fresh(Reveal)),
    ("POST", "/admin/accounts/{id}/export", Fresh(ExportPerson)),
    ("POST", "/admin/accounts/{id}/erase", Fresh(EraseAccount)),
    ("GET", "/admin/countries", Permit(SeeGuard)),
    ("GET", "/admin/gateways", Permit(SeeGateways)),
    ("GET", "/admin/accounts", Permit(SeeAccounts)),
    ("GET", "/admin/audit", Permit(SeeAuditLog)),
    ("GET", "/admin/audit/{index}", Permit(SeeAuditLog)),
    ("POST", "/admin/audit/verify", Permit(VerifyAuditLog)),
    ("POST", "/admin/audit/export", Permit(ExportAuditLog)),
    ("GET", "/admin/team", Permit(SeeTeam)),
    ("POST", "/admin/team/invite", Fresh(ManageTeam)),
    ("POST", "/admin/team/{id}/roles", Fresh(ManageTeam)),
    ("POST", "/admin/team/{id}/disable", Fresh(ManageTeam)),
    ("POST", "/admin/team/{id}/enable", Fresh(ManageTeam)),
    ("POST", "/admin/team/{id}/end-sessions", Fresh(ManageTeam)),
    ("POST", "/admin/team/{id}/reset", Fresh(ManageTeam)),
    ("POST", "/admin/team/tokens", Fresh(ManageTeam)),
    ("POST", "/admin/team/tokens/{id}/revoke", Fresh(ManageTeam)),
    ("GET", "/admin/assets/{*file}", Nothing),
];

#[test]
fn every_route_has_a_row() {
    let rows = ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()));
    let mut admins = served();
    admins.retain(|(_, path)| path.starts_with("/admin"));
    assert_eq!(rows.collect::<BTreeSet<_>>(), admins);
}

async fn send(service: &TestService, method: &str, path: &str, admin: Option<&Admin>) -> Reply {
    let target = path
        .replace("{id}", ID)
        .replace("{index}", "0")
        .replace("{device}", ID)
        .replace("{subject}", "FI")
        .replace("{*file}", "console.css");
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = match admin {
        Some(admin) => service.browse(method.clone(), &target, admin),
        None => service.request(method.clone(), &target, ""),
    };
    let request = match (method == Method::GET, path.starts_with("/admin/api/")) {
        (true, _) => request,
        (false, true) => request.json(&json!({})),
        (false, false) => request.form(&[("role", "viewer")]),
    };
    service.send(method, &target, request).await
}

/// Whether somebody was turned away for what they are not allowed.
fn not_permitted(reply: &Reply) -> bool {
    reply.status == 403
}

/// Whether somebody was asked for a second factor.
fn factor_due(reply: &Reply) -> bool {
    reply.json["code"] == "second_factor_due" || reply.header("location").starts_with("/admin/confirm?")
}

/// Whether somebody was asked to sign in.
fn sign_in_due(reply: &Reply) -> bool {
    reply.status == 401 || reply.header("location").starts_with("/admin/sign-in?")
}

on_both_engines!(each_role_gets_what_its_table_says_and_no_more, |service| {
    for (method, path, needs) in ROUTES {
        for role in Role::ALL {
            let name = format!("{}-{method}-{}", role.as_str(), path.replace(['/', '{', '}', '*'], "-"));
            let admin = service.admin(&name[..name.len().min(64)], &[*role]).await;
            let reply = send(service, method, path, Some(&admin)).await;
            let allowed = match needs {
                Permit(permission) | Fresh(permission) => role.permissions().contains(permission),
                Nothing | Session | FreshSession => true,
            };
            assert_eq!(not_permitted(&reply), !allowed, "{} {method} {path}: {reply:?}", role.as_str());
            assert!(!sign_in_due(&reply) || reply.header("location").is_empty(), "{method} {path}");
        }
    }
});

on_both_engines!(without_a_session_only_the_door_is_open, |service| {
    for (method, path, needs) in ROUTES {
        let reply = send(service, method, path, None).await;
        assert_eq!(sign_in_due(&reply), *needs != Nothing, "{method} {path}: {reply:?}");
    }
});

on_both_engines!(what_needs_a_fresh_second_factor_does_not_go_without, |service| {
    for (method, path, needs) in ROUTES {
        let name = format!("{method}-{}", path.replace(['/', '{', '}', '*'], "-"));
        let admin = service.admin(&name, &[Role::Admin]).await;
        service.advance(5 * 60);
        let reply = send(service, method, path, Some(&admin)).await;
        assert_eq!(
            factor_due(&reply),
            matches!(needs, Fresh(_) | FreshSession),
            "{method} {path}: {reply:?}"
        );
    }
});

on_both_engines!(an_admin_without_a_role_sees_nothing, |service| {
    let nobody = service.admin("nobody", &[]).await;
    for (method, path, needs) in ROUTES {
        if matches!(needs, Permit(_) | Fresh(_)) {
            assert!(not_permitted(&send(service, method, path, Some(&nobody)).await), "{method} {path}");
        }
    }
});
