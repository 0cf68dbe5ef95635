//! A node of this version and one of the version before it work on one database: what a migration does must not
//! break the older one, nor make it wait.

use std::collections::BTreeSet;
use std::fs;

/// From this one on. Those before it came before there was a version to work beside.
const FIRST: &str = "0009";

/// Statements of a migration, in capitals, without comments, each in one line.
fn statements(sql: &str) -> Vec<String> {
    let code: Vec<&str> = sql.lines().filter_map(|line| line.split("--").next()).collect();
    let words = |statement: &str| statement.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
    code.join("\n").split(';').map(words).filter(|statement| !statement.is_empty()).collect()
}

/// The tables that these statements make.
fn made_here(statements: &[String]) -> BTreeSet<&str> {
    let made = statements.iter().filter(|statement| statement.starts_with("CREATE TABLE"));
    made.filter_map(|statement| statement.split('(').next()?.trim().rsplit(' ').next()).collect()
}

/// What would break a node of the version before, or make it wait for long.
fn breaking(sql: &str) -> Vec<String> {
    let (all, alone) = (statements(sql), sql.starts_with("-- no-transaction\n"));
    let new = made_here(&all);
    let on_new = |statement: &str| {
        let mut words =
            statement.split([' ', '(']).skip_while(|word| *word != "ON" && *word != "TABLE").skip(1);
        words
            .find(|word| !["IF", "EXISTS", "ONLY", ""].contains(word))
            .is_some_and(|table| new.contains(table))
    };
    let mut found = Vec::new();
    for statement in all.iter().filter(|statement| !on_new(statement)) {
        let has = |words: &str| statement.contains(words);
        let (drops_index, adds) = (statement.starts_with("DROP INDEX"), has("ADD COLUMN"));
        let broken = (has("DROP ") && !drops_index && !has("DROP NOT NULL"))
            || has("RENAME ")
            || has(" TYPE ")
            || has("SET NOT NULL")
            || has("TRUNCATE ")
            || has("UNIQUE")
            || has("ADD CONSTRAINT")
            || has("CHECK (")
            || (adds && has("NOT NULL") && !has("DEFAULT"));
        let index = statement.starts_with("CREATE INDEX") || drops_index;
        let waits = index && !(has(" CONCURRENTLY ") && has("EXISTS") && alone && all.len() == 1);
        if broken || waits {
            found.push(statement.clone());
        }
    }
    found
}

#[test]
fn a_migration_leaves_nodes_of_the_version_before_working() {
    for file in fs::read_dir("migrations/postgres").unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap() >= FIRST {
            let found = breaking(&fs::read_to_string(&path).unwrap());
            assert!(
                found.is_empty(),
                "{}: {found:#?} breaks a node of the version before, or makes it wait. Add first, and take away once \
                 no version uses it; make an index CONCURRENTLY, IF NOT EXISTS, alone in a file that begins with \
                 `-- no-transaction`",
                path.display()
            );
        }
    }
}

#[test]
fn what_breaks_a_node_of_the_version_before_is_seen() {
    for sql in [
        "ALTER TABLE accounts DROP COLUMN created_at",
        "DROP TABLE accounts",
        "ALTER TABLE accounts RENAME TO people",
        "ALTER TABLE accounts\n    RENAME COLUMN a TO b",
        "ALTER TABLE accounts ALTER COLUMN a TYPE TEXT",
        "ALTER TABLE accounts ALTER COLUMN a SET NOT NULL",
        "ALTER TABLE accounts ADD COLUMN a BIGINT NOT NULL",
        "ALTER TABLE accounts ADD CONSTRAINT one CHECK (a > 0)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON accounts (a)",
        "CREATE INDEX i ON accounts (a)",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON accounts (a)",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON accounts (a)",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON accounts (a); SELECT 1",
        "CREATE TABLE other (a BIGINT); DROP TABLE accounts",
    ] {
        assert_eq!(breaking(sql).len(), 1, "{sql}");
    }
    let replacing = fs::read_to_string("migrations/postgres/0007_epoch_rotation.sql").unwrap();
    assert_eq!(breaking(&replacing), ["DROP TABLE EPOCHS"]);
}

#[test]
fn what_only_adds_is_let_through() {
    for sql in [
        "ALTER TABLE accounts ADD COLUMN a BIGINT",
        "ALTER TABLE accounts ADD COLUMN a BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE accounts ALTER COLUMN a DROP NOT NULL",
        "-- A comment; DROP TABLE accounts\nCREATE TABLE people (a TEXT NOT NULL UNIQUE, CHECK (a > ''));\n\
         CREATE UNIQUE INDEX people_by_a ON people (a);",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON accounts (a);",
    ] {
        assert_eq!(breaking(sql), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn no_statement_reads_rows_by_a_star() {
    let texts = fs::read_dir("src/store").unwrap().map(|file| file.unwrap().path());
    for path in texts.filter(|path| path.is_file()) {
        let text = fs::read_to_string(&path).unwrap();
        let star = ["SELECT *", "RETURNING *"].into_iter().find(|star| text.contains(star));
        assert_eq!(star, None, "{}: prepared, it fails once a newer version adds a column", path.display());
    }
}
