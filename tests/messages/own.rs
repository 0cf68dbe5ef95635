//! Texts of the operator's own, and the name of the service.

use super::{EIGHT, Form, HASH, SIX, built_in, written};
use std::collections::BTreeMap;
use tuttu::model::message::{MessageTexts, NameProblem, TextProblem};

fn own(service: Option<&str>, tag: &str, text: &str) -> MessageTexts {
    MessageTexts::new(service, &BTreeMap::from([(tag.to_owned(), text.to_owned())]))
}

#[test]
fn a_text_of_the_operators_own_takes_the_place_of_the_built_in_one_in_its_language_alone() {
    let texts = own(Some("Tuttu"), "FI", "{service} [{code}]");
    assert_eq!(written(SIX, "fi", Form::Plain, &texts), "Tuttu [472913]");
    assert_eq!(written(SIX, "fi", Form::WebOtp, &texts), "Tuttu [472913]\n\n@app.example.com #472913");
    assert_eq!(
        written(SIX, "sv", Form::Plain, &texts),
        written(SIX, "sv", Form::Plain, &built_in(Some("Tuttu")))
    );
}

#[test]
fn a_text_of_the_operators_own_that_sms_retriever_could_not_read_gives_way_to_the_built_in_one() {
    let texts = own(None, "fi", &format!("{{code}} {}", "a".repeat(130)));
    assert!(written(EIGHT, "fi", Form::Plain, &texts).ends_with('a'));
    let text = written(EIGHT, "fi", Form::Retriever, &texts);
    assert_eq!(text, format!("47291358 on vahvistuskoodisi. Älä kerro sitä kenellekään.\n\n{HASH}"));
}

#[test]
fn a_name_that_leaves_sms_retriever_no_room_is_left_out() {
    let texts = built_in(Some("ข้อความที่ยาวมากกกกกกกกกกกกกก"));
    assert!(!written(EIGHT, "th", Form::Retriever, &texts).contains("ข้อความ"));
    assert!(written(EIGHT, "th", Form::Plain, &texts).contains("ข้อความ"));
}

#[test]
fn the_fuller_text_is_taken_where_it_costs_no_more() {
    let name = "Ein ziemlich langer Dienstname";
    let texts = built_in(Some(name));
    assert!(written(SIX, "de", Form::Plain, &texts).contains("weiter"));
    let russian = written(SIX, "ru", Form::Plain, &texts);
    assert_eq!(russian, format!("472913 — ваш код для {name}"));
}

#[test]
fn a_text_is_refused_with_what_is_wrong_with_it() {
    let named = built_in(Some("Tuttu"));
    let wrong = [
        ("tlh", "{code}", TextProblem::UnknownLanguage),
        ("fi", "Koodi", TextProblem::Code),
        ("fi", "{code} {code}", TextProblem::Code),
        ("fi", "G{code}", TextProblem::CodeTouched),
        ("fi", "{code}0", TextProblem::CodeTouched),
        ("fi", "{code} {Service}", TextProblem::Brace),
        ("fi", "{code} {", TextProblem::Brace),
        ("fi", "{code}\u{7}", TextProblem::Control),
        ("fi", "{code}\r\n", TextProblem::Control),
    ];
    for (tag, text, problem) in wrong {
        assert_eq!(named.check(tag, text), Err(problem), "{tag}: {text}");
    }
    assert_eq!(built_in(None).check("fi", "{service} {code}"), Err(TextProblem::NoService));
    for (tag, text) in
        [("fi", "{code}"), ("zh-hant", "{service}\n{code}"), ("hi", "G-{code}!{service}{service}")]
    {
        assert_eq!(named.check(tag, text), Ok(()), "{text}");
    }
    let said = TextProblem::UnknownLanguage.to_string();
    assert!(said.contains("fi, fr") && said.contains("zh-Hant"), "{said}");
}

#[test]
fn a_text_of_more_than_ten_segments_is_refused() {
    // Ten segments of 153 characters; the code has 8.
    let texts = built_in(None);
    assert_eq!(texts.check("fi", &format!("{{code}} {}", "a".repeat(1521))), Ok(()));
    assert_eq!(texts.check("fi", &format!("{{code}} {}", "a".repeat(1522))), Err(TextProblem::TooLong(11)));
    assert_eq!(texts.check("fi", &format!("{{code}} {}ő", "a".repeat(661))), Err(TextProblem::TooLong(11)));
}

#[test]
fn a_name_is_short_and_cannot_be_taken_for_a_code() {
    for name in ["Tuttu", "Tuttu 2026", "a", &"ä".repeat(30)] {
        assert_eq!(MessageTexts::check_name(name), Ok(()), "{name}");
    }
    let wrong = [
        ("", NameProblem::Length),
        ("  ", NameProblem::Length),
        (&"ä".repeat(31), NameProblem::Length),
        ("a\nb", NameProblem::Character),
        ("{code}", NameProblem::Character),
        ("Taxi 123456", NameProblem::Digits),
    ];
    for (name, problem) in wrong {
        assert_eq!(MessageTexts::check_name(name), Err(problem), "{name}");
    }
}
