//! A configuration of the values that were read, or every one of them that does not fit.

use super::{Config, ConfigError};
use config::{Value, ValueKind};

/// The configuration that these values make.
///
/// # Errors
/// [`ConfigError`] naming every value that is not of its key's type.
pub(super) fn fit(mut values: config::Config) -> Result<Config, ConfigError> {
    let mut problems = Vec::new();
    loop {
        let cause = match values.clone().try_deserialize() {
            Ok(config) if problems.is_empty() => return Ok(config),
            Ok(_) => return Err(ConfigError::new(problems)),
            Err(cause) => cause,
        };
        problems.push(cause.to_string());
        // The next one is found only without this.
        if !key_of(&cause).is_some_and(|key| remove(&mut values.cache, key)) {
            return Err(ConfigError::new(problems));
        }
    }
}

fn key_of(cause: &config::ConfigError) -> Option<&str> {
    match cause {
        config::ConfigError::Type { key, .. } | config::ConfigError::At { key, .. } => key.as_deref(),
        _ => None,
    }
}

/// Takes a value out; one of a list with the whole list, so that the others keep their places. Whether it was there.
fn remove(root: &mut Value, key: &str) -> bool {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let name = name.split('[').next().unwrap_or(name);
    let mut steps =
        section.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty());
    let holder = steps.try_fold(root, |at, step| match &mut at.kind {
        ValueKind::Table(table) => table.get_mut(step),
        ValueKind::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    });
    match holder.map(|holder| &mut holder.kind) {
        Some(ValueKind::Table(table)) => table.remove(name).is_some(),
        _ => false,
    }
}
