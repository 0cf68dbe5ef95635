//! Which language somebody is written to in.

use proptest::prelude::*;
use tuttu::model::locale::Locale;
use tuttu::model::number::Region;

fn chosen(asked: Option<&str>, accept: Option<&str>, region: &str) -> &'static str {
    Locale::choose(asked, accept, region).as_str()
}

#[test]
fn what_is_asked_for_comes_before_the_header_and_the_header_before_the_country() {
    assert_eq!(chosen(Some("fi"), Some("sv"), "FR"), "fi");
    assert_eq!(chosen(None, Some("sv"), "FR"), "sv");
    assert_eq!(chosen(None, None, "FR"), "fr");
    assert_eq!(chosen(None, None, "KE"), "en");
    assert_eq!(chosen(None, None, "+882"), "en");
}

#[test]
fn a_language_without_texts_leaves_the_choice_to_what_comes_next() {
    assert_eq!(chosen(Some("tlh"), Some("sv"), "FR"), "sv");
    assert_eq!(chosen(Some("tlh"), Some("se,*;q=0.5"), "FR"), "fr");
    assert_eq!(chosen(Some(""), Some(""), ""), "en");
}

#[test]
fn a_tag_is_looked_up_by_its_language_in_any_case_and_spelling() {
    let found = [
        ("fi-FI", "fi"),
        ("FI_fi", "fi"),
        ("en-Latn-GB-x-private", "en"),
        ("es-419", "es"),
        ("pt-BR", "pt"),
        ("no", "nb"),
        ("nn-NO", "nb"),
        ("nb", "nb"),
        ("iw", "he"),
        ("in-ID", "id"),
        ("mo", "ro"),
    ];
    for (tag, locale) in found {
        assert_eq!(chosen(Some(tag), None, "KE"), locale, "{tag}");
    }
    for tag in ["fin", "f", "x-fi", "i-fi", "de1", "-fi", "zhx"] {
        assert_eq!(chosen(Some(tag), None, "KE"), "en", "{tag}");
    }
}

#[test]
fn chinese_is_written_in_the_script_that_is_named_or_that_the_region_writes() {
    let found = [
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-SG", "zh-Hans"),
        ("zh_Hans_HK", "zh-Hans"),
        ("zh-Hant", "zh-Hant"),
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-MO", "zh-Hant"),
        ("zh-Hant-CN", "zh-Hant"),
        ("zh-cmn-Hans-TW", "zh-Hans"),
        ("cmn", "zh-Hans"),
        ("yue", "zh-Hant"),
        ("yue-CN", "zh-Hans"),
    ];
    for (tag, locale) in found {
        assert_eq!(chosen(Some(tag), None, ""), locale, "{tag}");
        assert_eq!(chosen(None, Some(tag), ""), locale, "{tag}");
    }
}

#[test]
fn the_header_is_read_by_its_weights() {
    let found = [
        ("sv-SE, fi;q=0.9", "sv"),
        ("fi;q=0.8, sv", "sv"),
        ("da;q=0.5,fi;q=0.51 , sv ; q=0.4", "fi"),
        ("fi;q=0,sv;q=0.001", "sv"),
        ("fi;Q=1.000", "fi"),
        ("sv;q=0.5,fi;q=0.5", "sv"),
        ("tlh,fi;q=2,sv;q=x,de;q=NaN,nl;q=,da;level=1,it;q=0.1", "it"),
        (",,;,q=1,;q=1,fi", "fi"),
        ("*", "fr"),
        ("fi;q=0", "fr"),
        ("\u{e4}\u{e4}", "fr"),
    ];
    for (header, locale) in found {
        assert_eq!(chosen(None, Some(header), "FR"), locale, "{header}");
    }
}

#[test]
fn a_country_is_written_to_in_its_main_language() {
    let found = [
        ("FI", "fi"),
        ("SE", "sv"),
        ("AX", "sv"),
        ("AT", "de"),
        ("CH", "de"),
        ("BR", "pt"),
        ("MX", "es"),
        ("BE", "nl"),
        ("EG", "ar"),
        ("IL", "he"),
        ("IR", "fa"),
        ("IN", "hi"),
        ("BD", "bn"),
        ("TW", "zh-Hant"),
        ("HK", "zh-Hant"),
        ("CN", "zh-Hans"),
        ("SG", "en"),
        ("KZ", "ru"),
        ("UA", "uk"),
        ("US", "en"),
        ("NG", "en"),
        ("GE", "en"),
        ("fi", "en"),
        ("", "en"),
    ];
    for (region, locale) in found {
        assert_eq!(chosen(None, None, region), locale, "{region}");
    }
}

#[test]
fn every_region_that_is_named_has_numbers_and_one_language() {
    let phrases: toml::Table = toml::from_str(include_str!("../../src/model/message/phrases.toml")).unwrap();
    assert_eq!(phrases.len(), Locale::all().count(), "every text is read");
    let mut seen = std::collections::BTreeSet::new();
    for (tag, phrases) in &phrases {
        for region in phrases["regions"].as_str().unwrap().split_whitespace() {
            assert!(Region::parse(region).is_ok(), "{region}");
            assert!(seen.insert(region), "{region}");
            assert_eq!(chosen(None, None, region), tag);
        }
    }
    assert!(seen.len() > 130, "{}", seen.len());
}

proptest! {
    #[test]
    fn nothing_that_is_asked_for_breaks_the_choice(asked in ".*", accept in ".*", region in "[A-Z]{0,3}") {
        let locale = Locale::choose(Some(&asked), Some(&accept), &region);
        prop_assert_eq!(Locale::named(locale.as_str()), Some(locale));
    }

    #[test]
    fn nothing_like_a_header_breaks_the_choice(accept in "([a-z*_-]{0,4}(;[qQ ]?=?[0-9.]{0,4})?,?){0,20}") {
        let locale = Locale::choose(None, Some(&accept), "FI");
        prop_assert_eq!(Locale::named(locale.as_str()), Some(locale));
    }
}
