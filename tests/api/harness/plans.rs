//! How SQLite would find what the server asked it for: a statement that walks through all rows of a table which grows
//! with its users is quick in every test and slow at night.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::str::FromStr as _;
use std::sync::{Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Tables that stay small, or of which only an end is read: any other grows with people, messages or time.
const SMALL: [&str; 28] = [
    "_sqlx_migrations",
    "admin_attempts",
    "admin_browsers",
    "admin_invitations",
    "admin_recovery_codes",
    "admin_sessions",
    "admin_team",
    "admins",
    "api_tokens",
    "attempt_progress",
    "audit_anchors",
    "audit_checkpoints",
    "audit_pending",
    "conversions",
    "epoch_work",
    "epochs",
    "feed_identity",
    "feed_marks",
    "gateway_states",
    "guard_pauses",
    "guess_counts",
    "key_fingerprints",
    "key_work",
    "nodes",
    "policies",
    "reveals",
    "sending_pauses",
    "spending",
];

/// Indices of a few rows of a growing table: those that are not over.
const OF_FEW: [&str; 1] = ["deliveries_open"];

/// How those statements begin that walk through all rows and may.
const MAY_WALK: [&str; 4] = [
    // Once, as a node fills its view, which reads every row anyway.
    "SELECT COUNT(*) FROM directory WHERE epoch_id = $1",
    // Once, as a new epoch begins to be prepared, which reads every account anyway.
    "SELECT COUNT(*) FROM accounts WHERE discoverable_since IS NOT NULL",
    // While a key is rotated, and as an operator asks how far that is.
    "SELECT\n    (SELECT COUNT(*) FROM accounts WHERE SUBSTR(number_sealed",
    // A migration.
    "UPDATE verifications SET sent_at = created_at",
];

static ASKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static BY_TESTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Keeps every statement that sqlx tells of.
pub(super) struct Statements;

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        ASKED.lock().unwrap_or_else(PoisonError::into_inner).insert(statement.0);
    }
}

/// What a test asks itself is not the server's.
pub(crate) fn except(statement: &str) {
    BY_TESTS.lock().unwrap_or_else(PoisonError::into_inner).insert(statement.trim().to_owned());
}

/// The whole statement, or its beginning where that is all of it.
#[derive(Default)]
struct Statement(String);

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        let whole = field.name() == "db.statement" && !value.is_empty();
        if whole || field.name() == "summary" && self.0.is_empty() {
            value.trim().clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// The statements so far that walk through a growing table, each with its plan.
pub(super) async fn walks(url: &str) -> Vec<String> {
    let options = SqliteConnectOptions::from_str(url).unwrap().read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let by_tests = BY_TESTS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let asked: Vec<String> =
        ASKED.lock().unwrap_or_else(PoisonError::into_inner).difference(&by_tests).cloned().collect();
    assert!(!asked.is_empty(), "sqlx tells what it asks");
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let grows = |table: &str| tables.iter().any(|name| name == table) && !SMALL.contains(&table);
    let mut walks = Vec::new();
    for statement in
        asked.iter().flat_map(|asked| asked.split(';')).map(str::trim).filter(|one| has_plan(one))
    {
        let explained = format!("EXPLAIN QUERY PLAN {statement}");
        // Of a table that was altered since, or of another database, there is none.
        let Ok(plan) = sqlx::query(AssertSqlSafe(explained)).fetch_all(&mut connection).await else {
            continue;
        };
        let steps: Vec<String> = plan.iter().map(|step| step.get("detail")).collect();
        if steps.iter().any(|step| walked(step).is_some_and(grows)) {
            walks.push(format!("{statement}\n    {}", steps.join("\n    ")));
        }
    }
    walks
}

fn has_plan(statement: &str) -> bool {
    let is = |beginning: &&str| statement.starts_with(*beginning);
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(is) && !MAY_WALK.iter().any(is)
}

/// The table of which a step of a plan walks through all rows, if it does.
fn walked(step: &str) -> Option<&str> {
    let mut words = step.strip_prefix("SCAN ")?.split(' ');
    words.next().filter(|_| !words.any(|word| OF_FEW.contains(&word)))
}

#[test]
fn a_walk_is_told_from_a_search() {
    for walk in ["SCAN deliveries", "SCAN deliveries USING INDEX deliveries_by_verification"] {
        assert_eq!(walked(walk), Some("deliveries"), "{walk}");
    }
    for search in
        ["SEARCH deliveries USING PRIMARY KEY (delivery_id=?)", "SCAN deliveries USING INDEX deliveries_open"]
    {
        assert_eq!(walked(search), None, "{search}");
    }
}
