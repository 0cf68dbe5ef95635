-- Limits on sending and guessing. Subjects (addresses, prefixes, countries) are keyed hashes.

ALTER TABLE verifications ADD COLUMN country TEXT;
-- The number less its last six digits, as a subject.
ALTER TABLE verifications ADD COLUMN prefix BYTEA;
-- Whose sends it counts among: `open`, `device` or `test`.
ALTER TABLE verifications ADD COLUMN counter TEXT NOT NULL DEFAULT 'open';
-- Until its first code is sent it has none to be guessed.
ALTER TABLE verifications ADD COLUMN sent_at BIGINT;
-- The send that waits for a challenge to be solved.
ALTER TABLE verifications ADD COLUMN awaiting_channel TEXT;
ALTER TABLE verifications ADD COLUMN awaiting_nonce BYTEA;
ALTER TABLE verifications ADD COLUMN awaiting_difficulty BIGINT;
UPDATE verifications SET sent_at = created_at;

-- What a delivery took: the guard's buckets, and money in millionths.
ALTER TABLE deliveries ADD COLUMN charged BYTEA;
ALTER TABLE deliveries ADD COLUMN country TEXT;
ALTER TABLE deliveries ADD COLUMN price BIGINT NOT NULL DEFAULT 0;

-- What has been sent to a number, over all its verifications, by counter.
CREATE TABLE number_counters (
    number_index   BYTEA    NOT NULL,
    counter        TEXT    NOT NULL,
    sends          BIGINT NOT NULL,
    proven         BIGINT NOT NULL,
    window_ends_at BIGINT NOT NULL,
    waits          BIGINT NOT NULL,
    resend_at      BIGINT NOT NULL,
    refunded_at    BIGINT,
    PRIMARY KEY (number_index, counter)
);
CREATE INDEX number_counters_by_end ON number_counters (window_ends_at);
INSERT INTO number_counters (number_index, counter, sends, proven, window_ends_at, waits, resend_at)
    SELECT number_index, 'open', sends, 0, window_ends_at, waits, resend_at FROM number_sends;
DROP TABLE number_sends;

-- The share of one address range in the sends of a number.
CREATE TABLE range_shares (
    number_index   BYTEA    NOT NULL,
    subject        BYTEA    NOT NULL,
    sends          BIGINT NOT NULL,
    window_ends_at BIGINT NOT NULL,
    PRIMARY KEY (number_index, subject)
);
CREATE INDEX range_shares_by_end ON range_shares (window_ends_at);

-- The guard's token buckets: the time at which the trickle alone will have filled one again.
CREATE TABLE guard_buckets (
    subject BYTEA    PRIMARY KEY,
    full_at BIGINT NOT NULL,
    unit_ms BIGINT NOT NULL,
    cap_ms  BIGINT NOT NULL
);
CREATE INDEX guard_buckets_by_end ON guard_buckets (full_at);

CREATE TABLE guard_pauses (
    subject      BYTEA    PRIMARY KEY,
    paused_until BIGINT NOT NULL,
    pause_ms     BIGINT NOT NULL
);

-- Sends and approvals of a prefix in a day (days since 1970, UTC).
CREATE TABLE conversions (
    subject   BYTEA    NOT NULL,
    day       BIGINT NOT NULL,
    sends     BIGINT NOT NULL,
    approvals BIGINT NOT NULL,
    PRIMARY KEY (subject, day)
);

-- Money spent in a day, in millionths, by country; `*` is all of them.
CREATE TABLE spending (
    country TEXT    NOT NULL,
    day     BIGINT NOT NULL,
    spent   BIGINT NOT NULL,
    PRIMARY KEY (country, day)
);

-- The chance, in hundred-millionths, that the wrong checks of a number had of being right.
CREATE TABLE ledgers (
    number_index BYTEA    PRIMARY KEY,
    spent        BIGINT NOT NULL,
    clearing     BIGINT NOT NULL,
    clears_at    BIGINT
);

-- Wrong checks of verifications that were not approved, and approvals, in a day; in shards, for all write here.
CREATE TABLE guess_counts (
    shard     BIGINT NOT NULL,
    day       BIGINT NOT NULL,
    wrong     BIGINT NOT NULL,
    approvals BIGINT NOT NULL,
    PRIMARY KEY (shard, day)
);

-- The kill switch: while a row is here, nothing is sent.
CREATE TABLE sending_pauses (
    name      TEXT    PRIMARY KEY,
    reason    TEXT    NOT NULL,
    paused_at BIGINT NOT NULL
);
