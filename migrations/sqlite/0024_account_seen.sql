-- When an account was last seen by a device that has been signed out since. Kept in step with migrations/postgres.
ALTER TABLE accounts ADD COLUMN seen_at INTEGER;
