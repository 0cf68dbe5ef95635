//! Events as the Open Cybersecurity Schema Framework has them (OCSF 1.3): Authentication, Account Change, and API
//! Activity for the rest.

use crate::model::audit::{Action, Entry, Level, Outcome};
use serde_json::{Value, json};

const AUTHENTICATION: u32 = 3_002;
const ACCOUNT_CHANGE: u32 = 3_001;
const API_ACTIVITY: u32 = 6_003;

/// The class and the activity of an action.
fn class(action: &str) -> (u32, u32, &'static str) {
    match action {
        "admin.signed_in" | "admin.sign_in_failed" | "verification.approved" | "verification.code_wrong" => {
            (AUTHENTICATION, 1, "Logon")
        }
        "admin.signed_out" | "admin.sessions_ended" => (AUTHENTICATION, 2, "Logoff"),
        "account.registered" | "account.replaced" | "admin.created" | "admin.invited" => {
            (ACCOUNT_CHANGE, 1, "Create")
        }
        "account.unlocked" | "admin.enabled" => (ACCOUNT_CHANGE, 2, "Enable"),
        "admin.recovered" => (ACCOUNT_CHANGE, 4, "Password Reset"),
        "admin.disabled" => (ACCOUNT_CHANGE, 5, "Disable"),
        "account.erased" | "person.erased" => (ACCOUNT_CHANGE, 6, "Delete"),
        "account.locked" => (ACCOUNT_CHANGE, 9, "Lock"),
        _ => match action.rsplit(['.', '_']).next().unwrap_or_default() {
            "created" | "started" | "added" => (API_ACTIVITY, 1, "Create"),
            "searched" | "revealed" | "exported" => (API_ACTIVITY, 2, "Read"),
            "revoked" | "removed" | "erased" | "retired" => (API_ACTIVITY, 4, "Delete"),
            _ => (API_ACTIVITY, 3, "Update"),
        },
    }
}

pub(super) fn event(idx: u64, entry: &Entry) -> Value {
    let (class, activity, name) = class(&entry.action);
    let (status, status_name) = match entry.outcome {
        Outcome::Success => (1, "Success"),
        Outcome::Refused | Outcome::Failed => (2, "Failure"),
    };
    let severity = match entry.known_action().map(Action::level) {
        Some(Level::Warning) => 3,
        Some(Level::Notice) => 2,
        Some(Level::Info) | None => 1,
    };
    json!({
        "activity_id": activity,
        "activity_name": name,
        "category_uid": class / 1_000,
        "class_uid": class,
        "type_uid": class * 100 + activity,
        "time": entry.time.as_millisecond(),
        "severity_id": severity,
        "status_id": status,
        "status": status_name,
        "status_detail": entry.reason,
        "metadata": {
            "version": "1.3.0",
            "uid": entry.id,
            "sequence": idx,
            "event_code": entry.action,
            "product": { "name": "Tuttu", "vendor_name": "Tuttu", "version": env!("CARGO_PKG_VERSION") },
        },
        "actor": { "user": { "type": entry.actor.kind, "uid": entry.actor.id } },
        "user": { "uid": entry.subject },
        "api": { "operation": entry.action, "request": { "uid": entry.context.request } },
        "src_endpoint": { "location": { "country": entry.context.country } },
        "unmapped": entry,
    })
}
