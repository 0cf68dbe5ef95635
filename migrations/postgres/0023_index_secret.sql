-- The secret that numbers and subjects of limits are hashed with. Kept in step with migrations/sqlite.

-- Sealed under index_key, so that this key is replaced and no row moves. In a database of before it is empty: there the
-- first version of index_key is that secret itself, which the first node to come seals.
CREATE TABLE index_secret (
    name   TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL
);
INSERT INTO index_secret (name, sealed) SELECT 'numbers', CAST('' AS BYTEA) WHERE EXISTS (SELECT 1 FROM key_fingerprints);

-- A node of the version before hashes with index_key itself. It starts nowhere where there is a mark of a purpose that
-- its key file lacks: in a database that is made from here on, and in one of before once index_key gets a second version.
INSERT INTO key_fingerprints (purpose, version, fingerprint)
    SELECT 'index_secret', 1, CAST('' AS BYTEA) WHERE NOT EXISTS (SELECT 1 FROM key_fingerprints);
