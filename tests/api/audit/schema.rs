//! Entries have the form that the server says they have.

use crate::harness::on_both_engines;
use reqwest::Method;
use serde_json::{Value, json};
use tuttu::model::admin::Role;

/// Whether a value has the members that a schema wants, and no others.
fn fits(value: &Value, schema: &Value, all: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str() {
        return fits(value, all.pointer(name.trim_start_matches('#')).unwrap(), all);
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.contains(value);
    }
    if let Some(items) = value.as_array() {
        return items.iter().all(|item| fits(item, &schema["items"], all));
    }
    let Some(members) = value.as_object() else { return !schema["type"].is_null() };
    let wanted = schema["required"].as_array().unwrap();
    wanted.iter().all(|name| members.contains_key(name.as_str().unwrap()))
        && members.iter().all(|(name, member)| {
            schema["properties"].get(name).is_some_and(|schema| fits(member, schema, all))
        })
}

on_both_engines!(every_entry_has_the_form_that_the_schema_says, |service| {
    let anna = service.register("+358401234561").await;
    service.delete("/v1/account", &anna.token).await.expect(204, "");
    let admin = service.admin("otto", &[Role::Admin]).await;
    let policy = json!({"verdict": "monitor", "reason": "looking at it", "hours": 1});
    service.ask_as(Method::PUT, "/admin/api/v1/policies/FI", &admin, &policy).await.expect(204, "");
    let served = service.page("/admin/api/v1/audit/schema", &admin).await.expect(200, "");
    assert_eq!(served.header("content-type"), "application/schema+json");
    let (schema, events) = (&served.json, service.events("").await);
    assert!(events.len() > 6);
    for event in &events {
        assert!(fits(event, schema, schema), "{event} is none of {schema}");
    }
    let mut strange = events[0].clone();
    strange["colour"] = json!("red");
    assert!(!fits(&strange, schema, schema));
    strange = events[0].clone();
    strange["action"] = json!("verification.danced");
    assert!(!fits(&strange, schema, schema));
    strange = events[0].clone();
    strange["context"].as_object_mut().unwrap().remove("node");
    assert!(!fits(&strange, schema, schema));
});
