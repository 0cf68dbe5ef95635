-- The secret that numbers and subjects of limits are hashed with. Kept in step with migrations/postgres.

-- Sealed under index_key, so that this key is replaced and no row moves. In a database of before it is empty: there the
-- first version of index_key is that secret itself, which the first node to come seals.
CREATE TABLE index_secret (
    name   TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;
INSERT INTO index_secret (name, sealed) SELECT 'numbers', CAST('' AS BLOB) WHERE EXISTS (SELECT 1 FROM key_fingerprints);
