-- The audit log's filters together: of a country, by actor, action and outcome. Kept in step with migrations/postgres.
CREATE INDEX IF NOT EXISTS audit_log_by_country_actor ON audit_log (country, actor, action, outcome, idx, at) WHERE country IS NOT NULL;
