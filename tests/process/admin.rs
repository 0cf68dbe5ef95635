//! `tuttu admin`: the first admin comes from the host, and nobody else does.

use super::harness::{Engine, Place, on_both_engines};

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

#[test]
fn names_and_roles_that_are_none_are_refused() {
    let place = Place::new();
    for arguments in [["--name", "an na", "--role", "admin"], ["--name", "anna", "--role", "king"]] {
        let refused = place.run(&[["admin", "create"].as_slice(), &arguments].concat());
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("must be"), "{}", refused.err);
    }
}
