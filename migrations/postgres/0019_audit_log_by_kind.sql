-- no-transaction
-- The audit log's filters together: by action and outcome. Kept in step with migrations/sqlite.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_log_by_kind ON audit_log (action, outcome, idx, at);
