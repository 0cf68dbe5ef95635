-- The feed: every change of the directory in the order of its commit, so that every node's view follows it.
-- Kept in step with migrations/postgres.

-- One writer at a time makes feed_id the order of commits; AUTOINCREMENT never uses one again.
CREATE TABLE directory_feed (
    feed_id    INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch_id   INTEGER NOT NULL,
    handle     BLOB    NOT NULL,
    -- NULL: nobody is listed at the handle any more.
    account_id BLOB,
    tag        BLOB
) STRICT;

-- How far the feed went at a time, so that what is old can be forgotten.
CREATE TABLE feed_marks (
    marked_at INTEGER PRIMARY KEY,
    feed_id   INTEGER NOT NULL
) STRICT;

-- Renewed when the database is restored: no cursor or snapshot of before fits any more.
CREATE TABLE feed_identity (
    name     TEXT PRIMARY KEY,
    identity BLOB NOT NULL
) STRICT;
INSERT INTO feed_identity (name, identity) VALUES ('feed', randomblob(16));
