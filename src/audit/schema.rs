//! The form of an entry, made from the types that write it.

use crate::model::audit::{Action, Entry};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema as _, ToSchema as _};

/// The form of entries as JSON Schema (2020-12): members as the types have them, actions as the catalogue has them.
#[must_use]
pub fn schema() -> Value {
    let mut parts = Vec::new();
    Entry::schemas(&mut parts);
    parts.push((Entry::name().into_owned(), Entry::schema()));
    let mut schemas: Map<String, Value> =
        parts.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    let actions: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    if let Some(action) = schemas
        .get_mut(&*Entry::name())
        .and_then(|entry| entry.pointer_mut("/properties/action"))
        .and_then(Value::as_object_mut)
    {
        action.insert("enum".to_owned(), json!(actions));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An entry of Tuttu's audit log",
        "$ref": format!("#/components/schemas/{}", Entry::name()),
        "components": { "schemas": schemas },
    })
}
