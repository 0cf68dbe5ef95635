-- What the last epoch's receipts have paid for in a new one. Kept in step with migrations/sqlite.

-- The numbers that have carried a paid address book over into an epoch: each may once.
CREATE TABLE carried_over (
    number_index BYTEA  NOT NULL,
    epoch_id     BIGINT NOT NULL,
    carried_at   BIGINT NOT NULL,
    PRIMARY KEY (number_index, epoch_id)
);

-- Receipts that can still make a retry free, which are cleared after a day.
CREATE INDEX devices_by_payment ON devices (last_paid_at) WHERE last_paid_at IS NOT NULL;
