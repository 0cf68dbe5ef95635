//! A configuration of the values that were read, or the values that are not of their key's type.

use super::{Config, ConfigError};
use config::{Value, ValueKind};
use std::collections::BTreeMap;

/// The configuration that these values make.
///
/// # Errors
/// [`ConfigError`] naming every value that is not of its key's type, in the order of keys; of a list of plain values the
/// first.
pub(super) fn fit(mut values: config::Config) -> Result<Config, ConfigError> {
    let mut problems = BTreeMap::new();
    loop {
        let cause = match values.clone().try_deserialize() {
            Ok(config) if problems.is_empty() => return Ok(config),
            Ok(_) => break,
            Err(cause) => cause,
        };
        // The next one is found only without this.
        let key = key_of(&cause).map(dotted).unwrap_or_default();
        let removed = remove(&mut values.cache, &key);
        let is_last = removed.is_none();
        problems.insert(key, told(&cause, removed.as_ref()));
        if is_last {
            break;
        }
    }
    Err(ConfigError::new(problems.into_values().collect()))
}

/// What is wrong with a value, and where it came from.
fn told(cause: &config::ConfigError, value: Option<&Value>) -> String {
    let text = cause.to_string();
    let text = key_of(cause).map_or_else(|| text.clone(), |key| text.replace(key, &dotted(key)));
    match value.and_then(Value::origin) {
        Some(origin) if !text.contains(origin) => format!("{text} in {origin}"),
        _ => text,
    }
}

fn key_of(cause: &config::ConfigError) -> Option<&str> {
    match cause {
        config::ConfigError::Type { key, .. } | config::ConfigError::At { key, .. } => key.as_deref(),
        _ => None,
    }
}

/// `sms.gateways[0].name` of `sms.gateways[0]name`, as the library has it.
fn dotted(key: &str) -> String {
    key.replace(']', "].").replace("..", ".").replace(".[", "[").trim_end_matches('.').to_owned()
}

/// Takes a value out; one of a list of plain values with the whole list, so that the others keep their places.
fn remove(root: &mut Value, key: &str) -> Option<Value> {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let name = name.split('[').next().unwrap_or(name);
    let mut steps =
        section.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty());
    let holder = steps.try_fold(root, |at, step| match &mut at.kind {
        ValueKind::Table(table) => table.get_mut(step),
        ValueKind::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    });
    match &mut holder?.kind {
        ValueKind::Table(table) => table.remove(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::dotted;

    #[test]
    fn keys_within_lists_have_their_dots() {
        for (key, expected) in [
            ("sms.gateways[0]name", "sms.gateways[0].name"),
            ("sms.gateways[0].name", "sms.gateways[0].name"),
            ("limits.exempt[1]", "limits.exempt[1]"),
            ("a[0][1]b", "a[0][1].b"),
            ("server.listen", "server.listen"),
        ] {
            assert_eq!(dotted(key), expected);
        }
    }
}
