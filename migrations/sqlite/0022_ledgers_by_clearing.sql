-- Ledgers that are clear again, which go. Kept in step with migrations/postgres.
CREATE INDEX IF NOT EXISTS ledgers_by_clearing ON ledgers (clears_at);
