//! The text of a message that carries a code.

use super::code::Code;
use super::verification::MessageTemplate;
use std::fmt;

/// A message's text. Holds a code, so it shows itself only to the gateway that sends it.
#[derive(Clone)]
pub struct MessageText(String);

impl MessageText {
    /// The text for `code`: one GSM-7 segment, then what lets a device read the code by itself.
    ///
    /// A WebOTP line (`@host #code`, WICG WebOTP) comes last and without a newline after it; an Android SMS
    /// Retriever hash comes last otherwise.
    #[must_use]
    pub fn render(code: &Code, template: &MessageTemplate) -> Self {
        let code = code.expose();
        let text = format!("{code} is your verification code. Never share it with anyone.");
        Self(match (&template.web_origin, &template.app_hash) {
            (Some(host), _) => format!("{text}\n\n@{host} #{code}"),
            (None, Some(hash)) => format!("{text}\n\n{hash}"),
            (None, None) => text,
        })
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
