-- The audit log's filters together: of an actor, by action and outcome. Kept in step with migrations/postgres.
CREATE INDEX IF NOT EXISTS audit_log_by_actor_kind ON audit_log (actor, action, outcome, idx, at);
