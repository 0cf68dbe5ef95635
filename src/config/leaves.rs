//! Trees of settings as their leaves, each with its key.

use config::{Value, ValueKind};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// `sms.gateways[0].name` is `sms.gateways[].name`.
pub(super) fn generic(key: &str) -> String {
    let mut name = String::new();
    let mut inside = false;
    for c in key.chars() {
        inside = (inside || c == '[') && c != ']';
        if !inside || c == '[' {
            name.push(c);
        }
    }
    name
}

/// Leaves of a tree by key; a list of plain values is a leaf, a list of tables is not.
pub(super) fn flatten_json(at: &str, value: &Json, leaves: &mut BTreeMap<String, Json>) {
    match value {
        Json::Object(table) => {
            for (name, value) in table {
                let key = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                flatten_json(&key, value, leaves);
            }
        }
        Json::Array(items) if items.iter().any(Json::is_object) => {
            for (index, item) in items.iter().enumerate() {
                flatten_json(&format!("{at}[{index}]"), item, leaves);
            }
        }
        leaf => {
            leaves.insert(at.to_owned(), leaf.clone());
        }
    }
}

/// Leaves of what was read by key, each with where it came from.
pub(super) fn flatten_values(root: &Value) -> BTreeMap<String, (Value, String)> {
    let mut leaves = BTreeMap::new();
    collect_values("", root, &mut leaves);
    leaves
}

fn collect_values(at: &str, value: &Value, leaves: &mut BTreeMap<String, (Value, String)>) {
    match &value.kind {
        ValueKind::Table(table) if !table.is_empty() => {
            for (name, value) in table {
                let key = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                collect_values(&key, value, leaves);
            }
        }
        ValueKind::Array(items) if items.iter().any(|item| matches!(item.kind, ValueKind::Table(_))) => {
            for (index, item) in items.iter().enumerate() {
                collect_values(&format!("{at}[{index}]"), item, leaves);
            }
        }
        ValueKind::Nil => {}
        // A section without keys is a leaf, so that a misspelled one is found.
        _ if at.is_empty() => {}
        _ => {
            let source = value.origin().unwrap_or("default").to_owned();
            leaves.insert(at.to_owned(), (value.clone(), source));
        }
    }
}
