//! Keys that are replaced while servers run.

mod adding;
mod handles;
mod indexes;
mod tools;

use super::harness::{Engine, Person, Place, on_both_engines, registration, until};
use serde_json::json;
use tools::{
    ANNA, BERTA, CARLA, KEYS, Traffic, code, grant, key, list_says, listed, look_up, rotate, rotate_alone,
    sealed_under, server, two_servers,
};
use tuttu::model::grant::Grant;
use tuttu::model::id::VerificationId;

const DORA: &str = "+358401234564";
const ROTATING: [&str; 6] = ["number_key", "index_key", "code_key", "token_key", "audit_key", "jwt_key"];

on_both_engines!(every_key_is_replaced_on_two_servers_and_nobody_loses_anything, |place| {
    let (one, two) = two_servers(place);
    let both = [&one, &two];
    let anna = Person::registered(
        ANNA,
        &one.post("/v1/accounts", "", &registration(&grant(both, ANNA).await, "Anna's phone")).await,
    );
    let paid = look_up(&one, &anna, None).await;
    let berta = one.attempt(BERTA).await;
    let (bertas_code, carlas_grant) = (code(both, BERTA).await, grant(both, CARLA).await);
    let start = json!({"phone_number": DORA, "channel": "sms"});
    let started = one.post_once("/v1/verifications", "the-same-request-twice", &start).await;

    let traffic = Traffic::begin(both, &anna.token);
    for key in ROTATING {
        rotate(place, (&one, &two), key).await;
    }
    let (answered, failed) = traffic.end().await;
    assert!(answered > 100 && failed == 0, "{answered} answered, {failed} failed");
    assert_eq!(sealed_under(place).await, [vec![2]].into(), "nothing is sealed under the old key");

    for server in both {
        assert_eq!(server.account_of(&anna.token).await, anna.account_id);
        let devices = server.get("/v1/devices", &anna.token).await;
        assert_eq!(devices.text("/devices/0/name"), "Anna's phone");
        let again = look_up(server, &anna, paid["sync_token"].as_str()).await;
        assert_eq!(again["budget"]["cost"], 0);
        // What was paid for just before the switch is asked again for nothing, and both receipts are good.
        let retried = look_up(server, &anna, None).await;
        assert_eq!(retried["budget"]["cost"], 0);
        assert_ne!(retried["sync_token"], paid["sync_token"]);
        look_up(server, &anna, retried["sync_token"].as_str()).await;
        let answer = server.post_once("/v1/verifications", "the-same-request-twice", &start).await;
        assert_eq!(answer.json, started.json, "it is evaluated once");
    }
    let bertas_grant = two.check(&berta, &bertas_code).await.text("/grant");
    assert_eq!(one.check(&berta, &bertas_code).await.text("/grant"), bertas_grant);
    for (number, grant) in [(BERTA, bertas_grant), (CARLA, carlas_grant)] {
        let answer = one.post("/v1/accounts", "", &registration(&grant, "A phone")).await;
        let who = Person::registered(number, &answer);
        assert_eq!(two.account_of(&who.token).await, who.account_id);
    }
});

on_both_engines!(a_key_that_nothing_is_under_is_retired_and_may_leave_the_file, |place| {
    let one = server(place);
    let anna = one.register(ANNA).await;
    let sealed = place.bytes("SELECT number_sealed FROM accounts").await.remove(0);
    rotate_alone(place, &one, "index_key").await;
    for key in ["number_key", "code_key", "token_key"] {
        rotate_alone(place, &one, key).await;
        assert_eq!(listed(place, key, "1", "STATE"), "reading");
    }
    let under = |key| listed(place, key, "1", "UNDER IT");
    assert_eq!(["number_key", "code_key", "token_key"].map(under), ["0 values", "1 code", "1 device"]);

    // Whoever has read his keys before the switch seals once more under the old one.
    let literal = if place.postgres().is_some() { "decode('{}', 'hex')" } else { "x'{}'" };
    let literal = literal.replace("{}", &hex::encode(sealed));
    place.execute(&format!("UPDATE accounts SET number_sealed = {literal}")).await;

    let a_year = 365_i64 * 86_400_000;
    place.execute(&format!("UPDATE verifications SET expires_at = expires_at - {a_year}")).await;
    list_says(place, ("code_key", "1"), "STATE", "retired").await;
    place.execute(&format!("UPDATE key_fingerprints SET used_at = used_at - {a_year}")).await;
    list_says(place, ("number_key", "1"), "STATE", "retired").await;
    assert_eq!(sealed_under(place).await, [vec![2]].into());
    assert_eq!(listed(place, "token_key", "1", "STATE"), "reading", "a device of before lives on");
    place.execute("UPDATE devices SET last_seen_at = 0").await;
    list_says(place, ("token_key", "1"), "STATE", "retired").await;
    one.stop().ok();

    let keys: toml::Table = place.read(KEYS).parse().unwrap();
    let without = |names: &[&str]| {
        let mut keys = keys.clone();
        for name in names {
            keys[*name].as_table_mut().unwrap().remove("1").unwrap();
        }
        toml::to_string(&keys).unwrap()
    };
    place.write(KEYS, &without(&["audit_key"]));
    let refusal = place.refusal();
    assert!(refusal.contains("lacks audit_key version 1"), "{refusal}");
    place.write(KEYS, &without(&["number_key", "code_key", "token_key"]));
    let one = server(place);
    one.get("/v1/account", &anna.token).await.expect(401, "token_invalid");
    one.register(BERTA).await;
});

on_both_engines!(a_server_without_a_version_that_was_added_does_not_start, |place| {
    let one = server(place);
    let before = place.read(KEYS);
    place.run(&["keys", "add", "code_key"]).ok();
    let after = place.read(KEYS);
    place.write(KEYS, &before);
    let refusal = place.refusal();
    assert!(refusal.contains("lacks code_key version 2"), "{refusal}");
    place.write(KEYS, &after);
    server(place);
    drop(one);
});

on_both_engines!(a_key_file_that_cannot_be_used_leaves_the_keys_as_they_were, |place| {
    let one = server(place);
    let anna = one.register(ANNA).await;
    let keys = place.read(KEYS);
    for (text, said) in [
        (keys.replace("[code_key]", "[cod_key]"), "[cod_key] is no key of this version"),
        (keys.replacen("\n1 = ", "\n2 = ", 1), "lacks number_key version 1"),
        (
            keys.replace(
                "[token_key]\n",
                "[token_key]\n7 = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n",
            ),
            "does not know",
        ),
    ] {
        place.write(KEYS, &text);
        one.hang_up();
        until(said, async || one.log().contains(said).then_some(())).await;
    }
    assert_eq!(one.log().matches("the keys stay as they were").count(), 3);
    assert_eq!(one.account_of(&anna.token).await, anna.account_id);
    one.register(BERTA).await;
});

on_both_engines!(whoever_has_an_old_key_forges_no_grant_of_what_was_started_since, |place| {
    let one = server(place);
    rotate_alone(place, &one, "code_key").await;
    let attempt = one.attempt(ANNA).await;
    let code = code([&one, &one], ANNA).await;
    let genuine = one.check(&attempt, &code).await.text("/grant");
    let keys: toml::Table = place.read(KEYS).parse().unwrap();
    let id = VerificationId::parse(&attempt.id).unwrap();
    let forged = Grant::derive(&key(&keys, "code_key", 1).unwrap(), id).expose();
    let answer = one.post("/v1/accounts", "", &registration(&forged, "A phone")).await;
    answer.expect(400, "grant_invalid");
    assert_eq!(one.post("/v1/accounts", "", &registration(&genuine, "A phone")).await.status, 201);
});
