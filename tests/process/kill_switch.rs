//! `tuttu sending`: the kill switch, thrown beside a server that runs.

use super::harness::{Engine, Place, on_both_engines};

on_both_engines!(while_an_operator_has_stopped_sending_nobody_is_sent_a_code, |place| {
    let mut server = place.serve();
    server.inbox_key();
    assert_eq!(place.run(&["sending", "status"]).ok(), "Codes are sent.\n");
    assert_eq!(
        place.run(&["sending", "pause", "--reason", "bill shock"]).ok(),
        "Nothing is sent any more.\n"
    );
    let refused = server.start("+358401234561").await.expect(503, "unavailable");
    assert_eq!(refused.text("/limit"), "kill_switch");
    let status = place.run(&["sending", "status"]).ok();
    assert!(
        status.starts_with("Nothing is sent since 20") && status.ends_with("Z: bill shock\n"),
        "{status}"
    );
    assert_eq!(place.run(&["sending", "resume"]).ok(), "Codes are sent again.\n");
    assert_eq!(place.run(&["sending", "resume"]).ok(), "Sending was not stopped.\n");
    server.register("+358401234561").await;
    let unseen = place.run(&["sending", "unseen"]).ok();
    assert_eq!(
        unseen, "COUNTRY  PREFIX  REGISTERED  NEVER SEEN AGAIN\n",
        "who registered today may still come back"
    );
});

#[test]
fn whoever_stops_sending_says_why() {
    let place = Place::new();
    place.run(&["migrate"]).ok();
    let refused = place.run(&["sending", "pause", "--reason", "  "]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("--reason"), "{}", refused.err);
    let named = place.run(&["sending", "pause", "--reason", "asked by +358 40 1234561"]).failed();
    assert!(named.contains("--reason: the reason holds a phone number"), "{named}");
    assert_eq!(place.run(&["sending", "status"]).ok(), "Codes are sent.\n");
}
