-- Rotation of epochs. Kept in step with migrations/sqlite.
-- An epoch is preparing until prepared_at, live from valid_from to valid_until, and its directory rows are
-- gone at emptied_at. From followed_at on, nothing may be written that was planned with it as the newest.
CREATE TABLE epochs_now (
    epoch_id      BIGINT PRIMARY KEY,
    algorithm     TEXT NOT NULL,
    pepper_sealed BYTEA   NOT NULL,
    created_at    BIGINT NOT NULL,
    prepared_at   BIGINT,
    valid_from    BIGINT,
    valid_until   BIGINT,
    emptied_at    BIGINT,
    followed_at   BIGINT
);
INSERT INTO epochs_now (epoch_id, algorithm, pepper_sealed, created_at, prepared_at, valid_from, valid_until)
SELECT epoch_id, algorithm, pepper_sealed, valid_from, valid_from, valid_from, valid_until FROM epochs;
DROP TABLE epochs;
ALTER TABLE epochs_now RENAME TO epochs;

-- Who works on an epoch's rows and how far it is. A table of its own: every registration locks the row of the
-- newest epoch, and must not wait for progress.
CREATE TABLE epoch_work (
    epoch_id    BIGINT PRIMARY KEY,
    worker      BYTEA   NOT NULL,
    lease_until BIGINT NOT NULL,
    accounts    BIGINT,
    done        BIGINT NOT NULL,
    passed      BIGINT NOT NULL,
    passed_to   BYTEA
);
