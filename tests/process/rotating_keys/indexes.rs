//! The key that seals what numbers are hashed with.

use super::tools::{ANNA, BERTA, KEYS, grant, key, list_says, listed, rotate_alone, server};
use crate::process::harness::{Engine, Place, on_both_engines, registration};
use tuttu::model::number::PhoneNumber;

const INDEXES: &str = "SELECT number_index FROM numbers";
const UNSEALED: &str = "the secret that numbers are found by does not open";

/// The index of Anna's number, were it made with the first version of the key itself.
fn made_with_the_key(place: &Place) -> Vec<u8> {
    let first = key(&place.read(KEYS).parse().unwrap(), "index_key", 1).unwrap();
    let anna = PhoneNumber::parse(ANNA, None).unwrap();
    first.mac(&[anna.identity().as_bytes()]).to_vec()
}

/// Whether a server of the version before starts here.
async fn is_open_to_the_version_before(place: &Place) -> bool {
    place.bytes("SELECT fingerprint FROM key_fingerprints WHERE purpose = 'index_secret'").await.is_empty()
}

on_both_engines!(everybody_is_found_by_number_once_the_key_of_indexes_is_another, |place| {
    let one = server(place);
    let anna = one.register(ANNA).await;
    let before = place.bytes(INDEXES).await;
    assert_ne!(before, [made_with_the_key(place)]);
    rotate_alone(place, &one, "index_key").await;
    list_says(place, ("index_key", "1"), "STATE", "retired").await;
    assert_eq!(listed(place, "index_key", "2", "STATE"), "in use");
    one.stop().ok();
    let mut keys: toml::Table = place.read(KEYS).parse().unwrap();
    keys["index_key"].as_table_mut().unwrap().remove("1").unwrap();
    place.write(KEYS, &toml::to_string(&keys).unwrap());
    let one = server(place);
    let grant = grant([&one, &one], ANNA).await;
    let again = one.post("/v1/accounts", "", &registration(&grant, "Another phone")).await;
    assert_eq!((again.status, again.text("/account_id")), (200, anna.account_id));
    assert_eq!(place.bytes(INDEXES).await, before, "no row has moved");
});

on_both_engines!(a_database_of_the_version_before_goes_on_with_its_first_key, |place| {
    server(place).stop().ok();
    let undone = "DELETE FROM _sqlx_migrations WHERE version = 23; DROP TABLE index_secret;
        DELETE FROM key_fingerprints WHERE purpose = 'index_secret'";
    place.execute(undone).await;
    let one = server(place);
    let anna = one.register(ANNA).await;
    assert_eq!(place.bytes(INDEXES).await, [made_with_the_key(place)]);
    assert!(is_open_to_the_version_before(place).await, "servers are replaced one by one");
    rotate_alone(place, &one, "index_key").await;
    assert!(!is_open_to_the_version_before(place).await, "it would hash with the second key");
    one.stop().ok();
    let one = server(place);
    let grant = grant([&one, &one], ANNA).await;
    let again = one.post("/v1/accounts", "", &registration(&grant, "Another phone")).await;
    assert_eq!(again.text("/account_id"), anna.account_id);
});

on_both_engines!(a_schema_that_no_server_has_used_is_closed_to_the_version_before, |place| {
    place.run(&["migrate"]).ok();
    assert!(!is_open_to_the_version_before(place).await);
    server(place).register(ANNA).await;
});

on_both_engines!(a_server_does_not_start_where_it_would_find_nobody_by_number, |place| {
    let one = server(place);
    one.register(BERTA).await;
    one.stop().ok();
    assert!(!is_open_to_the_version_before(place).await);
    for altered in [
        "UPDATE index_secret SET sealed = (SELECT number_sealed FROM accounts)",
        "UPDATE index_secret SET sealed = SUBSTR(sealed, 1, 0)",
        "DELETE FROM index_secret",
    ] {
        place.execute(altered).await;
        let refusal = place.refusal();
        assert!(refusal.contains(UNSEALED), "{altered}: {refusal}");
    }
});
