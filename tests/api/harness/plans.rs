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
const SMALL: [&str; 29] = [
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
    "index_secret",
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

/// Fails if any statement so far walks through a growing table.
pub(super) async fn check(url: &str) {
    let options = SqliteConnectOptions::from_str(url).unwrap().read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let by_tests = BY_TESTS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let asked: Vec<String> =
        ASKED.lock().unwrap_or_else(PoisonError::into_inner).difference(&by_tests).cloned().collect();
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let (mut planned, mut walks) = (0, Vec::new());
    for statement in
        asked.iter().flat_map(|asked| asked.split(';')).map(str::trim).filter(|one| has_plan(one))
    {
        let explained = format!("EXPLAIN QUERY PLAN {statement}");
        let plan = match sqlx::query(AssertSqlSafe(explained)).fetch_all(&mut connection).await {
            Ok(plan) => plan,
            // Of a table that was altered since, or of another database.
            Err(cause) if cause.to_string().contains("no such ") => continue,
            Err(cause) => panic!("{statement} has no plan: {cause}"),
        };
        planned += 1;
        let steps: Vec<String> = plan.iter().map(|step| step.get("detail")).collect();
        let walked =
            steps.iter().filter_map(|step| walked(step)).filter_map(|name| table(&tables, statement, name));
        if walked.into_iter().any(|table| !SMALL.contains(&table)) {
            walks.push(format!("{statement}\n    {}", steps.join("\n    ")));
        }
    }
    assert!(planned > 0, "sqlx does not tell what it asks");
    assert!(walks.is_empty(), "these walk through a table that grows:\n{}", walks.join("\n"));
}

fn has_plan(statement: &str) -> bool {
    let is = |beginning: &&str| statement.starts_with(*beginning);
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(is) && !MAY_WALK.iter().any(is)
}

/// What a step of a plan walks through from end to end, if it does: a table, or another name for one. An index that is
/// made for the one statement is made of all rows.
fn walked(step: &str) -> Option<&str> {
    let words: Vec<&str> = step.split(' ').collect();
    let [does, name, how @ ..] = words.as_slice() else { return None };
    let walks = match *does {
        "SCAN" => !how.iter().any(|word| OF_FEW.contains(word)),
        _ => how.contains(&"AUTOMATIC"),
    };
    walks.then_some(name)
}

/// The table that a statement calls so, `table name` or `table AS name`, if it is one.
fn table<'a>(tables: &'a [String], statement: &str, name: &str) -> Option<&'a str> {
    let is_part = |c: char| !(c.is_alphanumeric() || c == '_');
    let words: Vec<&str> = statement.split(is_part).filter(|word| !matches!(*word, "" | "AS")).collect();
    let renamed = words.windows(2).filter(|two| two[1] == name).map(|two| two[0]);
    std::iter::once(name)
        .chain(renamed)
        .find_map(|word| tables.iter().find(|table| *table == word))
        .map(String::as_str)
}

#[test]
fn a_walk_is_told_from_a_search() {
    for walk in [
        "SCAN deliveries",
        "SCAN deliveries USING INDEX deliveries_by_verification",
        "SEARCH deliveries USING AUTOMATIC COVERING INDEX (gateway=?)",
    ] {
        assert_eq!(walked(walk), Some("deliveries"), "{walk}");
    }
    for search in
        ["SEARCH deliveries USING PRIMARY KEY (delivery_id=?)", "SCAN deliveries USING INDEX deliveries_open"]
    {
        assert_eq!(walked(search), None, "{search}");
    }
}

#[test]
fn a_table_is_known_by_its_other_name() {
    let tables = ["devices".to_owned(), "accounts".to_owned()];
    let statement = "SELECT d.name FROM accounts JOIN devices AS d ON d.account = accounts.id, devices e";
    let known = ["d", "e", "accounts", "CONSTANT"].map(|name| table(&tables, statement, name));
    assert_eq!(known, [Some("devices"), Some("devices"), Some("accounts"), None]);
}
