//! What is kept tells nothing to whoever has the database alone.

use super::{ANNA, BO, KEY, OTHER_KEY, ask, redeem};
use crate::harness::{TestService, on_both_engines};

const KEPT: &str = "UPDATE idempotency SET claim_id = claim_id WHERE answer_sealed IS NOT NULL";
const FOUND_SQLITE: &str = "UPDATE idempotency SET claim_id = claim_id
    WHERE instr(idempotency_id || payload_digest || claim_id || answer_sealed, CAST($1 AS BLOB)) > 0";
const FOUND_POSTGRES: &str = "UPDATE idempotency SET claim_id = claim_id
    WHERE position($1 in idempotency_id || payload_digest || claim_id || answer_sealed) > 0";
/// One answer in the place of every other.
const MOVE: &str = "UPDATE idempotency SET answer_sealed =
    (SELECT o.answer_sealed FROM idempotency o ORDER BY o.idempotency_id LIMIT 1)";

/// How many rows hold these bytes.
async fn holding(service: &TestService, bytes: &[u8]) -> u64 {
    let found = if service.store().engine() == "sqlite" { FOUND_SQLITE } else { FOUND_POSTGRES };
    service.alter(found, &[bytes]).await
}

on_both_engines!(the_database_shows_neither_token_nor_secret_nor_number_nor_key, |service| {
    let grant = service.grant(ANNA).await;
    let registered = redeem(service, &grant, KEY).await.expect(201, "");
    let started = ask(service, BO, OTHER_KEY).await.expect(201, "");
    assert_eq!(service.alter(KEPT, &[]).await, 2);
    let texts = [registered.text("/device_token"), registered.text("/account_id"), started.text("/secret")];
    for text in texts.into_iter().chain([&grant, BO, ANNA, KEY, OTHER_KEY, "application/json", "created"]) {
        assert_eq!(holding(service, text.as_bytes()).await, 0, "{text}");
        assert_eq!(holding(service, &text.as_bytes()[..6]).await, 0, "{text}");
    }
    // The search does find what is there.
    assert_eq!(service.alter("UPDATE idempotency SET claim_id = $1", &[b"needle"]).await, 2);
    assert_eq!(holding(service, b"needle").await, 2);
});

on_both_engines!(an_answer_that_was_moved_is_not_given_out, |service| {
    ask(service, ANNA, KEY).await.expect(201, "");
    ask(service, BO, OTHER_KEY).await.expect(201, "");
    assert_eq!(service.alter(MOVE, &[]).await, 2);
    let (anna, bo) = (ask(service, ANNA, KEY).await, ask(service, BO, OTHER_KEY).await);
    let (stayed, moved) = if anna.status == 201 { (anna, bo) } else { (bo, anna) };
    stayed.expect(201, "");
    moved.expect(503, "unavailable");
});
