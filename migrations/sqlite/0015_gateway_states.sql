-- How each server finds its gateways. Kept in step with migrations/postgres.
-- Written when it changes and every half minute; a row that grows old is of a server that has ended.
CREATE TABLE gateway_states (
    node_id    BLOB    NOT NULL,
    gateway    TEXT    NOT NULL,
    -- Failures in a row.
    failures   INTEGER NOT NULL,
    -- Until when it is passed over, if it is.
    open_until INTEGER,
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (node_id, gateway)
) STRICT, WITHOUT ROWID;
