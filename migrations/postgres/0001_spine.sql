-- The spine. Kept in step with migrations/sqlite: same tables, columns and keys.
-- Times are milliseconds since 1970 (UTC). `*_sealed` is XChaCha20-Poly1305 under number_key,
-- `number_index` keyed BLAKE3 under index_key, `handle` one AES-256 block under directory_key.
-- Every table shards by its first key column; every unique key holds that column.

CREATE TABLE key_fingerprints (
    purpose     TEXT NOT NULL,
    version     BIGINT NOT NULL,
    fingerprint BYTEA NOT NULL,
    PRIMARY KEY (purpose, version)
);

CREATE TABLE epochs (
    epoch_id      BIGINT PRIMARY KEY,
    algorithm     TEXT NOT NULL,
    pepper_sealed BYTEA NOT NULL,
    valid_from    BIGINT NOT NULL,
    valid_until   BIGINT
);

CREATE TABLE verifications (
    verification_id BYTEA PRIMARY KEY,
    secret_hash     BYTEA NOT NULL,
    number_index    BYTEA NOT NULL,
    number_sealed   BYTEA NOT NULL,
    locale          TEXT,
    app_hash        TEXT,
    web_origin      TEXT,
    code_length     BIGINT NOT NULL,
    checks          BIGINT NOT NULL,
    checks_limit    BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    resend_at       BIGINT NOT NULL,
    approved_at     BIGINT,
    repeats_left    BIGINT NOT NULL,
    grant_used_at   BIGINT
);
CREATE INDEX verifications_by_end ON verifications (expires_at);
CREATE INDEX verifications_by_number ON verifications (number_index, created_at);

CREATE TABLE deliveries (
    delivery_id     BYTEA PRIMARY KEY,
    verification_id BYTEA NOT NULL,
    channel         TEXT NOT NULL,
    status          TEXT NOT NULL,
    gateway         TEXT,
    gateway_message TEXT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    lease_until     BIGINT
);
CREATE INDEX deliveries_by_verification ON deliveries (verification_id, created_at);
CREATE INDEX deliveries_open ON deliveries (created_at) WHERE status IN ('queued', 'claimed');

-- What has been sent to a number, over all its verifications.
CREATE TABLE number_sends (
    number_index   BYTEA PRIMARY KEY,
    sends          BIGINT NOT NULL,
    window_ends_at BIGINT NOT NULL,
    waits          BIGINT NOT NULL,
    resend_at      BIGINT NOT NULL
);

CREATE TABLE numbers (
    number_index BYTEA PRIMARY KEY,
    account_id   BYTEA NOT NULL
);

CREATE TABLE accounts (
    account_id         BYTEA PRIMARY KEY,
    number_index       BYTEA NOT NULL,
    number_sealed      BYTEA NOT NULL,
    discoverable_since BIGINT,
    created_at         BIGINT NOT NULL
);

CREATE TABLE devices (
    device_id    BYTEA PRIMARY KEY,
    account_id   BYTEA NOT NULL,
    number_index BYTEA NOT NULL,
    secret_hash  BYTEA NOT NULL,
    name_sealed  BYTEA NOT NULL,
    platform     TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    last_paid    BYTEA,
    last_paid_at BIGINT
);
CREATE INDEX devices_by_account ON devices (account_id, created_at);

CREATE TABLE directory (
    epoch_id   BIGINT NOT NULL,
    handle     BYTEA NOT NULL,
    account_id BYTEA NOT NULL,
    tag        BYTEA NOT NULL,
    PRIMARY KEY (handle, epoch_id)
);

-- The lookup budget of a number: the time at which its bucket will have leaked empty.
CREATE TABLE lookup_budgets (
    number_index BYTEA PRIMARY KEY,
    empty_at     BIGINT NOT NULL
);
