//! Signing in: one answer to all that is wrong, waits that grow, and proofs that work once.

use super::enrolled::{PASSWORD, cookies};
use crate::harness::{Reply, on_both_engines};
use reqwest::Method;
use tuttu::model::admin::{RecoveryCode, Role};
use tuttu::model::secret::PlainSecret;
use tuttu::store::{Resealed, ResetBy, SealedColumn};

on_both_engines!(an_invited_admin_enrols_and_signs_in, |service| {
    let anna = service.enrol("anna", &[Role::Admin]).await;
    assert_eq!(anna.codes.len(), 10);
    assert!(anna.codes.iter().all(|code| RecoveryCode::parse(code).is_some()));
    let used = service.try_in("anna", PASSWORD, &anna.code(service.now()), None).await;
    assert_eq!(used.status, 422, "the code that enrolled is spent");
    let code = service.next_code(&anna);
    let signed_in = service.try_in("Anna", PASSWORD, &code, None).await.expect(303, "");
    assert_eq!(signed_in.header("location"), "/admin/team");
    for cookie in signed_in.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.starts_with("__Host-tuttu-"), "{cookie}");
        assert!(
            cookie.ends_with("; Secure; HttpOnly; SameSite=Strict") && cookie.contains("; Path=/; "),
            "{cookie}"
        );
    }
    let cookies = cookies(&signed_in);
    let page =
        service.request(Method::GET, "/admin/team", "").header("Cookie", &cookies).send().await.unwrap();
    assert!(Reply::read(page).await.expect(200, "").body().contains("anna"));
    let again = service.try_in("anna", PASSWORD, &code, None).await;
    assert_eq!(again.status, 422, "a code works once");
    let recovered = service.try_in("anna", PASSWORD, &anna.codes[0].to_lowercase(), None).await;
    assert_eq!(recovered.status, 303);
    assert_eq!(service.try_in("anna", PASSWORD, &anna.codes[0], None).await.status, 422);
});

on_both_engines!(an_invitation_works_once_and_for_an_hour, |service| {
    let secret = service.invite_on_host("anna", &[Role::Admin]).await;
    let anna = service.take_up("anna", &secret).await;
    let fields = [("secret", secret.expose())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(service.form("/admin/enrol", &fields, None).await.status, 404, "taken up");
    let late = service.invite_on_host("berta", &[Role::Viewer]).await;
    service.advance(3600);
    let text = late.expose();
    assert_eq!(service.form("/admin/enrol", &[("secret", &text)], None).await.status, 404, "over");
    assert_eq!(service.form("/admin/enrol", &[("secret", "?")], None).await.status, 404);
    assert_eq!(anna.name, "anna");
});

on_both_engines!(whoever_opened_an_invitation_before_does_not_know_the_second_factor, |service| {
    let text = service.invite_on_host("anna", &[Role::Admin]).await.expose();
    let mut offered = Vec::new();
    for _ in 0..2 {
        let page = service.form("/admin/enrol", &[("secret", &text)], None).await.expect(200, "").body();
        offered.push(page.split("<p class=\"mono\">").nth(1).unwrap().split('<').next().unwrap().to_owned());
    }
    assert_ne!(offered[0], offered[1]);
});

on_both_engines!(a_weak_password_or_a_wrong_code_enrols_nobody, |service| {
    let secret = service.invite_on_host("anna", &[Role::Admin]).await.expose();
    let nonce = PlainSecret::random().expose();
    for (password, told) in [("kuusi", "at least 12"), ("1qaz2wsx3edc", "many people have")] {
        let fields =
            [("secret", secret.as_str()), ("nonce", &nonce), ("password", password), ("code", "000000")];
        let refused = service.form("/admin/enrol/finish", &fields, None).await;
        assert_eq!(refused.status, 400);
        assert!(refused.body().contains(told) && !refused.body().contains(password));
    }
    let fields = [("secret", secret.as_str()), ("nonce", &nonce), ("password", PASSWORD), ("code", "00000")];
    assert_eq!(service.form("/admin/enrol/finish", &fields, None).await.status, 422);
    assert!(service.admins().await.team().await.unwrap()[0].enrolled_at.is_none());
});

on_both_engines!(whatever_is_wrong_is_answered_alike, |service| {
    let anna = service.enrol("anna", &[Role::Admin]).await;
    let code = service.next_code(&anna);
    let long = "x".repeat(300);
    let wrong = [
        service.try_in("anna", "not the password", &code, None).await,
        service.try_in("anna", PASSWORD, "000000", None).await,
        service.try_in("anna", &long, &code, None).await,
        service.try_in("anna", PASSWORD, "AAAAAA-AAAAAA-AAAAAA-AAAAAA", None).await,
    ];
    let nobody = service.try_in("nobody", PASSWORD, &code, None).await;
    for reply in &wrong {
        assert_eq!(reply.status, 422);
        assert_eq!(reply.body().replace("anna", "nobody"), nobody.body());
        assert!(!reply.headers.contains_key("set-cookie"));
    }
    assert_eq!(
        service.try_in("anna", PASSWORD, &code, None).await.status,
        303,
        "no wrong try spent the code"
    );
});

on_both_engines!(failures_wait_ever_longer_whether_there_is_such_an_admin_or_not, |service| {
    let _anna = service.enrol("anna", &[Role::Admin]).await;
    for name in ["anna", "nobody"] {
        for _ in 0..6 {
            assert_eq!(service.try_in(name, "wrong", "000000", None).await.status, 422);
        }
        let early = service.try_in(name, "wrong", "000000", None).await;
        assert_eq!((early.status, early.retry_after()), (429, 30), "{name}");
        assert!(early.body().contains("Try again in 30 seconds"));
    }
    service.advance(30);
    assert_eq!(service.try_in("anna", "wrong", "000000", None).await.status, 422);
    assert_eq!(service.try_in("anna", "wrong", "000000", None).await.retry_after(), 60);
    service.restart().await;
    assert_eq!(service.try_in("anna", "wrong", "000000", None).await.status, 429, "over restarts");
});

on_both_engines!(strangers_cannot_shut_out_a_browser_that_has_signed_in_before, |service| {
    let anna = service.enrol("anna", &[Role::Admin]).await;
    let code = service.next_code(&anna);
    let signed_in = service.try_in("anna", PASSWORD, &code, None).await.expect(303, "");
    let known = cookies(&signed_in);
    let browser = known.split("; ").find(|cookie| cookie.contains("browser")).unwrap().to_owned();
    for _ in 0..7 {
        service.try_in("anna", "wrong", "000000", None).await;
    }
    let code = service.next_code(&anna);
    assert_eq!(service.try_in("anna", PASSWORD, "000000", None).await.status, 422);
    assert_eq!(service.try_in("anna", PASSWORD, &code, None).await.status, 429, "a strange browser waits");
    assert_eq!(service.try_in("anna", PASSWORD, &code, Some(&browser)).await.status, 303, "hers does not");
    let berta = service.enrol("berta", &[Role::Viewer]).await;
    let code = service.next_code(&berta);
    let shared = service.try_in("berta", PASSWORD, &code, Some(&browser)).await.expect(303, "");
    assert!(cookies(&shared).contains(&browser), "a browser may be known as several admins'");
    let clara = service.enrol("clara", &[Role::Viewer]).await;
    let code = service.next_code(&clara);
    for _ in 0..6 {
        service.try_in("clara", "wrong", "000000", Some(&browser)).await;
    }
    let strange = service.try_in("clara", PASSWORD, &code, Some(&browser)).await;
    assert_eq!(strange.status, 429, "it is not known as hers");
});

on_both_engines!(strangers_cannot_hold_up_whoever_has_just_recovered, |service| {
    let anna = service.enrol("anna", &[Role::Admin]).await;
    let id = service.admins().await.team().await.unwrap()[0].id;
    for _ in 0..7 {
        service.try_in("anna", "wrong", "000000", None).await;
    }
    let secret =
        service.admins().await.reset(id, ResetBy::Operator { enable: false }, service.now()).await.unwrap();
    let code = service.next_code(&anna);
    assert_eq!(service.try_in("anna", PASSWORD, &code, None).await.status, 422, "the old ones are void");
    let again = service.take_up("anna", &secret).await;
    let code = service.next_code(&again);
    assert_eq!(service.try_in("anna", PASSWORD, &code, None).await.status, 429);
    assert_eq!(service.try_in("anna", PASSWORD, &code, Some(&again.browser)).await.status, 303);
});

on_both_engines!(a_session_ends_by_itself_and_by_signing_out, |service| {
    let anna = service.admin("anna", &[Role::Admin]).await;
    service.page("/admin/you", &anna).await.expect(200, "");
    service.advance(14 * 60);
    service.page("/admin/you", &anna).await.expect(200, "");
    service.advance(15 * 60);
    let over = service.page("/admin/you", &anna).await.expect(303, "");
    assert_eq!(over.header("location"), "/admin/sign-in?next=%2Fadmin%2Fyou");
    let berta = service.admin("berta", &[Role::Viewer]).await;
    let out = service.submit("/admin/sign-out", &berta, &[]).await.expect(303, "");
    assert!(out.header("set-cookie").starts_with("__Host-tuttu-admin=; Path=/; Max-Age=0;"));
    service.page("/admin/you", &berta).await.expect(303, "");
    service.get("/admin/api/v1/session", "").await.expect(401, "not_signed_in");
});

on_both_engines!(a_second_factor_is_fresh_for_five_minutes_and_given_again_changes_the_session, |service| {
    let anna = service.enrol("anna", &[Role::Admin]).await;
    let code = service.next_code(&anna);
    let first = cookies(&service.try_in("anna", PASSWORD, &code, None).await);
    let token = service.form_token(&first).await;
    let invite = [("form_token", token.as_str()), ("name", "berta"), ("role", "viewer")];
    service.form("/admin/team/invite", &invite, Some(&first)).await.expect(200, "");
    service.advance(5 * 60);
    let due = service.form("/admin/team/invite", &invite, Some(&first)).await.expect(303, "");
    assert_eq!(due.header("location"), "/admin/confirm?next=%2Fadmin");
    let wrong = [("form_token", token.as_str()), ("code", "000000"), ("next", "/admin/team")];
    assert_eq!(service.form("/admin/confirm", &wrong, Some(&first)).await.status, 422);
    let failed = service.events("admin.sign_in_failed").await;
    assert_eq!((failed.len(), &failed[0]["reason"]), (1, &serde_json::json!("second_factor")));
    let code = service.next_code(&anna);
    let right = [("form_token", token.as_str()), ("code", code.as_str()), ("next", "https://evil.example/")];
    let given = service.form("/admin/confirm", &right, Some(&first)).await.expect(303, "");
    assert_eq!(given.header("location"), "/admin", "nowhere else");
    let second = cookies(&given);
    service.form("/admin/team/invite", &invite, Some(&first)).await.expect(303, "");
    let token = service.form_token(&second).await;
    let invite = [("form_token", token.as_str()), ("name", "clara"), ("role", "viewer")];
    service.form("/admin/team/invite", &invite, Some(&second)).await.expect(200, "");
});

on_both_engines!(an_admin_changes_the_password_and_the_recovery_codes, |service| {
    let anna = service.enrol("anna", &[Role::Admin]).await;
    let code = service.next_code(&anna);
    let cookies = cookies(&service.try_in("anna", PASSWORD, &code, None).await);
    let token = service.form_token(&cookies).await;
    let form = |old, new| {
        [("form_token", token.clone()), ("old", String::from(old)), ("password", String::from(new))]
    };
    let send = async |fields: [(&str, String); 3]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        service.form("/admin/you/password", &fields, Some(&cookies)).await.status
    };
    assert_eq!(send(form("wrong", "seitsemän laihaa lehmää")).await, 422);
    assert_eq!(send(form(PASSWORD, "short")).await, 400);
    let other = service.next_code(&anna);
    let other = self::cookies(&service.try_in("anna", PASSWORD, &other, None).await);
    assert_eq!(send(form(PASSWORD, "seitsemän laihaa lehmää")).await, 200);
    let page = service.request(Method::GET, "/admin/you", "").header("Cookie", &other).send().await.unwrap();
    assert_eq!(page.status(), 303, "only one session goes on");
    let fields = [("form_token", token.as_str())];
    let renewed = service.form("/admin/you/recovery-codes", &fields, Some(&cookies)).await.expect(200, "");
    assert!(!renewed.body().contains(&anna.codes[0]));
    let code = service.next_code(&anna);
    assert_eq!(service.try_in("anna", PASSWORD, &code, None).await.status, 422);
    assert_eq!(service.try_in("anna", "seitsemän laihaa lehmää", &anna.codes[0], None).await.status, 422);
    assert_eq!(service.try_in("anna", "seitsemän laihaa lehmää", &code, None).await.status, 303);
    for _ in 0..6 {
        assert_eq!(send(form("wrong", "kahdeksan harmaata hevosta")).await, 422);
    }
    assert_eq!(
        send(form("wrong", "kahdeksan harmaata hevosta")).await,
        429,
        "a session finds no password out"
    );
});

on_both_engines!(the_second_factor_lies_sealed_where_a_rotation_finds_it, |service| {
    let anna = service.enrol("anna", &[Role::Admin]).await;
    let sealed = service.store().sealed_values(SealedColumn::SecondFactor, &[], 10).await.unwrap();
    assert_eq!(sealed.len(), 1);
    let secret = anna.factor.expose_bytes();
    assert!(!sealed[0].sealed.windows(secret.len()).any(|window| window == secret));
    let before = service.store().count_sealed(1).await.unwrap();
    let anew = Resealed { before: sealed[0].clone(), sealed: [&[2], &sealed[0].sealed[1..]].concat() };
    assert_eq!(service.store().replace_sealed(SealedColumn::SecondFactor, &[anew]).await.unwrap(), 1);
    assert_eq!(service.store().count_sealed(1).await.unwrap(), before - 1);
});
