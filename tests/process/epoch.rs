//! `tuttu epoch`: a new epoch, begun beside a server that runs.

use super::harness::{Engine, Place, on_both_engines};

on_both_engines!(an_operator_begins_an_epoch_and_sees_it_live_beside_the_old_one, |place| {
    let mut server = place.serve();
    server.inbox_key();
    let (anna, bo) = (server.register("+358401234561").await, server.register("+358402234562").await);
    let status = place.run(&["epoch", "status"]).ok();
    assert!(status.starts_with("EPOCH  STATE") && status.contains("\n1      live"), "{status}");
    let early = place.run(&["epoch", "rotate"]).failed();
    assert!(early.contains("epoch 1 may be followed from 20") && early.contains("say --incident"), "{early}");
    let said = place.run(&["epoch", "rotate", "--incident", "--wait"]).ok();
    assert!(said.starts_with("Epoch 2 is written.") && said.ends_with("Epoch 2 is live.\n"), "{said}");
    let status = place.run(&["epoch", "status"]).ok();
    let shown: Vec<Vec<&str>> =
        status.lines().skip(1).map(|line| line.split_whitespace().take(2).collect()).collect();
    assert_eq!(shown, [["2", "live"], ["1", "live"]], "{status}");
    // Clients that ask from now on hash anew, and find the same people.
    assert_eq!(server.epoch(&anna.token).await.0, 2);
    let found = server.look_up(&anna.token, &[anna.number.clone(), bo.number.clone()]).await;
    assert_eq!(found.into_values().collect::<Vec<_>>(), [anna.account_id, bo.account_id]);
});

#[test]
fn without_a_server_there_is_no_epoch_to_follow() {
    let place = Place::new();
    place.run(&["migrate"]).ok();
    assert_eq!(place.run(&["epoch", "status"]).ok().lines().count(), 1);
    // The key file is made by the first server.
    let refused = place.run(&["epoch", "rotate"]);
    assert_eq!(refused.code, Some(1));
}
