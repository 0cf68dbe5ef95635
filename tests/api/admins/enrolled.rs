//! Whoever has enrolled, and the forms that take an admin there.

use crate::harness::{Reply, TestService};
use jiff::Timestamp;
use reqwest::Method;
use tuttu::model::admin::{AdminName, Role, Roles, SecondFactor};
use tuttu::model::secret::PlainSecret;

pub(super) const PASSWORD: &str = "kuusi vanhaa porsasta";

/// Somebody who has enrolled, with what they have in their hands.
pub(super) struct Enrolled {
    pub(super) name: String,
    pub(super) factor: SecondFactor,
    pub(super) codes: Vec<String>,
    /// The cookie by which the browser is known.
    pub(super) browser: String,
}

impl Enrolled {
    /// The code of a moment.
    pub(super) fn code(&self, at: Timestamp) -> String {
        self.factor.code_at(at).unwrap()
    }
}

impl TestService {
    /// An invitation as `tuttu admin create` makes one.
    pub(super) async fn invite_on_host(&self, name: &str, roles: &[Role]) -> PlainSecret {
        let name = AdminName::parse(name).unwrap();
        let secret = self.admins().await.create(name, Roles::of(roles), true, self.now()).await.unwrap();
        let secret = secret.unwrap();
        self.keep_secret(&secret.expose());
        secret
    }

    /// Takes up an invitation by the console's forms.
    pub(super) async fn enrol(&self, name: &str, roles: &[Role]) -> Enrolled {
        let secret = self.invite_on_host(name, roles).await;
        self.take_up(name, &secret).await
    }

    pub(super) async fn take_up(&self, name: &str, secret: &PlainSecret) -> Enrolled {
        let text = secret.expose();
        let offered = self.form("/admin/enrol", &[("secret", &text)], None).await.expect(200, "");
        let page = offered.body();
        let nonce = page.split("name=\"nonce\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let typed = page.split("<p class=\"mono\">").nth(1).unwrap().split('<').next().unwrap();
        let typed = typed.replace(' ', "");
        self.keep_secret(&typed);
        let bytes = base32::decode(base32::Alphabet::Rfc4648 { padding: false }, &typed).unwrap();
        let factor = SecondFactor::from_slice(&bytes).unwrap();
        let code = factor.code_at(self.now()).unwrap();
        let fields = [("secret", text.as_str()), ("nonce", nonce), ("password", PASSWORD), ("code", &code)];
        let finished = self.form("/admin/enrol/finish", &fields, None).await.expect(200, "");
        let codes: Vec<String> = finished
            .body()
            .split("<li class=\"mono\">")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap().to_owned())
            .collect();
        for code in &codes {
            self.keep_secret(code);
        }
        Enrolled { name: name.to_owned(), factor, codes, browser: cookies(&finished) }
    }

    /// A form that a browser without a session sends, with the cookies that it has.
    pub(super) async fn form(&self, path: &str, fields: &[(&str, &str)], cookies: Option<&str>) -> Reply {
        let mut request = self.request(Method::POST, path, "").form(fields);
        if let Some(cookies) = cookies {
            request = request.header("Cookie", cookies);
        }
        Reply::read(request.send().await.unwrap()).await
    }

    pub(super) async fn try_in(
        &self,
        name: &str,
        password: &str,
        code: &str,
        cookies: Option<&str>,
    ) -> Reply {
        let fields = [("name", name), ("password", password), ("code", code), ("next", "/admin/team")];
        self.form("/admin/sign-in", &fields, cookies).await
    }

    /// Gives a second factor again: the cookies of the session from then on.
    pub(super) async fn confirm(&self, code: &str, session: &str) -> String {
        let token = self.form_token(session).await;
        let fields = [("form_token", token.as_str()), ("code", code)];
        cookies(&self.form("/admin/confirm", &fields, Some(session)).await.expect(303, ""))
    }

    /// Waits for the next code.
    pub(super) fn next_code(&self, of: &Enrolled) -> String {
        self.advance(30);
        of.code(self.now())
    }
}

/// The cookies that an answer sets, as the browser sends them.
pub(super) fn cookies(reply: &Reply) -> String {
    let set = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    set.map(|cookie| cookie.split(';').next().unwrap().to_owned()).collect::<Vec<_>>().join("; ")
}
