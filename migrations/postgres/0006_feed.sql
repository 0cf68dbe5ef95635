-- The feed: every change of the directory, so that every node's view follows it. Kept in step with migrations/sqlite.

CREATE TABLE directory_feed (
    feed_id    BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    -- Transactions commit in another order than they take numbers in: a reader compares snapshots.
    feed_xid   XID8   NOT NULL DEFAULT pg_current_xact_id(),
    epoch_id   BIGINT NOT NULL,
    handle     BYTEA  NOT NULL,
    -- NULL: nobody is listed at the handle any more.
    account_id BYTEA,
    tag        BYTEA
);
CREATE INDEX directory_feed_by_xid ON directory_feed (feed_xid);

-- How far the feed went at a time, so that what is old can be forgotten.
CREATE TABLE feed_marks (
    marked_at BIGINT PRIMARY KEY,
    feed_id   BIGINT NOT NULL
);

-- Renewed when the database is restored: no cursor or snapshot of before fits any more.
CREATE TABLE feed_identity (
    name     TEXT  PRIMARY KEY,
    identity BYTEA NOT NULL
);
INSERT INTO feed_identity (name, identity) VALUES ('feed', uuid_send(gen_random_uuid()));
