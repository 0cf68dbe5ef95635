-- Deliveries that are tried again, and why they got no further. Kept in step with migrations/postgres.

-- How often it was claimed.
ALTER TABLE deliveries ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
-- When it may be claimed again, where no gateway has accepted it.
ALTER TABLE deliveries ADD COLUMN retry_at INTEGER;
-- Why it got no further.
ALTER TABLE deliveries ADD COLUMN reason TEXT;

-- Since when a message of it is known to be rejected: a call need not wait.
ALTER TABLE verifications ADD COLUMN rejected_at INTEGER;

-- The share of an address range in a number's sends is a row of number_counters (`range:` and the subject), so that
-- both are locked and saved in one statement each.
DROP TABLE range_shares;
