//! What a call says.

use crate::model::code::Code;
use crate::model::locale::Locale;
use std::fmt;

/// The language of calls in a language that no voice speaks.
const ENGLISH: &str = "en";

/// What a call says: [`VoiceScript::press_key`] until a key is pressed, then [`VoiceScript::your_code`] and the
/// digits one by one, both twice. No voicemail presses a key, so none hears a code.
#[derive(Clone)]
pub struct VoiceScript {
    /// The language of both sentences, as a BCP 47 tag that voice gateways know, such as `fi-FI`.
    pub language: &'static str,
    /// Asks for a key.
    pub press_key: String,
    /// Comes before the digits.
    pub your_code: String,
    /// The code.
    pub digits: Vec<char>,
}

impl VoiceScript {
    /// The call that tells `code` in a language; in English where no voice speaks it.
    #[must_use]
    pub fn new(code: &Code, locale: Locale) -> Self {
        let spoken = |locale: Locale| Some((locale.phrases().voice.as_deref()?, locale.phrases()));
        let english = || Locale::named(ENGLISH).and_then(spoken);
        let (language, phrases) = spoken(locale).or_else(english).unwrap_or((ENGLISH, locale.phrases()));
        Self {
            language,
            press_key: phrases.press_key.to_string(),
            your_code: phrases.your_code.to_string(),
            digits: code.expose().chars().collect(),
        }
    }
}

impl fmt::Debug for VoiceScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VoiceScript").field("language", &self.language).finish_non_exhaustive()
    }
}
