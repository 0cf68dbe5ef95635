-- The secret that numbers and subjects of limits are hashed with. Kept in step with migrations/sqlite.

-- Sealed under index_key, so that this key is replaced and no row moves. In a database of before it is empty: there the
-- first version of index_key is that secret itself, which the first node to come seals.
CREATE TABLE index_secret (
    name   TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL
);
INSERT INTO index_secret (name, sealed) SELECT 'numbers', CAST('' AS BYTEA) WHERE EXISTS (SELECT 1 FROM key_fingerprints);
