-- What the console reads and what admins decide. Kept in step with migrations/postgres.

-- Verifications as the console shows them: drawn from the audit log, out of the way of requests. `log_idx` is the place
-- of the entry that holds the number, which opens for as long as its person's key is kept.
CREATE TABLE attempts (
    attempt_id    BLOB  PRIMARY KEY,
    started_at    INTEGER NOT NULL,
    log_idx       INTEGER NOT NULL,
    number_index  BLOB,
    number_masked TEXT   NOT NULL,
    account_id    BLOB,
    country       TEXT   NOT NULL,
    block4        BLOB,
    block6        BLOB,
    source        BLOB,
    channel       TEXT   NOT NULL,
    gateway       TEXT   NOT NULL,
    status        TEXT   NOT NULL,
    reason        TEXT,
    sent_at       INTEGER,
    approved_at   INTEGER,
    deliveries    INTEGER NOT NULL,
    price         INTEGER NOT NULL
) STRICT;
-- One for each filter, in the order in which pages are read.
CREATE INDEX attempts_by_time ON attempts (started_at, attempt_id);
CREATE INDEX attempts_by_number ON attempts (number_index, started_at, attempt_id);
CREATE INDEX attempts_by_account ON attempts (account_id, started_at, attempt_id);
CREATE INDEX attempts_by_block4 ON attempts (block4, started_at, attempt_id);
CREATE INDEX attempts_by_block6 ON attempts (block6, started_at, attempt_id);
CREATE INDEX attempts_by_source ON attempts (source, started_at, attempt_id);
CREATE INDEX attempts_by_country ON attempts (country, started_at, attempt_id);
CREATE INDEX attempts_by_gateway ON attempts (gateway, started_at, attempt_id);
CREATE INDEX attempts_by_status ON attempts (status, started_at, attempt_id);
CREATE INDEX attempts_by_country_status ON attempts (country, status, started_at, attempt_id);
CREATE INDEX attempts_by_gateway_status ON attempts (gateway, status, started_at, attempt_id);

-- What happened to each, by the place of the event in the audit log.
CREATE TABLE attempt_steps (
    attempt_id BLOB  NOT NULL,
    log_idx    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    action     TEXT   NOT NULL,
    outcome    TEXT   NOT NULL,
    reason     TEXT,
    channel    TEXT,
    gateway    TEXT,
    price      INTEGER,
    PRIMARY KEY (attempt_id, log_idx)
) STRICT;

-- Sums by minute (`span` 60000) and by hour (3600000).
CREATE TABLE attempt_counts (
    span    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    country TEXT   NOT NULL,
    gateway TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    reason  TEXT   NOT NULL,
    number  INTEGER NOT NULL,
    total   INTEGER NOT NULL,
    PRIMARY KEY (span, at, country, gateway, kind, reason)
) STRICT;

-- How far the audit log has been read for the tables above.
CREATE TABLE attempt_progress (
    name TEXT   PRIMARY KEY,
    idx  INTEGER NOT NULL
) STRICT;
INSERT INTO attempt_progress (name, idx) VALUES ('log', 0);

-- Countries and prefixes of which an admin has decided otherwise than the configuration.
CREATE TABLE policies (
    subject    TEXT   PRIMARY KEY,
    verdict    TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    set_by     TEXT   NOT NULL,
    set_at     INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

-- An account that an admin has locked; its devices say so themselves, since they are what every request asks by.
ALTER TABLE accounts ADD COLUMN locked_at INTEGER;
ALTER TABLE accounts ADD COLUMN lock_reason TEXT;
ALTER TABLE devices ADD COLUMN locked_at INTEGER;

-- Whole numbers that an admin was shown in an hour.
CREATE TABLE reveals (
    admin_id BLOB  NOT NULL,
    hour     INTEGER NOT NULL,
    shown    INTEGER NOT NULL,
    PRIMARY KEY (admin_id, hour)
) STRICT;
