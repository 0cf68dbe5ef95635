-- Rotation of keys. Kept in step with migrations/postgres.
-- A version without added_at came with the database. Of those that have been in use the last is: the one of the
-- latest used_at, and among versions that came with the database the highest. No row is under a retired one.
ALTER TABLE key_fingerprints ADD COLUMN added_at INTEGER;
ALTER TABLE key_fingerprints ADD COLUMN used_at INTEGER;
ALTER TABLE key_fingerprints ADD COLUMN retired_at INTEGER;

-- The version of code_key that derives its code and grant.
ALTER TABLE verifications ADD COLUMN key_version INTEGER NOT NULL DEFAULT 1;
-- The version of token_key that authenticates its token.
ALTER TABLE devices ADD COLUMN key_version INTEGER NOT NULL DEFAULT 1;
-- The version of directory_key that its rows are stored under.
ALTER TABLE epochs ADD COLUMN directory_key INTEGER NOT NULL DEFAULT 1;

-- The servers that run on this database. One that was not seen for a while is gone.
CREATE TABLE nodes (
    node_id    BLOB    PRIMARY KEY,
    name       TEXT    NOT NULL,
    program    TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The versions of keys that a server has read, and which it uses for what is new (1, else 0).
CREATE TABLE node_keys (
    node_id BLOB    NOT NULL,
    purpose TEXT    NOT NULL,
    version INTEGER NOT NULL,
    in_use  INTEGER NOT NULL,
    PRIMARY KEY (node_id, purpose, version)
) STRICT, WITHOUT ROWID;

-- Who seals anew what is under an old version.
CREATE TABLE key_work (
    purpose     TEXT    PRIMARY KEY,
    worker      BLOB    NOT NULL,
    lease_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
