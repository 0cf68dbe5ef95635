//! Environment variables as keys: `TUTTU__SECTION__KEY`.

use super::ConfigError;

const PREFIX: &str = "TUTTU__";

/// One underscore too few would otherwise be ignored without a word.
pub(super) fn reject_misspelled(name: &str) -> Result<(), ConfigError> {
    let rest = name.strip_prefix("TUTTU_").filter(|rest| !rest.starts_with('_') && rest.contains("__"));
    match rest {
        Some(rest) => {
            Err(ConfigError::one(&format!("unknown variable {name}: did you mean {PREFIX}{rest}?")))
        }
        None => Ok(()),
    }
}

/// `TUTTU__SMS__GATEWAYS__0__NAME` is `sms.gateways[0].name`.
pub(super) fn key_of_variable(name: &str) -> Option<String> {
    let mut key = String::new();
    for part in name.strip_prefix(PREFIX)?.to_lowercase().split("__") {
        if part.parse::<usize>().is_ok() {
            key.extend(["[", part, "]"]);
        } else {
            key.push_str(if key.is_empty() { "" } else { "." });
            key.push_str(part);
        }
    }
    Some(key)
}
