-- Answers to requests with an Idempotency-Key, for a time. Kept in step with migrations/postgres.
-- The name of a row is a keyed hash of the route, the path, the bearer and the header's value; the answer is sealed
-- under a key derived from number_key and that value, which is not kept: a stolen database replays nothing.

CREATE TABLE idempotency (
    idempotency_id BLOB PRIMARY KEY,
    payload_digest BLOB NOT NULL,
    claim_id       BLOB NOT NULL,
    answer_sealed  BLOB,
    expires_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_end ON idempotency (expires_at);
