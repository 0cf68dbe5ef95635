-- Admins. Kept in step with migrations/sqlite.
-- One without enrolled_at has no password yet, one with disabled_at may do nothing. Roles are words separated by blanks.
CREATE TABLE admins (
    admin_id      BYTEA   PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    roles         TEXT    NOT NULL,
    password_hash TEXT,
    totp_sealed   BYTEA,
    totp_step     BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    enrolled_at   BIGINT,
    disabled_at   BIGINT,
    signed_in_at  BIGINT
);

-- One row that whoever changes the team locks first: the last admin is never taken away.
CREATE TABLE admin_team (
    name       TEXT    PRIMARY KEY,
    changed_at BIGINT NOT NULL
);

-- The one secret with which an admin sets a password and a second factor; it is taken up once.
CREATE TABLE admin_invitations (
    admin_id    BYTEA   PRIMARY KEY,
    secret_hash BYTEA   NOT NULL,
    expires_at  BIGINT NOT NULL
);

-- Each works once in place of a code of the second factor.
CREATE TABLE admin_recovery_codes (
    admin_id  BYTEA   NOT NULL,
    code_hash BYTEA   NOT NULL,
    used_at   BIGINT,
    PRIMARY KEY (admin_id, code_hash)
);

CREATE TABLE admin_sessions (
    secret_hash      BYTEA   PRIMARY KEY,
    session_id       BYTEA   NOT NULL,
    admin_id         BYTEA   NOT NULL,
    created_at       BIGINT NOT NULL,
    seen_at          BIGINT NOT NULL,
    second_factor_at BIGINT NOT NULL
);
CREATE INDEX admin_sessions_admin ON admin_sessions (admin_id);

-- Browsers that have signed in before: failures of strangers do not hold them up.
CREATE TABLE admin_browsers (
    secret_hash BYTEA   NOT NULL,
    admin_id    BYTEA   NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (secret_hash, admin_id)
);
CREATE INDEX admin_browsers_admin ON admin_browsers (admin_id);

-- Attempts to sign in that have not succeeded, by keyed hash of a name, an address range or a browser.
CREATE TABLE admin_attempts (
    subject    BYTEA   PRIMARY KEY,
    failures   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- What machines show to the admin API.
CREATE TABLE api_tokens (
    token_id    BYTEA   PRIMARY KEY,
    name        TEXT    NOT NULL,
    secret_hash BYTEA   NOT NULL,
    roles       TEXT    NOT NULL,
    made_by     BYTEA   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    seen_at     BIGINT,
    revoked_at  BIGINT
);
