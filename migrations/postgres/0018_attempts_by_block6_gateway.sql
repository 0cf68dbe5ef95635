-- no-transaction
-- The console's filters together: of a million numbers, by gateway and status. Kept in step with migrations/sqlite.
CREATE INDEX CONCURRENTLY IF NOT EXISTS attempts_by_block6_gateway ON attempts (block6, gateway, status, started_at, attempt_id, country);
