//! Reading the configuration from its sources, and saying where each value came from.

use super::environment::{key_of_variable, reject_misspelled};
use super::fitting::fit;
use super::leaves::{flatten_json, flatten_values, generic};
use super::{Config, Gateway, Hidden, Route, TestNumbers, validate};
use config::{ConfigBuilder, FileFormat, Value, ValueKind, builder::DefaultState};
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use thiserror::Error;

const DEFAULT_FILE: &str = "tuttu.toml";
/// Settings that must not be printed; each may be read from a file named by its `_file` twin.
const SECRETS: [&str; 8] = [
    "database.url",
    "audit.webhook.signing_secret",
    "sms.gateways[].auth_token",
    "sms.gateways[].api_key_secret",
    "sms.gateways[].signing_secret",
    "verification.test_numbers[].code",
    "challenges.turnstile_secret",
    "challenges.hcaptcha_secret",
];

/// Settings whose keys are the operator's to choose.
const MAPS: [&str; 4] =
    ["messages", "limits.money.countries", "limits.money.prices", "limits.money.call_prices"];

/// What is wrong with a configuration: every problem found, a line each.
#[derive(Debug, Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    pub(super) const fn new(problems: Vec<String>) -> Self {
        Self(problems)
    }

    pub(super) fn one(problem: &impl ToString) -> Self {
        Self(vec![problem.to_string()])
    }
}

/// What is set outside the file: the environment, and flags by key.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Environment variables; only `TUTTU__SECTION__KEY` count.
    pub environment: Vec<(String, String)>,
    /// Flags: key, value, and the flag as it is spelled.
    pub flags: Vec<(&'static str, String, &'static str)>,
}

/// One effective setting.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its key, such as `server.listen`.
    pub key: String,
    /// Its value as JSON; secrets are hidden.
    pub value: Json,
    /// Where it came from.
    pub source: String,
}

/// A valid configuration with its sources.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What to run with.
    pub config: Config,
    /// Every setting, by key.
    pub settings: Vec<Setting>,
}

/// Reads the file (`tuttu.toml` if there is one and none is named), the environment and the flags.
///
/// # Errors
/// [`ConfigError`] naming every unknown key with the nearest valid one, and every value that does not fit.
pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Loaded, ConfigError> {
    let valid = valid_keys();
    let mut builder = config::Config::builder();
    if let Some(path) = file.map(PathBuf::from).or_else(default_file) {
        reject_malformed(&path)?;
        let source = config::File::from(path.as_path()).format(FileFormat::Toml).required(true);
        builder = builder.add_source(source);
    }
    for (name, text) in &overrides.environment {
        reject_misspelled(name)?;
        let Some(key) = key_of_variable(name) else { continue };
        builder = set(builder, &valid, &key, text, &format!("environment {name}"))?;
    }
    for (key, text, flag) in &overrides.flags {
        builder = set(builder, &valid, key, text, &format!("flag {flag}"))?;
    }
    let merged = builder.build_cloned().map_err(|cause| ConfigError::one(&cause))?;
    let sources = flatten_values(&merged.cache);
    reject_unknown(&valid, &sources)?;
    let built = with_secret_files(builder, &sources)?.build().map_err(|cause| ConfigError::one(&cause))?;
    let sources = flatten_values(&built.cache);
    let mut config = fit(built)?;
    if config.sms.gateways.is_empty() {
        config.sms.gateways.push(Gateway { name: "inbox".to_owned(), ..Gateway::default() });
    }
    validate::validate(&config)?;
    let settings = settings(&config, &sources);
    Ok(Loaded { config, settings })
}

/// Says where a file is not TOML without repeating the line, which may hold a secret.
fn reject_malformed(path: &Path) -> Result<(), ConfigError> {
    // Why a file cannot be read is told by whoever reads it next.
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(()) };
    let Err(cause) = toml::from_str::<toml::Table>(&text) else { return Ok(()) };
    let before = cause.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    Err(ConfigError::one(&format!("{} is not TOML in line {line}: {}", path.display(), cause.message())))
}

fn default_file() -> Option<PathBuf> {
    Path::new(DEFAULT_FILE).exists().then(|| PathBuf::from(DEFAULT_FILE))
}

type Builder = ConfigBuilder<DefaultState>;

fn set(
    builder: Builder,
    valid: &BTreeMap<String, Json>,
    key: &str,
    text: &str,
    source: &str,
) -> Result<Builder, ConfigError> {
    let origin = source.to_owned();
    let kind = if valid.get(&generic(key)).is_some_and(Json::is_array) {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        ValueKind::Array(items.map(|item| Value::new(Some(&origin), item)).collect())
    } else {
        ValueKind::String(text.to_owned())
    };
    builder
        .set_override(key, Value::new(Some(&origin), kind))
        .map_err(|cause| ConfigError::one(&format!("{source}: {cause}")))
}

/// Reads the file of every `_file` twin that is set.
fn with_secret_files(
    mut builder: Builder,
    sources: &BTreeMap<String, (Value, String)>,
) -> Result<Builder, ConfigError> {
    for (key, (path, source)) in sources {
        let Some(secret) = key.strip_suffix("_file").filter(|key| SECRETS.contains(&generic(key).as_str()))
        else {
            continue;
        };
        match sources.get(secret).map(|(_, other)| layer(other).cmp(&layer(source))) {
            Some(Ordering::Greater) => continue,
            Some(Ordering::Equal) => {
                let problem = format!("{secret} and {key} are both set ({source}): set one of them");
                return Err(ConfigError::one(&problem));
            }
            Some(Ordering::Less) | None => {}
        }
        let path = path.to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|cause| ConfigError::one(&format!("{key}: cannot read {path}: {cause}")))?;
        let value = Value::new(Some(&format!("file {path}")), text.trim_end_matches(['\r', '\n']));
        builder = builder.set_override(secret, value).map_err(|cause| ConfigError::one(&cause))?;
    }
    Ok(builder)
}

/// Which of two sources wins: flags over the environment, and this over the file.
fn layer(source: &str) -> u8 {
    match source.split_once(' ') {
        Some(("flag", _)) => 2,
        Some(("environment", _)) => 1,
        _ => 0,
    }
}

fn reject_unknown(
    valid: &BTreeMap<String, Json>,
    sources: &BTreeMap<String, (Value, String)>,
) -> Result<(), ConfigError> {
    let names: Vec<String> =
        valid.keys().cloned().chain(SECRETS.iter().map(|secret| format!("{secret}_file"))).collect();
    let problems: Vec<String> = sources
        .iter()
        .filter(|(key, (value, _))| {
            let name = generic(key);
            let empty = matches!(&value.kind, ValueKind::Table(_))
                || matches!(&value.kind, ValueKind::Array(items) if items.is_empty());
            let within =
                |key: &String| key.starts_with(&format!("{name}.")) || key.starts_with(&format!("{name}[]."));
            let is_section = empty && names.iter().any(within);
            !is_section && !names.contains(&name) && !in_map(&name)
        })
        .map(|(key, (_, source))| {
            let name = generic(key);
            let nearest = names.iter().max_by(|a, b| likeness(a, &name).total_cmp(&likeness(b, &name)));
            let nearest = nearest.map_or("", String::as_str);
            format!("unknown key `{key}` ({source}): did you mean `{nearest}`?")
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems)) }
}

/// How much a key that is not there is like one that is: as a whole, or, a little less, by its last word alone, since a
/// section is easily left out or mistaken. Of those with the same last word, the whole tells.
fn likeness(key: &str, unknown: &str) -> f64 {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let whole = strsim::normalized_damerau_levenshtein(key, unknown);
    whole.max(0.9 * strsim::normalized_damerau_levenshtein(&last(key), &last(unknown))) + whole / 1e3
}

/// Whether a key names a value of a map.
fn in_map(key: &str) -> bool {
    key.rsplit_once('.').is_some_and(|(map, _)| MAPS.contains(&map))
}

/// Every key there is, with its default.
fn valid_keys() -> BTreeMap<String, Json> {
    let mut config = Config::default();
    config.sms.gateways.push(Gateway { auth_token: Some(Hidden::default()), ..Gateway::default() });
    config.sms.routes.push(Route::default());
    config.verification.test_numbers.push(TestNumbers::default());
    config.messages.insert("en".to_owned(), String::new());
    let money = &mut config.limits.money;
    for amounts in [&mut money.countries, &mut money.prices, &mut money.call_prices] {
        amounts.insert("FI".to_owned(), 0.0);
    }
    let mut keys = BTreeMap::new();
    flatten_json("", &serde_json::to_value(&config).unwrap_or_default(), &mut keys);
    keys.into_iter().map(|(key, value)| (generic(&key), value)).collect()
}

fn settings(config: &Config, sources: &BTreeMap<String, (Value, String)>) -> Vec<Setting> {
    let mut values = BTreeMap::new();
    flatten_json("", &serde_json::to_value(config).unwrap_or_default(), &mut values);
    values
        .into_iter()
        .map(|(key, value)| {
            let source = sources.get(&key).map_or_else(|| "default".to_owned(), |(_, source)| source.clone());
            Setting { key, value, source }
        })
        .collect()
}
