-- Admins. Kept in step with migrations/postgres.
-- One without enrolled_at has no password yet, one with disabled_at may do nothing. Roles are words separated by blanks.
CREATE TABLE admins (
    admin_id      BLOB    PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    roles         TEXT    NOT NULL,
    password_hash TEXT,
    totp_sealed   BLOB,
    totp_step     INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    enrolled_at   INTEGER,
    disabled_at   INTEGER,
    signed_in_at  INTEGER
) STRICT, WITHOUT ROWID;

-- One row that whoever changes the team locks first: the last admin is never taken away.
CREATE TABLE admin_team (
    name       TEXT    PRIMARY KEY,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The one secret with which an admin sets a password and a second factor; it is taken up once.
CREATE TABLE admin_invitations (
    admin_id    BLOB    PRIMARY KEY,
    secret_hash BLOB    NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Each works once in place of a code of the second factor.
CREATE TABLE admin_recovery_codes (
    admin_id  BLOB    NOT NULL,
    code_hash BLOB    NOT NULL,
    used_at   INTEGER,
    PRIMARY KEY (admin_id, code_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE admin_sessions (
    secret_hash      BLOB    PRIMARY KEY,
    session_id       BLOB    NOT NULL,
    admin_id         BLOB    NOT NULL,
    created_at       INTEGER NOT NULL,
    seen_at          INTEGER NOT NULL,
    second_factor_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX admin_sessions_admin ON admin_sessions (admin_id);

-- Browsers that have signed in before: failures of strangers do not hold them up.
CREATE TABLE admin_browsers (
    secret_hash BLOB    NOT NULL,
    admin_id    BLOB    NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (secret_hash, admin_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX admin_browsers_admin ON admin_browsers (admin_id);

-- Attempts to sign in that have not succeeded, by keyed hash of a name, an address range or a browser.
CREATE TABLE admin_attempts (
    subject    BLOB    PRIMARY KEY,
    failures   INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What machines show to the admin API.
CREATE TABLE api_tokens (
    token_id    BLOB    PRIMARY KEY,
    name        TEXT    NOT NULL,
    secret_hash BLOB    NOT NULL,
    roles       TEXT    NOT NULL,
    made_by     BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    seen_at     INTEGER,
    revoked_at  INTEGER
) STRICT, WITHOUT ROWID;
