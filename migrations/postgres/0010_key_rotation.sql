-- Rotation of keys. Kept in step with migrations/sqlite.
-- A version without added_at came with the database. Of those that have been in use the last is: the one of the
-- latest used_at, and among versions that came with the database the highest. No row is under a retired one.
ALTER TABLE key_fingerprints ADD COLUMN added_at BIGINT;
ALTER TABLE key_fingerprints ADD COLUMN used_at BIGINT;
ALTER TABLE key_fingerprints ADD COLUMN retired_at BIGINT;

-- The version of code_key that derives its code and grant.
ALTER TABLE verifications ADD COLUMN key_version BIGINT NOT NULL DEFAULT 1;
-- The version of token_key that authenticates its token.
ALTER TABLE devices ADD COLUMN key_version BIGINT NOT NULL DEFAULT 1;
-- The version of directory_key that its rows are stored under.
ALTER TABLE epochs ADD COLUMN directory_key BIGINT NOT NULL DEFAULT 1;

-- The servers that run on this database. One that was not seen for a while is gone.
CREATE TABLE nodes (
    node_id    BYTEA    PRIMARY KEY,
    name       TEXT    NOT NULL,
    program    TEXT    NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

-- The versions of keys that a server has read, and which it uses for what is new (1, else 0).
CREATE TABLE node_keys (
    node_id BYTEA    NOT NULL,
    purpose TEXT    NOT NULL,
    version BIGINT NOT NULL,
    in_use  BIGINT NOT NULL,
    PRIMARY KEY (node_id, purpose, version)
);

-- Who seals anew what is under an old version.
CREATE TABLE key_work (
    purpose     TEXT    PRIMARY KEY,
    worker      BYTEA    NOT NULL,
    lease_until BIGINT NOT NULL
);
