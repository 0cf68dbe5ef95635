//! A table for spreadsheets.

use crate::model::audit::Entry;

const COLUMNS: [&str; 14] = [
    "index",
    "time",
    "action",
    "outcome",
    "actor_type",
    "actor_id",
    "subject",
    "country",
    "gateway",
    "channel",
    "reason",
    "targets",
    "request",
    "id",
];

pub(super) fn header() -> String {
    COLUMNS.join(",") + "\r\n"
}

pub(super) fn row(idx: u64, entry: &Entry) -> String {
    let targets: Vec<String> =
        entry.targets.iter().map(|target| format!("{}:{}", target.kind, target.id)).collect();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let cells = [
        idx.to_string(),
        entry.time.to_string(),
        entry.action.clone(),
        entry.outcome.as_str().to_owned(),
        entry.actor.kind.clone(),
        text(&entry.actor.id),
        text(&entry.subject),
        text(&entry.context.country),
        text(&entry.context.gateway),
        text(&entry.context.channel),
        text(&entry.reason),
        targets.join(" "),
        text(&entry.context.request),
        entry.id.clone(),
    ];
    cells.map(|text| cell(&text)).join(",") + "\r\n"
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection), quoted where RFC 4180 wants it.
pub(crate) fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n', '\'', '\t']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1"] {
            assert!(cell(text).trim_start_matches('"').starts_with('\''), "{text:?}");
        }
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(cell("resend_wait"), "resend_wait");
    }
}
