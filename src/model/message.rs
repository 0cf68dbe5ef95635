//! The text of a message that carries a code.

pub(super) mod phrases;
mod texts;
mod voice;

pub use texts::{MessageTexts, NameProblem, TextProblem};
pub use voice::VoiceScript;

use super::code::Code;
use super::locale::Locale;
use super::segments::{Segments, segments};
use super::verification::MessageTemplate;
use std::fmt;

/// What Android's SMS Retriever reads at most, in bytes.
const RETRIEVER_BYTES: usize = 140;

/// A message's text. Holds a code, so it shows itself only to the gateway that sends it.
#[derive(Clone)]
pub struct MessageText(String);

impl MessageText {
    /// The text for `code` in the language of `template`, then what lets a device read the code by itself.
    ///
    /// A WebOTP line (`@host #code`, WICG WebOTP) comes last and without a newline after it; an Android SMS
    /// Retriever hash comes last otherwise, and the whole has at most 140 bytes then. Of the texts that there
    /// are, the fullest of those with the fewest segments is taken.
    #[must_use]
    pub fn render(code: &Code, template: &MessageTemplate, texts: &MessageTexts) -> Self {
        Self(compose(code.expose(), template, texts))
    }

    /// What the message with a code of so many digits takes.
    #[must_use]
    pub fn segments(digits: u8, template: &MessageTemplate, texts: &MessageTexts) -> Segments {
        segments(&compose(&"0".repeat(usize::from(digits)), template, texts))
    }

    /// The text, for the gateway.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageText(..)")
    }
}

fn compose(code: &str, template: &MessageTemplate, texts: &MessageTexts) -> String {
    let (tail, most_bytes) = match (&template.web_origin, &template.app_hash) {
        (Some(host), _) => (format!("\n\n@{host} #{code}"), usize::MAX),
        (None, Some(hash)) => (format!("\n\n{hash}"), RETRIEVER_BYTES),
        (None, None) => (String::new(), usize::MAX),
    };
    let locale = Locale::choose(template.locale.as_deref(), None, "");
    let groups = texts.in_language(locale).map(|group| {
        let whole = group.iter().map(|text| text.replace(texts::CODE, code) + &tail);
        whole.filter(|text| text.len() <= most_bytes).min_by_key(|text| segments(text).count)
    });
    groups.into_iter().flatten().next().unwrap_or_else(|| format!("{code}{tail}"))
}
