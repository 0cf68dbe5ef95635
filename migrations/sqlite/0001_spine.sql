-- The spine. Kept in step with migrations/postgres: same tables, columns and keys.
-- Times are milliseconds since 1970 (UTC). `*_sealed` is XChaCha20-Poly1305 under number_key,
-- `number_index` keyed BLAKE3 under index_key, `handle` one AES-256 block under directory_key.
-- Every table shards by its first key column; every unique key holds that column.

CREATE TABLE key_fingerprints (
    purpose     TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    fingerprint BLOB    NOT NULL,
    PRIMARY KEY (purpose, version)
) STRICT;

CREATE TABLE epochs (
    epoch_id      INTEGER PRIMARY KEY,
    algorithm     TEXT    NOT NULL,
    pepper_sealed BLOB    NOT NULL,
    valid_from    INTEGER NOT NULL,
    valid_until   INTEGER
) STRICT;

CREATE TABLE verifications (
    verification_id BLOB    PRIMARY KEY,
    secret_hash     BLOB    NOT NULL,
    number_index    BLOB    NOT NULL,
    number_sealed   BLOB    NOT NULL,
    locale          TEXT,
    app_hash        TEXT,
    web_origin      TEXT,
    code_length     INTEGER NOT NULL,
    checks          INTEGER NOT NULL,
    checks_limit    INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    resend_at       INTEGER NOT NULL,
    approved_at     INTEGER,
    repeats_left    INTEGER NOT NULL,
    grant_used_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX verifications_by_end ON verifications (expires_at);
CREATE INDEX verifications_by_number ON verifications (number_index, created_at);

CREATE TABLE deliveries (
    delivery_id     BLOB    PRIMARY KEY,
    verification_id BLOB    NOT NULL,
    channel         TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    gateway         TEXT,
    gateway_message TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    lease_until     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_verification ON deliveries (verification_id, created_at);
CREATE INDEX deliveries_open ON deliveries (created_at) WHERE status IN ('queued', 'claimed');

-- What has been sent to a number, over all its verifications.
CREATE TABLE number_sends (
    number_index   BLOB    PRIMARY KEY,
    sends          INTEGER NOT NULL,
    window_ends_at INTEGER NOT NULL,
    waits          INTEGER NOT NULL,
    resend_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE numbers (
    number_index BLOB PRIMARY KEY,
    account_id   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    account_id         BLOB    PRIMARY KEY,
    number_index       BLOB    NOT NULL,
    number_sealed      BLOB    NOT NULL,
    discoverable_since INTEGER,
    created_at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
    device_id    BLOB    PRIMARY KEY,
    account_id   BLOB    NOT NULL,
    number_index BLOB    NOT NULL,
    secret_hash  BLOB    NOT NULL,
    name_sealed  BLOB    NOT NULL,
    platform     TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    last_paid    BLOB,
    last_paid_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_account ON devices (account_id, created_at);

CREATE TABLE directory (
    epoch_id   INTEGER NOT NULL,
    handle     BLOB    NOT NULL,
    account_id BLOB    NOT NULL,
    tag        BLOB    NOT NULL,
    PRIMARY KEY (handle, epoch_id)
) STRICT, WITHOUT ROWID;

-- The lookup budget of a number: the time at which its bucket will have leaked empty.
CREATE TABLE lookup_budgets (
    number_index BLOB    PRIMARY KEY,
    empty_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
