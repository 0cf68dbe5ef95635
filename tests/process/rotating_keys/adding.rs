//! A version that is added, taken back, or cut off on its way.

use super::tools::{ANNA, KEYS, listed, server};
use crate::process::harness::Place;
use reqwest::Method;

#[test]
fn a_version_is_added_once_and_taken_back_until_it_is_used() {
    let place = Place::new();
    place.serve().stop().ok();
    let keys = place.read(KEYS);
    let refused = place.run(&["keys", "use", "token_key"]).failed();
    assert!(refused.contains("run `tuttu keys add token_key`"), "{refused}");
    place.run(&["keys", "add", "token_key"]).ok();
    let refused = place.run(&["keys", "add", "token_key"]).failed();
    assert!(refused.contains("token_key version 2 is added and not in use yet"), "{refused}");
    place.run(&["keys", "withdraw", "token_key"]).ok();
    assert_eq!(place.read(KEYS), keys);
    assert_eq!(listed(&place, "token_key", "2", "STATE"), "retired");
    let added = place.run(&["keys", "add", "token_key"]).ok();
    assert!(added.starts_with("token_key version 3 is in"), "{added}");
    // No server runs that would have to read it first.
    place.run(&["keys", "use", "token_key"]).ok();
    let refused = place.run(&["keys", "withdraw", "token_key"]).failed();
    assert!(refused.contains("has no version that is added and not in use"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cut_off_between_file_and_database_is_added_by_the_next_try() {
    let place = Place::new();
    let one = server(&place);
    let anna = one.register(ANNA).await;
    one.stop().ok();
    let second = "2 = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n";
    let both = ["[code_key]\n", "[token_key]\n"];
    place.write(
        KEYS,
        &both.iter().fold(place.read(KEYS), |keys, key| keys.replace(key, &format!("{key}{second}"))),
    );
    let refusal = place.refusal();
    assert!(refusal.contains("has code_key version 2, which this database does not know"), "{refusal}");
    place.run(&["keys", "add", "code_key"]).ok();
    let refusal = place.refusal();
    assert!(refusal.contains("has token_key version 2, which this database does not know"), "{refusal}");
    assert!(refusal.contains("`tuttu keys add token_key`"), "{refusal}");
    place.run(&["keys", "add", "token_key"]).ok();
    assert_eq!(place.read(KEYS).matches(second).count(), 2);
    assert_eq!(server(&place).account_of(&anna.token).await, anna.account_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_is_no_longer_listed() {
    let place = Place::new();
    let one = server(&place);
    assert!(place.run(&["keys", "list"]).ok().contains("(process "));
    assert_eq!(one.ask(Method::GET, "/livez", "", None).await.unwrap().status, 200);
    one.stop().ok();
    let list = place.run(&["keys", "list"]).ok();
    assert!(list.contains("\nnumber_key     1        in use") && !list.contains("(process "), "{list}");
}
