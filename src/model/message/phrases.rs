//! What a message says in each language: `phrases.toml`.

use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What is said in one language.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Phrases {
    pub(super) sms: Cow<'static, str>,
    pub(super) short: Cow<'static, str>,
    pub(super) press_key: Cow<'static, str>,
    pub(super) your_code: Cow<'static, str>,
    #[serde(default)]
    pub(super) voice: Option<String>,
    pub(in crate::model) regions: Cow<'static, str>,
}

/// The code alone says enough.
static NONE: Phrases = Phrases {
    sms: Cow::Borrowed(super::texts::CODE),
    short: Cow::Borrowed(super::texts::CODE),
    press_key: Cow::Borrowed(""),
    your_code: Cow::Borrowed(""),
    voice: None,
    regions: Cow::Borrowed(""),
};

static PHRASES: LazyLock<BTreeMap<String, Phrases>> =
    LazyLock::new(|| toml::from_str(include_str!("phrases.toml")).unwrap_or_default());

/// Every language with its phrases, by tag.
pub(in crate::model) fn all() -> impl Iterator<Item = (&'static str, &'static Phrases)> {
    PHRASES.iter().map(|(tag, phrases)| (tag.as_str(), phrases))
}

/// The phrases of a language.
pub(in crate::model) fn of(tag: &str) -> &'static Phrases {
    PHRASES.get(tag).unwrap_or(&NONE)
}
