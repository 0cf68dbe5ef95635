//! The rule of the house: a ring names only rings to its right.
//!
//! `main -> app -> http, jobs -> use cases -> store, sender, captcha, config, key file -> model`; axum is imported only
//! in `edge`, `http` and `app`, sqlx only in `store`, reqwest only in `sender`, `captcha` and `client`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod architecture {
    mod migrations;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every module at the top of `src`, and those it may name.
const RULES: [(&str, &[&str]); 27] = [
    ("model", &[]),
    ("clock", &[]),
    ("client", &["model"]),
    ("store", &["model"]),
    ("config", &["model", "store"]),
    ("edge", &["model", "config", "clock"]),
    ("sender", &["model", "config"]),
    ("captcha", &["model", "config"]),
    ("key_file", &["model", "store"]),
    ("telemetry", &["config"]),
    ("verification", &["model", "store", "sender", "captcha", "config", "clock"]),
    ("epochs", &["model", "store", "verification"]),
    ("directory", &["model", "store", "config", "clock"]),
    ("devices", &["model", "store", "verification"]),
    ("admins", &["model", "store", "verification"]),
    ("registration", &["model", "store", "verification", "devices", "directory", "epochs"]),
    ("discovery", &["model", "store", "config", "verification", "devices", "directory", "epochs"]),
    ("idempotency", &["model", "store", "verification"]),
    ("audit", &["model", "store", "sender", "config", "verification"]),
    ("oversight", &["model", "store", "sender", "verification", "admins", "devices", "registration"]),
    ("erasures", &["model", "store", "directory"]),
    ("rotation", &["model", "store", "verification", "directory", "epochs", "clock"]),
    ("key_rotation", &["model", "store", "key_file", "verification", "clock"]),
    (
        "jobs",
        &[
            "verification",
            "admins",
            "idempotency",
            "directory",
            "epochs",
            "erasures",
            "rotation",
            "key_rotation",
            "audit",
            "oversight",
            "config",
            "clock",
            "store",
        ],
    ),
    (
        "http",
        &[
            "model",
            "store",
            "sender",
            "config",
            "clock",
            "verification",
            "admins",
            "devices",
            "registration",
            "discovery",
            "idempotency",
            "audit",
            "oversight",
        ],
    ),
    (
        "app",
        &[
            "model",
            "store",
            "sender",
            "captcha",
            "config",
            "clock",
            "key_file",
            "telemetry",
            "verification",
            "admins",
            "devices",
            "registration",
            "discovery",
            "directory",
            "epochs",
            "erasures",
            "rotation",
            "key_rotation",
            "idempotency",
            "audit",
            "oversight",
            "jobs",
            "edge",
            "http",
        ],
    ),
    (
        "commands",
        &[
            "admins",
            "app",
            "audit",
            "clock",
            "config",
            "erasures",
            "key_file",
            "key_rotation",
            "oversight",
            "registration",
            "rotation",
            "store",
            "telemetry",
            "client",
            "model",
        ],
    ),
];

/// Libraries that one ring alone may import.
const LIBRARIES: [(&str, &[&str]); 3] =
    [("axum", &["edge", "http", "app"]), ("sqlx", &["store"]), ("reqwest", &["sender", "captcha", "client"])];

/// Modules of the whole crate by the name of their ring, with their text but for comments.
fn modules() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let mut rings: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                rings.entry(ring(&path)).or_default().push((path.clone(), code(&path)));
            }
        }
    }
    rings
}

fn ring(path: &Path) -> String {
    let first = path.components().nth(1).unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules that a text names as `crate::x`, `tuttu::x` or inside `crate::{x, y}`.
fn named(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for root in ["crate::", "tuttu::"] {
        for (at, _) in text.match_indices(root) {
            let rest = &text[at + root.len()..];
            let list =
                rest.strip_prefix('{').and_then(|list| list.split_once(['}', ';'])).map(|(list, _)| list);
            let word = |text: &str| {
                text.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned()
            };
            match list {
                Some(list) => names.extend(list.split(',').map(word)),
                None => names.push(word(rest)),
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn every_module_has_a_rule_and_every_rule_a_module() {
    let mut rings: Vec<String> = modules().into_keys().collect();
    rings.retain(|ring| !["main", "lib"].contains(&ring.as_str()));
    let mut ruled: Vec<String> = RULES.iter().map(|(ring, _)| (*ring).to_owned()).collect();
    ruled.sort();
    assert_eq!(rings, ruled);
}

#[test]
fn a_ring_names_only_rings_to_its_right() {
    let modules = modules();
    let mut seen = 0;
    for (ring, allowed) in RULES {
        for (path, text) in &modules[ring] {
            for name in named(text).into_iter().filter(|name| RULES.iter().any(|(ring, _)| ring == name)) {
                seen += 1;
                assert!(name == ring || allowed.contains(&name.as_str()), "{} names {name}", path.display());
            }
        }
    }
    assert!(seen > 100, "the names are no longer found: {seen}");
}

#[test]
fn the_rules_have_no_circle() {
    for (place, (ring, allowed)) in RULES.iter().enumerate() {
        for name in *allowed {
            let other = RULES.iter().position(|(ring, _)| ring == name).unwrap();
            assert!(other < place, "{ring} and {name}");
        }
    }
}

#[test]
fn a_library_is_imported_in_its_own_ring_alone() {
    let modules = modules();
    for (library, rings) in LIBRARIES {
        let mut found = false;
        for (ring, files) in &modules {
            let imports = |text: &str| {
                text.contains(&format!("{library}::")) || text.contains(&format!("use {library};"))
            };
            let importing: Vec<_> =
                files.iter().filter(|(_, text)| imports(text)).map(|(path, _)| path).collect();
            found |= !importing.is_empty();
            assert!(rings.contains(&ring.as_str()) || importing.is_empty(), "{library} in {importing:?}");
        }
        assert!(found, "nobody imports {library}");
    }
}

#[test]
fn the_same_migrations_stand_on_both_engines() {
    let names = |engine: &str| {
        let mut names: Vec<_> = fs::read_dir(format!("migrations/{engine}"))
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    for name in names("sqlite") {
        let columns = |engine: &str| {
            columns(&fs::read_to_string(Path::new("migrations").join(engine).join(&name)).unwrap())
        };
        assert_eq!(columns("sqlite"), columns("postgres"), "{}", name.display());
    }
}

/// Tables, columns, constraints and indexes in one spelling for both engines, but for what the feed does in two ways.
fn columns(sql: &str) -> Vec<String> {
    let lines = sql.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"));
    lines
        .filter(|line| !line.contains("feed_xid"))
        .map(|line| {
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            line.replace("BYTEA", "BLOB")
                .replace(" CONCURRENTLY", "")
                .replace("BIGINT", "INTEGER")
                .replace("GENERATED ALWAYS AS IDENTITY", "AUTOINCREMENT")
                .replace("uuid_send(gen_random_uuid())", "randomblob(16)")
                .replace(") STRICT, WITHOUT ROWID;", ");")
                .replace(") STRICT;", ");")
        })
        .collect()
}
