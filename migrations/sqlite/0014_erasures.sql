-- Erasures. Kept in step with migrations/postgres.

-- Whom the audit log speaks of no more: the random name of each person who was erased, which tells nothing. Nodes copy
-- them into a file outside the database, so that a backup that is put back is told whom to erase again.
CREATE TABLE erasures (
    subject   BLOB  PRIMARY KEY,
    erased_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_by_time ON erasures (erased_at, subject);
