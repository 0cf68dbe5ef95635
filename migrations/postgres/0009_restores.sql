-- Restores. Kept in step with migrations/sqlite.

-- When the database was put back from a copy. What has happened between the copy and this time is unknown: an epoch
-- that comes takes its number from the time, so that no number means two peppers.
CREATE TABLE restores (
    restored_at BIGINT PRIMARY KEY
);
