//! The texts that messages are made from: those that are built in, and the operator's own.

use crate::model::code;
use crate::model::locale::Locale;
use crate::model::segments::segments;
use std::collections::BTreeMap;
use thiserror::Error;

/// Where a text has its code.
pub(super) const CODE: &str = "{code}";
/// Where it may name the service.
const SERVICE: &str = "{service}";
/// More would cost more than any message is worth.
const MOST_SEGMENTS: usize = 10;
/// Characters of the longest name of a service.
const LONGEST_NAME: usize = 30;

/// The texts of one service. Those without one of its own for a language have the one that is built in.
#[derive(Debug, Clone, Default)]
pub struct MessageTexts {
    service: Option<String>,
    own: BTreeMap<Locale, String>,
}

/// What is wrong with a text that is to replace one that is built in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextProblem {
    /// There is no such language.
    #[error("is no language that there are texts for: {}", tags())]
    UnknownLanguage,
    /// The code is missing, or there twice.
    #[error("must hold {CODE} exactly once")]
    Code,
    /// The code would not be told from what stands beside it.
    #[error("may have no letter or digit of ASCII next to {CODE}")]
    CodeTouched,
    /// A brace that begins nothing known.
    #[error("may hold no braces but {CODE} and {SERVICE}")]
    Brace,
    /// It names a service that has no name.
    #[error("holds {SERVICE}, and verification.service_name is not set")]
    NoService,
    /// It has characters that cannot be shown.
    #[error("may hold no control characters but line breaks")]
    Control,
    /// It takes too many segments.
    #[error("takes {0} segments with a code of 8 digits; at most {MOST_SEGMENTS} are sent")]
    TooLong(usize),
}

/// What is wrong with the name of a service.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameProblem {
    /// It is empty or too long.
    #[error("must have 1 to {LONGEST_NAME} characters")]
    Length,
    /// It has characters that cannot be shown, or that texts give a meaning.
    #[error("may hold no control characters and no braces")]
    Character,
    /// It holds what looks like a code.
    #[error("may not have as many digits in a row as a code")]
    Digits,
}

impl MessageTexts {
    /// The texts of a service of that name, with the operator's own by language tag; checked before.
    #[must_use]
    pub fn new(service: Option<&str>, own: &BTreeMap<String, String>) -> Self {
        let own = own.iter().filter_map(|(tag, text)| Some((Locale::named(tag)?, text.clone())));
        Self { service: service.map(str::to_owned), own: own.collect() }
    }

    /// Checks a text of the operator's.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, tag: &str, text: &str) -> Result<(), TextProblem> {
        Locale::named(tag).ok_or(TextProblem::UnknownLanguage)?;
        let mut around = text.split(CODE);
        let (Some(before), Some(after), None) = (around.next(), around.next(), around.next()) else {
            return Err(TextProblem::Code);
        };
        let touches = |c: char| c.is_ascii_alphanumeric();
        let holds = |problem, holds: bool| if holds { Err(problem) } else { Ok(()) };
        holds(TextProblem::CodeTouched, before.ends_with(touches) || after.starts_with(touches))?;
        holds(TextProblem::Brace, format!("{before}{after}").replace(SERVICE, "").contains(['{', '}']))?;
        holds(TextProblem::NoService, self.service.is_none() && text.contains(SERVICE))?;
        holds(TextProblem::Control, text.chars().any(|c| c.is_control() && c != '\n'))?;
        let longest = "0".repeat(usize::from(*code::LENGTHS.end()));
        let count = segments(&self.named(text).replace(CODE, &longest)).count;
        holds(TextProblem::TooLong(count), count > MOST_SEGMENTS)
    }

    /// Checks the name of a service.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check_name(name: &str) -> Result<(), NameProblem> {
        let digits = |c: char| !c.is_ascii_digit();
        let longest = name.split(digits).map(str::len).max().unwrap_or_default();
        if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
            Err(NameProblem::Length)
        } else if name.chars().any(|c| c.is_control() || matches!(c, '{' | '}')) {
            Err(NameProblem::Character)
        } else if longest >= usize::from(*code::LENGTHS.start()) {
            Err(NameProblem::Digits)
        } else {
            Ok(())
        }
    }

    /// The texts in one language, [`CODE`] in each: the best first, and of those in one group the fullest.
    pub(super) fn in_language(&self, locale: Locale) -> [Vec<String>; 3] {
        let phrases = locale.phrases();
        let own = self.own.get(&locale).map(|text| self.named(text));
        let both = |service: Option<&str>| {
            [&phrases.sms, &phrases.short].map(|text| with_option(text, service)).to_vec()
        };
        let named = self.service.as_deref().map(|name| both(Some(name)));
        [own.into_iter().collect(), named.unwrap_or_default(), both(None)]
    }

    fn named(&self, text: &str) -> String {
        text.replace(SERVICE, self.service.as_deref().unwrap_or_default())
    }
}

/// A built-in text with what it has in brackets, if the service has a name, and without it else.
fn with_option(text: &str, service: Option<&str>) -> String {
    let parts = text.split_once('[').and_then(|(before, rest)| Some((before, rest.split_once(']')?)));
    match (parts, service) {
        (None, _) => text.to_owned(),
        (Some((before, (_, after))), None) => format!("{before}{after}"),
        (Some((before, (option, after))), Some(name)) => {
            format!("{before}{}{after}", option.replace(SERVICE, name))
        }
    }
}

fn tags() -> String {
    Locale::all().map(Locale::as_str).collect::<Vec<_>>().join(", ")
}
