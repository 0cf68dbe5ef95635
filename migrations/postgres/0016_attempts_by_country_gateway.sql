-- no-transaction
-- The console's filters together: of a country and a gateway, by status. Kept in step with migrations/sqlite.
CREATE INDEX CONCURRENTLY IF NOT EXISTS attempts_by_country_gateway ON attempts (country, gateway, status, started_at, attempt_id);
