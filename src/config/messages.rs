//! What messages say: the name of the service, and texts in place of those that are built in.

use super::Config;
use crate::model::message::MessageTexts;

impl Config {
    /// What messages say.
    #[must_use]
    pub fn message_texts(&self) -> MessageTexts {
        MessageTexts::new(self.verification.service_name.as_deref(), &self.messages)
    }

    /// Every rule that these settings break.
    pub(super) fn message_problems(&self) -> Vec<String> {
        let texts = self.message_texts();
        let name = self.verification.service_name.as_deref();
        let name = name.and_then(|name| MessageTexts::check_name(name).err());
        let mut problems: Vec<String> =
            name.into_iter().map(|problem| format!("verification.service_name {problem}")).collect();
        for (tag, text) in &self.messages {
            problems.extend(texts.check(tag, text).err().map(|problem| format!("messages.{tag} {problem}")));
        }
        problems
    }
}
