//! `tuttu admin`: the first admin comes from the host, and nobody else does.

use super::harness::{Engine, Place, on_both_engines};
use tuttu::clock::Clock;
use tuttu::store::{DatabaseUrl, Store};

on_both_engines!(an_admin_is_made_listed_and_recovered_on_the_host, |place| {
    place.run(&["migrate"]).ok();
    assert_eq!(place.run(&["admin", "list"]).ok(), "NAME  ROLES  STATE  LAST SIGNED IN\n");
    let made = place.run(&["admin", "create", "--name", "Anna"]).ok();
    let link = made.lines().next().unwrap();
    let (base, secret) = link.split_once("/admin/enrol#secret=").unwrap();
    assert!(base.starts_with("http://localhost:") && secret.len() == 43, "{link}");
    let taken = place.run(&["admin", "create", "--name", "anna"]);
    assert_eq!(taken.code, Some(1));
    assert!(taken.err.contains("there is an admin anna already"), "{}", taken.err);
    place.run(&["admin", "create", "--name", "bo", "--role", "viewer", "--role", "fraud"]).ok();
    let listed = place.run(&["admin", "list"]).ok();
    assert!(listed.contains("anna  admin ") && listed.contains("bo    viewer fraud  invited"), "{listed}");
    let recovered = place.run(&["admin", "recover", "--name", "anna"]).ok();
    assert!(recovered.contains("/admin/enrol#secret=") && !recovered.contains(secret), "{recovered}");
    let unknown = place.run(&["admin", "recover", "--name", "clara"]);
    assert!(unknown.err.contains("there is no admin clara"), "{}", unknown.err);
});

on_both_engines!(who_was_disabled_is_let_in_again_only_if_that_is_said, |place| {
    place.run(&["migrate"]).ok();
    place.run(&["admin", "create", "--name", "bo"]).ok();
    let store = Store::connect(&DatabaseUrl::parse(&place.url()).unwrap(), false, 1).await.unwrap();
    let bo = store.admins().await.unwrap()[0].id;
    store.disable_admin(bo, Clock::System.now()).await.unwrap();
    store.close().await;
    let refused = place.run(&["admin", "recover", "--name", "bo"]).failed();
    assert!(refused.contains("bo is disabled; --enable lets them in again"), "{refused}");
    assert!(place.run(&["admin", "list"]).ok().contains("disabled"));
    let link = place.run(&["admin", "recover", "--name", "bo", "--enable"]).ok();
    assert!(link.contains("/admin/enrol#secret="), "{link}");
    assert!(place.run(&["admin", "list"]).ok().contains("invited"));
});

#[test]
fn names_and_roles_that_are_none_are_refused() {
    let place = Place::new();
    for arguments in [["--name", "an na", "--role", "admin"], ["--name", "anna", "--role", "king"]] {
        let refused = place.run(&[["admin", "create"].as_slice(), &arguments].concat());
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("must be"), "{}", refused.err);
    }
}
