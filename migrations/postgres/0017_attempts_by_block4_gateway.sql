-- no-transaction
-- The console's filters together: of ten thousand numbers, by gateway and status. Kept in step with migrations/sqlite.
CREATE INDEX CONCURRENTLY IF NOT EXISTS attempts_by_block4_gateway ON attempts (block4, gateway, status, started_at, attempt_id, country);
