-- Rotation of epochs. Kept in step with migrations/postgres.
-- An epoch is preparing until prepared_at, live from valid_from to valid_until, and its directory rows are
-- gone at emptied_at. From followed_at on, nothing may be written that was planned with it as the newest.
CREATE TABLE epochs_now (
    epoch_id      INTEGER PRIMARY KEY,
    algorithm     TEXT    NOT NULL,
    pepper_sealed BLOB    NOT NULL,
    created_at    INTEGER NOT NULL,
    prepared_at   INTEGER,
    valid_from    INTEGER,
    valid_until   INTEGER,
    emptied_at    INTEGER,
    followed_at   INTEGER
) STRICT;
INSERT INTO epochs_now (epoch_id, algorithm, pepper_sealed, created_at, prepared_at, valid_from, valid_until)
SELECT epoch_id, algorithm, pepper_sealed, valid_from, valid_from, valid_from, valid_until FROM epochs;
DROP TABLE epochs;
ALTER TABLE epochs_now RENAME TO epochs;

-- Who works on an epoch's rows and how far it is. A table of its own: every registration locks the row of the
-- newest epoch, and must not wait for progress.
CREATE TABLE epoch_work (
    epoch_id    INTEGER PRIMARY KEY,
    worker      BLOB    NOT NULL,
    lease_until INTEGER NOT NULL,
    accounts    INTEGER,
    done        INTEGER NOT NULL,
    passed      INTEGER NOT NULL,
    passed_to   BLOB
) STRICT;
