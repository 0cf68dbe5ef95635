-- Answers to requests with an Idempotency-Key, for a time. Kept in step with migrations/sqlite.
-- The name of a row is a keyed hash of the route, the path, the bearer and the header's value; the answer is sealed
-- under a key derived from number_key and that value, which is not kept: a stolen database replays nothing.

CREATE TABLE idempotency (
    idempotency_id BYTEA PRIMARY KEY,
    payload_digest BYTEA NOT NULL,
    claim_id       BYTEA NOT NULL,
    answer_sealed  BYTEA,
    expires_at     BIGINT NOT NULL
);
CREATE INDEX idempotency_by_end ON idempotency (expires_at);
