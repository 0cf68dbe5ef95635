//! Admins: invitations are taken up once, proofs spent once, and the last who manages the team stays.

use super::fixtures::{at, contract};
use std::time::Duration;
use tuttu::model::admin::{
    AdminName, ApiToken, HashedPassword, INVITATION_LIFETIME, Lane, Role, Roles, SESSION_IDLE,
    SESSION_LIFETIME,
};
use tuttu::model::guard::Subject;
use tuttu::model::id::{AdminId, AdminSessionId};
use tuttu::model::keys::SecretKey;
use tuttu::model::secret::{HashedSecret, PlainSecret};
use tuttu::store::{
    Enrolment, Invitation, NewAdmin, NewApiToken, Proof, ResetBy, SignIn, StepUp, Store, TeamChange,
};

fn new(name: &str, roles: &[Role]) -> NewAdmin {
    let name = AdminName::parse(name).unwrap();
    NewAdmin { id: AdminId::random(), name, roles: Roles::of(roles), on_host: true }
}

fn invitation() -> Invitation {
    Invitation { secret: PlainSecret::random().hash(), expires_at: at(0) + INVITATION_LIFETIME }
}

fn enrolment() -> Enrolment {
    let password = HashedPassword::stored("$argon2id$".to_owned());
    Enrolment {
        password,
        totp_sealed: b"\x01sealed".to_vec(),
        totp_step: 10,
        recovery: vec![[7; 32], [8; 32]],
        browser: PlainSecret::random().hash(),
    }
}

fn sign_in(admin: AdminId, proof: Proof) -> SignIn {
    SignIn {
        admin,
        proof,
        session: AdminSessionId::random(),
        secret: PlainSecret::random().hash(),
        instead_of: None,
        browser: PlainSecret::random().hash(),
        lanes: Vec::new(),
    }
}

/// An admin who has enrolled at 0.
pub(super) async fn enrolled(store: &Store, name: &str, roles: &[Role]) -> AdminId {
    let (admin, invitation) = (new(name, roles), invitation());
    assert!(store.create_admin(&admin, &invitation, at(0)).await.unwrap());
    assert!(store.enrol_admin(admin.id, &invitation.secret, &enrolment(), at(0)).await.unwrap());
    admin.id
}

async fn session(store: &Store, admin: AdminId, step: i64) -> HashedSecret {
    let sign_in = sign_in(admin, Proof::Step(step));
    assert!(store.sign_in(&sign_in, at(0)).await.unwrap());
    sign_in.secret
}

contract!(an_invitation_is_taken_up_once_and_in_time, |store| {
    let (anna, first) = (new("anna", &[Role::Admin]), invitation());
    assert!(store.create_admin(&anna, &first, at(0)).await.unwrap());
    assert!(!store.create_admin(&new("anna", &[]), &invitation(), at(0)).await.unwrap(), "the name is taken");
    assert_eq!(store.invited_admin(&first.secret, at(0)).await.unwrap().unwrap().id, anna.id);
    assert!(store.invited_admin(&first.secret, first.expires_at).await.unwrap().is_none());
    assert!(!store.enrol_admin(anna.id, &first.secret, &enrolment(), first.expires_at).await.unwrap());
    assert!(store.enrol_admin(anna.id, &first.secret, &enrolment(), at(1)).await.unwrap());
    assert!(!store.enrol_admin(anna.id, &first.secret, &enrolment(), at(1)).await.unwrap());
    let listed = store.admins().await.unwrap();
    assert_eq!((listed.len(), listed[0].enrolled_at, listed[0].invited_until), (1, Some(at(1)), None));
    let auth = store.admin_auth(&anna.name).await.unwrap().unwrap();
    assert_eq!((auth.id, auth.totp_sealed, auth.disabled), (anna.id, Some(b"\x01sealed".to_vec()), false));
    assert!(store.admin_auth(&AdminName::parse("berta").unwrap()).await.unwrap().is_none());
});

contract!(a_step_and_a_recovery_code_are_spent_once, |store| {
    let anna = enrolled(store, "anna", &[Role::Admin]).await;
    assert!(!store.sign_in(&sign_in(anna, Proof::Step(10)), at(0)).await.unwrap(), "spent by enrolling");
    assert!(store.sign_in(&sign_in(anna, Proof::Step(11)), at(0)).await.unwrap());
    assert!(!store.sign_in(&sign_in(anna, Proof::Step(11)), at(0)).await.unwrap());
    assert_eq!(store.recovery_codes_left(anna).await.unwrap(), 2);
    assert!(store.sign_in(&sign_in(anna, Proof::Recovery([7; 32])), at(0)).await.unwrap());
    assert!(!store.sign_in(&sign_in(anna, Proof::Recovery([7; 32])), at(0)).await.unwrap());
    assert!(!store.sign_in(&sign_in(anna, Proof::Recovery([9; 32])), at(0)).await.unwrap());
    assert_eq!(store.recovery_codes_left(anna).await.unwrap(), 1);
    store.set_recovery_codes(anna, &[[1; 32], [2; 32], [3; 32]], at(0)).await.unwrap();
    assert_eq!(store.recovery_codes_left(anna).await.unwrap(), 3);
    assert!(!store.sign_in(&sign_in(anna, Proof::Recovery([8; 32])), at(0)).await.unwrap());
    store.note_failed_sign_in(Some(anna), "credentials", at(0)).await.unwrap();
    store.note_failed_sign_in(None, "credentials", at(0)).await.unwrap();
});

contract!(of_many_that_show_the_same_step_at_once_one_gets_in, |store| {
    let anna = enrolled(store, "anna", &[Role::Admin]).await;
    let attempts: Vec<SignIn> = (0..20).map(|_| sign_in(anna, Proof::Step(11))).collect();
    let tried =
        futures_util::future::join_all(attempts.iter().map(|sign_in| store.sign_in(sign_in, at(0)))).await;
    assert_eq!(tried.into_iter().filter(|tried| *tried.as_ref().unwrap()).count(), 1);
});

contract!(a_session_ends_when_it_is_idle_old_or_signed_out, |store| {
    let anna = enrolled(store, "anna", &[Role::Admin]).await;
    let secret = session(store, anna, 11).await;
    assert_eq!(store.admin_session(&secret, at(0)).await.unwrap().unwrap().admin, anna);
    assert!(store.admin_session(&secret, at(0) + SESSION_IDLE).await.unwrap().is_none());
    let mut now = at(0);
    while now < at(0) + SESSION_LIFETIME - SESSION_IDLE {
        now += Duration::from_mins(14);
        store.see_admin_session(&secret, now).await.unwrap();
    }
    assert!(store.admin_session(&secret, now).await.unwrap().is_some());
    store.see_admin_session(&secret, at(0) + SESSION_LIFETIME).await.unwrap();
    assert!(store.admin_session(&secret, at(0) + SESSION_LIFETIME).await.unwrap().is_none());
    let other = session(store, anna, 12).await;
    assert!(store.sign_out(&other, at(0)).await.unwrap() && !store.sign_out(&other, at(0)).await.unwrap());
    assert!(store.admin_session(&other, at(0)).await.unwrap().is_none());
    let _third = session(store, anna, 13).await;
    assert_eq!(store.end_admin_sessions(anna, at(0)).await.unwrap(), 2);
    assert!(store.admin_sessions(anna, at(0)).await.unwrap().is_empty());
});

contract!(a_session_goes_on_under_another_secret_once_the_factor_is_given_again, |store| {
    let anna = enrolled(store, "anna", &[Role::Admin]).await;
    let old = session(store, anna, 11).await;
    let new = PlainSecret::random().hash();
    let again = |step| StepUp { admin: anna, proof: Proof::Step(step), old, new, lanes: Vec::new() };
    assert!(!store.step_up(&again(11), at(60)).await.unwrap());
    assert!(store.step_up(&again(12), at(60)).await.unwrap());
    assert!(store.admin_session(&old, at(60)).await.unwrap().is_none());
    let session = store.admin_session(&new, at(60)).await.unwrap().unwrap();
    assert_eq!((session.second_factor_at, session.created_at), (at(60), at(0)));
    assert!(!store.step_up(&again(13), at(60)).await.unwrap(), "the old secret is void");
});

contract!(the_last_who_manages_the_team_is_never_taken_away, |store| {
    let anna = enrolled(store, "anna", &[Role::Admin]).await;
    let berta = enrolled(store, "berta", &[Role::Viewer]).await;
    let viewer = Roles::of(&[Role::Viewer]);
    assert_eq!(store.set_admin_roles(anna, &viewer, at(0)).await.unwrap(), TeamChange::LastAdmin);
    assert_eq!(store.disable_admin(anna, at(0)).await.unwrap(), TeamChange::LastAdmin);
    assert_eq!(
        store.recover_admin(anna, &invitation(), ResetBy::Admin, at(0)).await.unwrap(),
        TeamChange::LastAdmin
    );
    let both = Roles::of(&[Role::Viewer, Role::Admin]);
    assert_eq!(store.set_admin_roles(berta, &both, at(0)).await.unwrap(), TeamChange::Done);
    let (one, other) = tokio::join!(
        store.set_admin_roles(anna, &viewer, at(0)),
        store.set_admin_roles(berta, &viewer, at(0))
    );
    let mut ended = [one.unwrap(), other.unwrap()];
    ended.sort_by_key(|change| *change == TeamChange::LastAdmin);
    assert_eq!(ended, [TeamChange::Done, TeamChange::LastAdmin], "both at once");
    assert_eq!(store.disable_admin(AdminId::random(), at(0)).await.unwrap(), TeamChange::NotFound);
});

contract!(a_disabled_admin_is_out_at_once, |store| {
    let _anna = enrolled(store, "anna", &[Role::Admin]).await;
    let berta = enrolled(store, "berta", &[Role::Support]).await;
    let sessions = session(store, berta, 11).await;
    assert_eq!(store.disable_admin(berta, at(0)).await.unwrap(), TeamChange::Done);
    assert!(store.admin_session(&sessions, at(0)).await.unwrap().is_none());
    assert!(!store.sign_in(&sign_in(berta, Proof::Step(12)), at(0)).await.unwrap());
    assert!(store.admin_auth_of(berta).await.unwrap().unwrap().disabled);
    assert_eq!(store.enable_admin(berta, at(0)).await.unwrap(), TeamChange::Done);
    assert!(store.sign_in(&sign_in(berta, Proof::Step(12)), at(0)).await.unwrap());
});

contract!(who_recovers_begins_anew_and_on_the_host_so_does_the_last, |store| {
    let anna = enrolled(store, "anna", &[Role::Admin]).await;
    let (old, again) = (session(store, anna, 11).await, invitation());
    let (other, password) = (session(store, anna, 12).await, HashedPassword::stored("$other".to_owned()));
    assert!(store.set_admin_password(anna, (&password, &[]), &old, at(0)).await.unwrap());
    assert!(store.admin_session(&other, at(0)).await.unwrap().is_none(), "only one session goes on");
    assert!(store.admin_session(&old, at(0)).await.unwrap().is_some());
    assert_eq!(
        store.recover_admin(anna, &again, ResetBy::Operator { enable: false }, at(0)).await.unwrap(),
        TeamChange::Done
    );
    assert!(store.admin_session(&old, at(0)).await.unwrap().is_none());
    assert!(store.admin_auth_of(anna).await.unwrap().unwrap().password.is_none());
    assert!(!store.sign_in(&sign_in(anna, Proof::Recovery([7; 32])), at(0)).await.unwrap());
    assert!(store.enrol_admin(anna, &again.secret, &enrolment(), at(0)).await.unwrap());
    assert!(store.sign_in(&sign_in(anna, Proof::Step(11)), at(0)).await.unwrap());
});

contract!(attempts_are_counted_before_they_are_judged, |store| {
    let key = SecretKey::new(1, [1; 32]);
    let lane = |text| (Lane::Name, Subject::derive(&key, "test", text));
    let (anna, berta) = (lane("anna"), lane("berta"));
    let counted =
        (0..20).map(|_| async { store.count_attempt(&[anna, berta], at(0)).await.unwrap().is_ok() });
    let judged = futures_util::future::join_all(counted).await;
    assert_eq!(
        judged.into_iter().filter(|judged| *judged).count(),
        6,
        "five free ones and the first to wait"
    );
    assert_eq!(store.count_attempt(&[anna], at(29)).await.unwrap(), Err(at(30)));
    assert_eq!(store.count_attempt(&[berta, lane("clara")], at(29)).await.unwrap(), Err(at(30)));
    assert_eq!(store.count_attempt(&[anna], at(30)).await.unwrap(), Ok(()));
    let admin = enrolled(store, "anna", &[]).await;
    let lanes = vec![anna, (Lane::Range, berta.1)];
    let success = SignIn { lanes, ..sign_in(admin, Proof::Step(11)) };
    assert!(store.sign_in(&success, at(31)).await.unwrap());
    assert_eq!(store.count_attempt(&[anna], at(31)).await.unwrap(), Ok(()), "a success forgives");
    assert!(store.knows_browser(&success.browser, admin, at(31)).await.unwrap());
    assert!(!store.knows_browser(&success.browser, AdminId::random(), at(31)).await.unwrap());
    store.forget_admin_traces(at(31) + Duration::from_hours(24 * 91)).await.unwrap();
    assert!(!store.knows_browser(&success.browser, admin, at(31)).await.unwrap());
});

contract!(a_token_works_until_it_ends_or_is_revoked, |store| {
    let (token, maker, boss) = (ApiToken::random(), new("otto", &[Role::Admin]), new("anna", &[Role::Admin]));
    for admin in [&maker, &boss] {
        assert!(store.create_admin(admin, &invitation(), at(0)).await.unwrap());
    }
    let new = NewApiToken {
        id: token.id(),
        name: "nightly".to_owned(),
        secret: token.secret().hash(),
        roles: Roles::of(&[Role::Auditor]),
        made_by: maker.id,
        expires_at: at(100),
    };
    store.create_api_token(&new, at(0)).await.unwrap();
    let auth = store.api_token_auth(token.id(), at(99)).await.unwrap().unwrap();
    assert!(auth.secret.matches(token.secret()) && auth.roles.contains(Role::Auditor));
    assert!(store.api_token_auth(token.id(), at(100)).await.unwrap().is_none());
    store.see_api_token(token.id(), at(50)).await.unwrap();
    assert_eq!(store.api_tokens().await.unwrap()[0].seen_at, Some(at(50)));
    store.set_admin_roles(maker.id, &Roles::of(&[Role::Viewer]), at(51)).await.unwrap();
    let auth = store.api_token_auth(token.id(), at(52)).await.unwrap().unwrap();
    assert!(!auth.roles.contains(Role::Auditor), "no more than its maker may hand out");
    store.disable_admin(maker.id, at(53)).await.unwrap();
    assert!(store.api_token_auth(token.id(), at(54)).await.unwrap().is_none(), "it ends with its maker");
    assert!(store.revoke_api_token(token.id(), at(60)).await.unwrap());
    assert!(!store.revoke_api_token(token.id(), at(61)).await.unwrap());
    assert!(store.api_token_auth(token.id(), at(62)).await.unwrap().is_none());
});
