//! Calls, as Twilio wants to be told what to say (TwiML): a key first, then the code.

use super::signature::Fields;
use crate::model::message::VoiceScript;
use std::fmt;
use std::fmt::Write as _;

/// How often each thing is said.
const TIMES: usize = 2;
/// Seconds to press a key in, after each time.
const PATIENCE: u32 = 8;

/// A call that waits to be told what to say.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    key_pressed: bool,
}

/// What a call is told. It may hold a code, so it shows itself only to the gateway.
pub struct CallAnswer {
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl fmt::Debug for CallAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallAnswer(..)")
    }
}

impl Call {
    pub(super) fn of(fields: &Fields<'_>) -> Self {
        Self { key_pressed: fields.get("Digits").is_some() }
    }

    /// Whether somebody has pressed a key: no voicemail does.
    #[must_use]
    pub const fn key_pressed(&self) -> bool {
        self.key_pressed
    }

    /// Asks for a key, or reads the code if one was pressed; without a script it hangs up.
    #[must_use]
    pub fn answer(&self, script: Option<&VoiceScript>) -> CallAnswer {
        let mut body = String::from(r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#);
        for _ in 0..TIMES {
            match script {
                Some(script) if self.key_pressed => read(&mut body, script),
                Some(script) => ask(&mut body, script),
                None => {}
            }
        }
        body.push_str("<Hangup/></Response>");
        CallAnswer { content_type: "text/xml; charset=utf-8", body }
    }
}

/// Any key counts, `#` too; without one, Twilio goes on after it.
fn ask(body: &mut String, script: &VoiceScript) {
    let _ = write!(body, r#"<Gather numDigits="1" finishOnKey="" timeout="{PATIENCE}">"#);
    say(body, script.language, &script.press_key);
    body.push_str("</Gather>");
}

fn read(body: &mut String, script: &VoiceScript) {
    body.push_str(r#"<Pause length="1"/>"#);
    say(body, script.language, &script.your_code);
    for digit in &script.digits {
        say(body, script.language, digit.encode_utf8(&mut [0; 4]));
        body.push_str(r#"<Pause length="1"/>"#);
    }
}

fn say(body: &mut String, language: &str, text: &str) {
    let _ = write!(body, r#"<Say language="{}">{}</Say>"#, escaped(language), escaped(text));
}

/// Text as it may stand in XML, quoted or not.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&apos;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code::Code;
    use crate::model::locale::Locale;

    fn script() -> Option<VoiceScript> {
        let locale = Locale::choose(Some("fi"), None, "");
        let script = Code::fixed("123456").map(|code| VoiceScript::new(&code, locale));
        script.map(|script| VoiceScript { press_key: "<Press> & \"hold\"".to_owned(), ..script })
    }

    fn told(key_pressed: bool, script: Option<&VoiceScript>) -> String {
        Call { key_pressed }.answer(script).body
    }

    #[test]
    fn a_key_is_asked_for_twice_and_no_digit_is_heard_before() {
        let told = told(false, script().as_ref());
        assert_eq!(told.matches(r#"<Gather numDigits="1" finishOnKey="" timeout="8">"#).count(), 2);
        assert_eq!(told.matches("&lt;Press&gt; &amp; &quot;hold&quot;</Say></Gather>").count(), 2);
        assert!(told.ends_with("</Gather><Hangup/></Response>") && !told.contains(">3<"), "{told}");
    }

    #[test]
    fn after_a_key_the_digits_are_read_one_by_one_and_twice() {
        let told = told(true, script().as_ref());
        let said = told.split("<Say language=\"fi-FI\">").filter_map(|rest| rest.split('<').next());
        let digits: String = said.filter(|text| text.len() == 1).collect();
        assert_eq!(digits, "123456123456");
        assert!(told.ends_with("<Hangup/></Response>") && !told.contains("<Gather"), "{told}");
    }

    #[test]
    fn without_a_script_it_hangs_up() {
        for key_pressed in [false, true] {
            assert!(told(key_pressed, None).ends_with("<Response><Hangup/></Response>"));
        }
    }
}
