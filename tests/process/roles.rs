//! Nodes serve under a role that owns nothing.

use super::harness::{Engine, Place, make_role, until};

const ROLE: &str = "tuttu_serving";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_serve_under_a_role_that_changes_no_schema() {
    let mut place = Place::on(Engine::Postgres).await;
    make_role(ROLE).await;
    let granted = place.run(&["migrate", "--grant-to", ROLE]).ok();
    assert!(granted.contains("The role tuttu_serving may serve"), "{granted}");
    place.set("TUTTU__DATABASE__URL", &place.url().replacen("postgres@", "tuttu_serving@", 1));
    place.set("TUTTU__DATABASE__MIGRATE", "false");
    place.set("TUTTU__DIRECTORY__MODE", "complete");
    // It is asked again and again until the change is there.
    place.set("TUTTU__DISCOVERY__REQUESTS_PER_HOUR", "100000");
    let (mut one, mut other) = (place.serve(), place.serve());
    one.inbox_key();
    other.inbox_key();
    let anna = one.register("+358401234561").await;
    let bo = other.register("+358401234562").await;
    until("the other node's change in the view that follows the feed", async || {
        let found = one.look_up(&anna.token, std::slice::from_ref(&bo.number)).await;
        (found.get(&bo.number) == Some(&bo.account_id)).then_some(())
    })
    .await;
    for server in [one, other] {
        let log = server.stop().err;
        assert!(!log.contains("permission denied"), "{log}");
    }
    let migrated = place.run(&["migrate"]).ok();
    assert_eq!(migrated, "The schema is up to date.\n", "where nothing is to be done, nothing is asked for");
    place.drop_database().await;
}

#[test]
fn sqlite_has_no_roles() {
    let refusal = Place::new().run(&["migrate", "--grant-to", ROLE]);
    assert_eq!(refusal.code, Some(1));
    assert!(refusal.err.contains("SQLite has no roles"), "{refusal:?}");
}
