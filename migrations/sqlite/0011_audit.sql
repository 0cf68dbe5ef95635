-- The audit log. Kept in step with migrations/postgres.

-- Whom events speak of: the random name and the key of the person at a number (`owner`: its index) or of an admin.
-- Without its row nothing tells whose a name was, and nothing that is sealed under the key opens.
CREATE TABLE audit_subjects (
    owner      BLOB  PRIMARY KEY,
    subject    BLOB  NOT NULL,
    key_sealed BLOB  NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_subjects_by_subject ON audit_subjects (subject);
CREATE INDEX audit_subjects_by_time ON audit_subjects (seen_at);

-- Events that have no place in the log yet, each written in the transaction of its change.
CREATE TABLE audit_pending (
    pending_id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id   BLOB  NOT NULL,
    at         INTEGER NOT NULL,
    entry      TEXT   NOT NULL,
    mac        BLOB  NOT NULL
) STRICT;

-- Rows of audit_pending that no node has written.
CREATE TABLE audit_refused (
    event_id   BLOB  PRIMARY KEY,
    entry      TEXT   NOT NULL,
    mac        BLOB  NOT NULL,
    refused_at INTEGER NOT NULL
) STRICT;

-- The log. `leaf` is the hash of `entry` (RFC 6962); what comes after it is taken from `entry` to be searched by.
CREATE TABLE audit_log (
    idx      INTEGER PRIMARY KEY,
    event_id BLOB  NOT NULL,
    leaf     BLOB  NOT NULL,
    entry    TEXT   NOT NULL,
    at       INTEGER NOT NULL,
    area     TEXT   NOT NULL,
    action   TEXT   NOT NULL,
    outcome  TEXT   NOT NULL,
    actor    TEXT   NOT NULL,
    subject  BLOB,
    country  TEXT
) STRICT;
CREATE UNIQUE INDEX audit_log_by_event ON audit_log (event_id);
CREATE INDEX audit_log_by_time ON audit_log (at, idx);
CREATE INDEX audit_log_by_area ON audit_log (area, idx);
CREATE INDEX audit_log_by_action ON audit_log (action, idx);
CREATE INDEX audit_log_by_outcome ON audit_log (outcome, idx);
CREATE INDEX audit_log_by_actor ON audit_log (actor, idx);
CREATE INDEX audit_log_by_subject ON audit_log (subject, idx) WHERE subject IS NOT NULL;
CREATE INDEX audit_log_by_country ON audit_log (country, idx) WHERE country IS NOT NULL;

-- Roots of tiles that are full: the entries of the tiles above.
CREATE TABLE audit_tiles (
    level INTEGER NOT NULL,
    tile  INTEGER NOT NULL,
    root  BLOB  NOT NULL,
    PRIMARY KEY (level, tile)
) STRICT;

-- Signed heads of the log, with the right edge of its tree.
CREATE TABLE audit_checkpoints (
    size      INTEGER PRIMARY KEY,
    note      TEXT   NOT NULL,
    edge      BLOB  NOT NULL,
    signed_at INTEGER NOT NULL
) STRICT;

-- How far checkpoints have gone out.
CREATE TABLE audit_anchors (
    name      TEXT   PRIMARY KEY,
    size      INTEGER NOT NULL,
    sent_at   INTEGER NOT NULL,
    failed_at INTEGER
) STRICT;
