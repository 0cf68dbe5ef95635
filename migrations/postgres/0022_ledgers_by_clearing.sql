-- no-transaction
-- Ledgers that are clear again, which go. Kept in step with migrations/sqlite.
CREATE INDEX CONCURRENTLY IF NOT EXISTS ledgers_by_clearing ON ledgers (clears_at);
