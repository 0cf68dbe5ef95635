//! Admins who have signed in, as tests need them.

use super::{Reply, TestService};
use reqwest::Method;
use serde_json::{Value, json};
use tuttu::admins::Admins;
use tuttu::model::admin::{AdminName, FormToken, HashedPassword, INVITATION_LIFETIME, Role, Roles};
use tuttu::model::id::{AdminId, AdminSessionId};
use tuttu::model::secret::PlainSecret;
use tuttu::store::{Enrolment, Invitation, NewAdmin, Proof, SignIn};

/// An admin with a session that has just been begun.
pub(crate) struct Admin {
    pub(crate) id: AdminId,
    secret: PlainSecret,
}

impl Admin {
    /// What the browser sends.
    pub(crate) fn cookie(&self) -> String {
        format!("__Host-tuttu-admin={}", self.secret.expose())
    }

    /// What the session's forms carry.
    pub(crate) fn form_token(&self) -> String {
        FormToken::of(&self.secret).expose().to_owned()
    }
}

impl TestService {
    /// An admin with these roles, who has just signed in.
    pub(crate) async fn admin(&self, name: &str, roles: &[Role]) -> Admin {
        let (id, secret, now) = (AdminId::random(), PlainSecret::random(), self.now());
        let invitation =
            Invitation { secret: PlainSecret::random().hash(), expires_at: now + INVITATION_LIFETIME };
        let name = AdminName::parse(name).unwrap();
        let admin = NewAdmin { id, name, roles: Roles::of(roles), on_host: true };
        assert!(self.store().create_admin(&admin, &invitation, now).await.unwrap());
        let enrolment = Enrolment {
            password: HashedPassword::nobodys(),
            totp_sealed: Vec::new(),
            totp_step: 0,
            recovery: Vec::new(),
            browser: PlainSecret::random().hash(),
        };
        assert!(self.store().enrol_admin(id, &invitation.secret, &enrolment, now).await.unwrap());
        let sign_in = SignIn {
            admin: id,
            proof: Proof::Step(1),
            session: AdminSessionId::random(),
            secret: secret.hash(),
            instead_of: None,
            browser: PlainSecret::random().hash(),
            lanes: Vec::new(),
        };
        assert!(self.store().sign_in(&sign_in, now).await.unwrap());
        self.keep_secret(&secret.expose());
        Admin { id, secret }
    }

    /// A request of an admin's browser, with the form token where something is changed.
    pub(crate) fn browse(&self, method: Method, path: &str, admin: &Admin) -> reqwest::RequestBuilder {
        let changes = method != Method::GET;
        let request = self.request(method, path, "").header("Cookie", admin.cookie());
        if changes { request.header("X-Form-Token", admin.form_token()) } else { request }
    }

    /// A page, or what else is read, as an admin's browser sees it.
    pub(crate) async fn page(&self, path: &str, admin: &Admin) -> Reply {
        self.send(Method::GET, path, self.browse(Method::GET, path, admin)).await
    }

    /// The page of an attempt, once the console has drawn it from the log by itself.
    pub(crate) async fn drawn(&self, attempt: &str, admin: &Admin) -> Reply {
        loop {
            let page = self.page(&format!("/admin/verifications/{attempt}"), admin).await;
            if page.status != 404 {
                return page;
            }
            tokio::task::yield_now().await;
        }
    }

    /// A question of the API as a script of the console asks it.
    pub(crate) async fn ask_as(&self, method: Method, path: &str, admin: &Admin, body: &Value) -> Reply {
        let request = self.browse(method.clone(), path, admin);
        let request = if body.is_null() { request } else { request.json(body) };
        self.send(method, path, request).await
    }

    /// A fresh API token, which an admin makes.
    pub(crate) async fn api_token(&self, admin: &Admin, roles: &[Role]) -> String {
        let body = json!({"name": "test", "roles": roles, "days": 30});
        let made = self.ask_as(Method::POST, "/admin/api/v1/tokens", admin, &body).await.expect(201, "");
        self.keep_secret(made.text("/token"));
        made.text("/token").to_owned()
    }

    /// What the forms of the session with these cookies carry.
    pub(crate) async fn form_token(&self, cookies: &str) -> String {
        let page = self.request(Method::GET, "/admin/you", "").header("Cookie", cookies);
        let page = Reply::read(page.send().await.unwrap()).await.expect(200, "").body();
        let token = page.split("name=\"form_token\" value=\"").nth(1).unwrap();
        token.split('"').next().unwrap().to_owned()
    }

    /// The use cases of admins, on this service's database.
    pub(crate) async fn admins(&self) -> Admins {
        Admins::new(self.store().clone(), self.keys().await.into())
    }

    /// The events whose action begins so, in the order of the log, once all of them are in it.
    pub(crate) async fn events(&self, area: &str) -> Vec<Value> {
        while self.store().audit_waiting().await.unwrap().0 > 0 {
            tokio::task::yield_now().await;
        }
        let entries = self.store().audit_entries((0, 100_000), 100_000).await.unwrap();
        let events = entries.iter().map(|entry| serde_json::from_str::<Value>(&entry.entry).unwrap());
        events.filter(|event| event["action"].as_str().unwrap().starts_with(area)).collect()
    }

    /// A form that an admin's browser sends.
    pub(crate) async fn submit(&self, path: &str, admin: &Admin, fields: &[(&str, &str)]) -> Reply {
        self.send(Method::POST, path, self.browse(Method::POST, path, admin).form(fields)).await
    }
}
