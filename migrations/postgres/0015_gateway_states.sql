-- How each server finds its gateways. Kept in step with migrations/sqlite.
-- Written when it changes and every half minute; a row that grows old is of a server that has ended.
CREATE TABLE gateway_states (
    node_id    BYTEA  NOT NULL,
    gateway    TEXT   NOT NULL,
    -- Failures in a row.
    failures   BIGINT NOT NULL,
    -- Until when it is passed over, if it is.
    open_until BIGINT,
    seen_at    BIGINT NOT NULL,
    PRIMARY KEY (node_id, gateway)
);
