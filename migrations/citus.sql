-- How the tables are spread over the servers of Citus, the distributed PostgreSQL: `tuttu migrate --citus`, once the schema is
-- there. A table that is distributed already is passed over, so that this may be applied again.
--
-- Distributed is what grows with the number of users, each table by the key that it is asked by. What comes and goes
-- with registrations and messages stays on the coordinator: it is small, the outbox is one queue, and sums over all
-- numbers are read in the transaction of every send. So does the feed: one place gives its order.

-- By the index of a number: what belongs to a number lies together.
SELECT create_distributed_table('numbers', 'number_index', colocate_with => 'none')
    WHERE NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrel = 'numbers'::regclass);
SELECT create_distributed_table('lookup_budgets', 'number_index', colocate_with => 'numbers')
    WHERE NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrel = 'lookup_budgets'::regclass);
SELECT create_distributed_table('carried_over', 'number_index', colocate_with => 'numbers')
    WHERE NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrel = 'carried_over'::regclass);
SELECT create_distributed_table('audit_subjects', 'owner', colocate_with => 'none')
    WHERE NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrel = 'audit_subjects'::regclass);

SELECT create_distributed_table('accounts', 'account_id', colocate_with => 'none')
    WHERE NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrel = 'accounts'::regclass);

-- A token names its device, so this is what every request asks by; the devices of an account are asked of every shard.
SELECT create_distributed_table('devices', 'device_id', colocate_with => 'none')
    WHERE NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrel = 'devices'::regclass);

-- Handles are uniform: a lookup of a thousand asks every shard for its share at once.
SELECT create_distributed_table('directory', 'handle', colocate_with => 'none')
    WHERE NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrel = 'directory'::regclass);

-- Stays: _sqlx_migrations, key_fingerprints, index_secret, key_work, nodes, node_keys, gateway_states, epochs, epoch_work, restores, erasures
-- Stays: directory_feed, feed_marks, feed_identity
-- Stays: verifications, deliveries, idempotency, sending_pauses
-- Stays: number_counters, guard_buckets, guard_pauses, conversions, spending, ledgers, guess_counts
-- Stays: admins, admin_team, admin_invitations, admin_recovery_codes, admin_sessions, admin_browsers, admin_attempts, api_tokens
-- Stays: audit_pending, audit_refused, audit_log, audit_tiles, audit_checkpoints, audit_anchors
-- Stays: attempts, attempt_steps, attempt_counts, attempt_progress, policies, reveals
