-- Limits on sending and guessing. Subjects (addresses, prefixes, countries) are keyed hashes.

ALTER TABLE verifications ADD COLUMN country TEXT;
-- The number less its last six digits, as a subject.
ALTER TABLE verifications ADD COLUMN prefix BLOB;
-- Whose sends it counts among: `open`, `device` or `test`.
ALTER TABLE verifications ADD COLUMN counter TEXT NOT NULL DEFAULT 'open';
-- Until its first code is sent it has none to be guessed.
ALTER TABLE verifications ADD COLUMN sent_at INTEGER;
-- The send that waits for a challenge to be solved.
ALTER TABLE verifications ADD COLUMN awaiting_channel TEXT;
ALTER TABLE verifications ADD COLUMN awaiting_nonce BLOB;
ALTER TABLE verifications ADD COLUMN awaiting_difficulty INTEGER;
UPDATE verifications SET sent_at = created_at;

-- What a delivery took: the guard's buckets, and money in millionths.
ALTER TABLE deliveries ADD COLUMN charged BLOB;
ALTER TABLE deliveries ADD COLUMN country TEXT;
ALTER TABLE deliveries ADD COLUMN price INTEGER NOT NULL DEFAULT 0;

-- What has been sent to a number, over all its verifications, by counter.
CREATE TABLE number_counters (
    number_index   BLOB    NOT NULL,
    counter        TEXT    NOT NULL,
    sends          INTEGER NOT NULL,
    proven         INTEGER NOT NULL,
    window_ends_at INTEGER NOT NULL,
    waits          INTEGER NOT NULL,
    resend_at      INTEGER NOT NULL,
    refunded_at    INTEGER,
    PRIMARY KEY (number_index, counter)
) STRICT, WITHOUT ROWID;
CREATE INDEX number_counters_by_end ON number_counters (window_ends_at);
INSERT INTO number_counters (number_index, counter, sends, proven, window_ends_at, waits, resend_at)
    SELECT number_index, 'open', sends, 0, window_ends_at, waits, resend_at FROM number_sends;
DROP TABLE number_sends;

-- The share of one address range in the sends of a number.
CREATE TABLE range_shares (
    number_index   BLOB    NOT NULL,
    subject        BLOB    NOT NULL,
    sends          INTEGER NOT NULL,
    window_ends_at INTEGER NOT NULL,
    PRIMARY KEY (number_index, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX range_shares_by_end ON range_shares (window_ends_at);

-- The guard's token buckets: the time at which the trickle alone will have filled one again.
CREATE TABLE guard_buckets (
    subject BLOB    PRIMARY KEY,
    full_at INTEGER NOT NULL,
    unit_ms INTEGER NOT NULL,
    cap_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX guard_buckets_by_end ON guard_buckets (full_at);

CREATE TABLE guard_pauses (
    subject      BLOB    PRIMARY KEY,
    paused_until INTEGER NOT NULL,
    pause_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Sends and approvals of a prefix in a day (days since 1970, UTC).
CREATE TABLE conversions (
    subject   BLOB    NOT NULL,
    day       INTEGER NOT NULL,
    sends     INTEGER NOT NULL,
    approvals INTEGER NOT NULL,
    PRIMARY KEY (subject, day)
) STRICT, WITHOUT ROWID;

-- Money spent in a day, in millionths, by country; `*` is all of them.
CREATE TABLE spending (
    country TEXT    NOT NULL,
    day     INTEGER NOT NULL,
    spent   INTEGER NOT NULL,
    PRIMARY KEY (country, day)
) STRICT, WITHOUT ROWID;

-- The chance, in hundred-millionths, that the wrong checks of a number had of being right.
CREATE TABLE ledgers (
    number_index BLOB    PRIMARY KEY,
    spent        INTEGER NOT NULL,
    clearing     INTEGER NOT NULL,
    clears_at    INTEGER
) STRICT, WITHOUT ROWID;

-- Wrong checks of verifications that were not approved, and approvals, in a day; in shards, for all write here.
CREATE TABLE guess_counts (
    shard     INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    wrong     INTEGER NOT NULL,
    approvals INTEGER NOT NULL,
    PRIMARY KEY (shard, day)
) STRICT, WITHOUT ROWID;

-- The kill switch: while a row is here, nothing is sent.
CREATE TABLE sending_pauses (
    name      TEXT    PRIMARY KEY,
    reason    TEXT    NOT NULL,
    paused_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
