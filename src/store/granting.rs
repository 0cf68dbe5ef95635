//! What the role may do under which nodes serve, where it is not the one that owns the tables: work with rows, each
//! table as far as the service needs it, and change no schema. A table that is not named here is closed to it.

use super::{Pool, Store, StoreError};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use thiserror::Error;

const READ: &str = "SELECT";
/// What is written once stays as it is.
const APPEND: &str = "SELECT, INSERT";
const AMEND: &str = "SELECT, INSERT, UPDATE";
/// A key's fingerprint stays, its times are written.
const MARK: &str = "SELECT, INSERT, UPDATE (used_at, retired_at)";
/// Rows come and go, and none is altered.
const PASS: &str = "SELECT, INSERT, DELETE";
const CHANGE: &str = "SELECT, INSERT, UPDATE, DELETE";

/// Every table, and what the serving role may do with its rows.
const GRANTS: [(&str, &str); 52] = [
    ("_sqlx_migrations", READ),
    ("accounts", CHANGE),
    ("admin_attempts", CHANGE),
    ("admin_browsers", CHANGE),
    ("admin_invitations", CHANGE),
    ("admin_recovery_codes", CHANGE),
    ("admin_sessions", CHANGE),
    ("admin_team", CHANGE),
    ("admins", CHANGE),
    ("api_tokens", CHANGE),
    ("attempt_counts", CHANGE),
    ("attempt_progress", AMEND),
    ("attempt_steps", PASS),
    ("attempts", CHANGE),
    ("audit_anchors", AMEND),
    ("audit_checkpoints", APPEND),
    ("audit_log", APPEND),
    ("audit_pending", PASS),
    ("audit_refused", APPEND),
    ("audit_subjects", CHANGE),
    ("audit_tiles", APPEND),
    ("carried_over", PASS),
    ("conversions", CHANGE),
    ("deliveries", CHANGE),
    ("devices", CHANGE),
    ("directory", CHANGE),
    ("directory_feed", PASS),
    ("epoch_work", AMEND),
    ("epochs", AMEND),
    ("erasures", APPEND),
    ("feed_identity", READ),
    ("feed_marks", PASS),
    ("gateway_states", CHANGE),
    ("guard_buckets", CHANGE),
    ("guard_pauses", CHANGE),
    ("guess_counts", CHANGE),
    ("idempotency", CHANGE),
    ("index_secret", AMEND),
    ("key_fingerprints", MARK),
    ("key_work", CHANGE),
    ("ledgers", CHANGE),
    ("lookup_budgets", CHANGE),
    ("node_keys", CHANGE),
    ("nodes", CHANGE),
    ("number_counters", CHANGE),
    ("numbers", CHANGE),
    ("policies", CHANGE),
    ("restores", READ),
    ("reveals", CHANGE),
    ("sending_pauses", CHANGE),
    ("spending", CHANGE),
    ("verifications", CHANGE),
];

/// Why a role was not let serve. Nothing was changed.
#[derive(Debug, Error)]
pub enum GrantRefused {
    /// The engine has no roles.
    #[error("SQLite has no roles: the owner of the file may do everything")]
    NoRoles,
    /// There is no role of that name.
    #[error("there is no role {0}: make it first, CREATE ROLE {0} LOGIN PASSWORD '...'")]
    Unknown(String),
    /// The role may do everything whatever is granted to it.
    #[error(
        "the role {0} is a superuser, owns the tables, or is a member of who does: let another one serve"
    )]
    Mighty(String),
    /// The role would still be able to change the schema.
    #[error(
        "the role {role} may make tables in the schema {schema}: as its owner, REVOKE CREATE ON SCHEMA {schema} \
         FROM PUBLIC, {role}"
    )]
    SchemaOpen {
        /// The role.
        role: String,
        /// The schema.
        schema: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a role is one that no grant narrows; no row: there is none of that name.
const MIGHTY: &str = "SELECT rolsuper OR EXISTS (SELECT FROM pg_tables
    WHERE schemaname = current_schema() AND pg_has_role(rolname, tableowner, 'USAGE')) FROM pg_roles WHERE rolname = $1";
/// The statements that come before those of the tables, in order, of which PostgreSQL makes identifiers.
const OPEN: &str = "SELECT format(statement, current_database(), current_schema(), $1::text) FROM (VALUES
    (1, 'GRANT CONNECT ON DATABASE %1$I TO %3$I'),
    (2, 'REVOKE ALL ON SCHEMA %2$I FROM %3$I'),
    (3, 'GRANT USAGE ON SCHEMA %2$I TO %3$I'),
    (4, 'REVOKE CREATE ON SCHEMA %2$I FROM PUBLIC')) AS steps (step, statement) ORDER BY step";
const TABLES: &str = "SELECT tablename::text, format('%I.%I', schemaname, tablename), format('%I', $1::text)
    FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename";
const STILL_OPEN: &str =
    "SELECT current_schema()::text WHERE has_schema_privilege($1, current_schema(), 'CREATE')";

impl Store {
    /// Lets a role of PostgreSQL serve: it may do with each table's rows what the service does, and nothing else.
    ///
    /// # Errors
    /// [`GrantRefused`].
    pub async fn grant_to(&self, role: &str) -> Result<(), GrantRefused> {
        let Pool::Postgres(server) = &self.pool else { return Err(GrantRefused::NoRoles) };
        let mut connection = server.connection().await?;
        let mut tx = connection.begin().await.map_err(StoreError::from)?;
        let mighty: Option<bool> =
            sqlx::query_scalar(MIGHTY).bind(role).fetch_optional(&mut *tx).await.map_err(StoreError::from)?;
        match mighty {
            None => return Err(GrantRefused::Unknown(role.to_owned())),
            Some(true) => return Err(GrantRefused::Mighty(role.to_owned())),
            Some(false) => {}
        }
        if let Some(schema) = grant(&mut tx, role).await.map_err(StoreError::from)? {
            return Err(GrantRefused::SchemaOpen { role: role.to_owned(), schema });
        }
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }
}

/// Grants it all; the schema, if the role may still change that.
async fn grant(tx: &mut PgConnection, role: &str) -> Result<Option<String>, sqlx::Error> {
    let opening: Vec<String> = sqlx::query_scalar(OPEN).bind(role).fetch_all(&mut *tx).await?;
    for statement in opening {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await?;
    }
    let tables: Vec<(String, String, String)> = sqlx::query_as(TABLES).bind(role).fetch_all(&mut *tx).await?;
    for (name, table, role) in tables {
        let revoke = format!("REVOKE ALL ON TABLE {table} FROM {role};");
        let grant = GRANTS.iter().find(|(granted, _)| *granted == name);
        let grant = grant.map(|(_, rights)| format!("GRANT {rights} ON TABLE {table} TO {role};"));
        let statements = revoke + &grant.unwrap_or_default();
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *tx).await?;
    }
    sqlx::query_scalar(STILL_OPEN).bind(role).fetch_optional(tx).await
}
