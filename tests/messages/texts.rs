//! What the built-in texts promise.

use super::{EIGHT, FORMS, Form, HASH, HOST, SIX, built_in, every_text, template, written};
use std::collections::BTreeSet;
use tuttu::model::code::Code;
use tuttu::model::locale::Locale;
use tuttu::model::message::{MessageText, VoiceScript};
use tuttu::model::number::Region;
use tuttu::model::segments::{Encoding, segments};
use tuttu::model::verification::MessageTemplate;

/// Languages whose letters are not in the GSM 7-bit alphabet.
const UCS2: [&str; 19] = [
    "ar", "bg", "bn", "cs", "el", "fa", "he", "hi", "hu", "ja", "ko", "lv", "ru", "sk", "th", "uk", "vi",
    "zh-Hans", "zh-Hant",
];
const RIGHT_TO_LEFT: [&str; 3] = ["ar", "fa", "he"];

/// Runs of digits of whatever script.
fn digit_runs(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_numeric()).filter(|run| !run.is_empty()).collect()
}

#[test]
fn every_language_that_was_promised_has_its_texts() {
    let promised = [
        "fi", "sv", "en", "de", "fr", "es", "pt", "it", "nl", "da", "nb", "pl", "cs", "ru", "uk", "tr", "ar",
        "he", "hi", "bn", "id", "vi", "th", "ja", "ko", "zh-Hans", "zh-Hant",
    ];
    for tag in promised {
        assert_eq!(Locale::named(tag).map(Locale::as_str), Some(tag));
    }
    let plain =
        every_text(None).into_iter().filter(|(_, form, code, _)| *form == Form::Plain && *code == SIX);
    let texts: BTreeSet<_> = plain.map(|(.., text)| text).collect();
    assert_eq!(texts.len(), Locale::all().count(), "no language has the text of another");
}

#[test]
fn the_digits_of_a_code_stand_together_once_in_every_text() {
    for service in [None, Some("Tuttu")] {
        for (locale, form, code, text) in every_text(service) {
            let expected = if form == Form::WebOtp { 2 } else { 1 };
            let body = text.strip_suffix(HASH).unwrap_or(&text);
            assert_eq!(digit_runs(body), vec![code; expected], "{locale} {form:?}: {text}");
            assert!(!text.contains(['{', '}', '[', ']']), "{locale}: {text}");
            assert!(!text.contains("  "), "{locale}: {text}");
        }
    }
}

#[test]
fn a_plain_text_is_one_segment_and_of_the_gsm_alphabet_where_the_language_allows() {
    for (locale, _, _, text) in every_text(None).into_iter().filter(|(_, form, ..)| *form == Form::Plain) {
        let expected = if UCS2.contains(&locale) { Encoding::Ucs2 } else { Encoding::Gsm7 };
        let found = segments(&text);
        assert_eq!((found.encoding, found.count), (expected, 1), "{locale}, {} units: {text}", found.units);
    }
}

#[test]
fn a_short_name_of_the_service_is_in_every_text_and_costs_no_segment() {
    for (locale, form, _, text) in every_text(Some("Tuttu")) {
        assert!(text.contains("Tuttu"), "{locale} {form:?}: {text}");
        assert!(form != Form::Plain || segments(&text).count == 1, "{locale} {form:?}: {text}");
    }
}

#[test]
fn the_last_line_is_that_of_web_otp_and_costs_no_segment() {
    for (locale, _, code, text) in every_text(None).into_iter().filter(|(_, form, ..)| *form == Form::WebOtp)
    {
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!((lines.len(), segments(&text).count), (3, 1), "{locale}: {text}");
        assert_eq!((lines[1], lines[2]), ("", format!("@{HOST} #{code}").as_str()), "{locale}");
    }
}

#[test]
fn sms_retriever_can_read_the_message_in_every_language_whatever_the_service_is_called() {
    let names =
        [None, Some("Tuttu"), Some("Ein ziemlich langer Dienstname"), Some("กกกกกกกกกกกกกกกกกกกกกกกกกกกกกก")];
    for service in names {
        for (locale, _, code, text) in
            every_text(service).into_iter().filter(|(_, form, ..)| *form == Form::Retriever)
        {
            assert!(text.len() <= 140 && text.contains(code), "{locale}, {} bytes: {text}", text.len());
            assert!(text.ends_with(&format!("\n\n{HASH}")), "{locale}: {text}");
        }
    }
}

#[test]
fn a_line_that_runs_from_right_to_left_begins_with_a_letter_that_does() {
    for (locale, form, _, text) in [None, Some("Tuttu")].into_iter().flat_map(every_text) {
        let first = text.chars().next().unwrap();
        let runs = RIGHT_TO_LEFT.contains(&locale);
        assert_eq!(('\u{590}'..'\u{700}').contains(&first), runs, "{locale} {form:?}: {text}");
        // Marks and overrides of direction would break what reads the code.
        assert!(!text.chars().any(
            |c| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        ));
    }
}

#[test]
fn the_texts_read_as_they_should() {
    let (plain, named) = (built_in(None), built_in(Some("Tuttu")));
    let english = written(SIX, "en", Form::Plain, &plain);
    assert_eq!(english, "472913 is your verification code. Never share it with anyone.");
    let english = written(SIX, "en", Form::Plain, &named);
    assert_eq!(english, "472913 is your Tuttu verification code. Never share it with anyone.");
    let finnish = written(SIX, "fi", Form::WebOtp, &named);
    assert_eq!(
        finnish,
        "Tuttu: 472913 on vahvistuskoodisi. Älä kerro sitä kenellekään.\n\n@app.example.com #472913"
    );
    assert_eq!(
        written(EIGHT, "ja", Form::Plain, &named),
        "【Tuttu】認証コードは 47291358 です。他の人に教えないでください。"
    );
    assert_eq!(written(EIGHT, "ru", Form::Retriever, &plain), "47291358 — ваш код\n\nFA+9qCX9VSu");
}

#[test]
fn a_row_of_a_language_that_is_not_here_is_written_in_english() {
    let texts = built_in(None);
    assert_eq!(written(SIX, "tlh", Form::Plain, &texts), written(SIX, "en", Form::Plain, &texts));
    let unset = MessageText::render(&Code::fixed(SIX).unwrap(), &MessageTemplate::default(), &texts);
    assert_eq!(unset.expose(), written(SIX, "en", Form::Plain, &texts));
}

#[test]
fn a_price_is_of_the_text_that_is_sent() {
    for (locale, form, code, text) in every_text(Some("Ein ziemlich langer Dienstname")) {
        let texts = built_in(Some("Ein ziemlich langer Dienstname"));
        let digits = u8::try_from(code.len()).unwrap();
        assert_eq!(MessageText::segments(digits, &template(locale, form), &texts), segments(&text));
    }
    assert_eq!(FORMS.len() * 2 * Locale::all().count(), every_text(None).len());
}

#[test]
fn a_call_says_both_sentences_in_one_language_and_then_digits() {
    let code = Code::fixed(EIGHT).unwrap();
    for locale in Locale::all() {
        let script = VoiceScript::new(&code, locale);
        assert_eq!(script.digits, ['4', '7', '2', '9', '1', '3', '5', '8']);
        let (language, region) = script.language.split_once('-').unwrap();
        assert!(Region::parse(region).is_ok() || region == "XA", "{}", script.language);
        let own = locale.as_str().split('-').next().unwrap();
        assert!(language == own || script.press_key.starts_with("Press any key"), "{locale:?}");
        assert!(digit_runs(&script.press_key).is_empty() && digit_runs(&script.your_code).is_empty());
        assert!(!script.press_key.is_empty() && !script.your_code.is_empty(), "{locale:?}");
    }
    let script = VoiceScript::new(&code, Locale::named("fi").unwrap());
    assert_eq!((script.language, script.your_code.as_str()), ("fi-FI", "Vahvistuskoodisi on:"));
}

#[test]
fn neither_a_message_nor_a_call_can_be_printed_with_its_code() {
    let code = Code::fixed(EIGHT).unwrap();
    let text = MessageText::render(&code, &template("fi", Form::Plain), &built_in(None));
    let shown = format!("{text:?} {:?}", VoiceScript::new(&code, Locale::named("fi").unwrap()));
    assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{shown}");
}
