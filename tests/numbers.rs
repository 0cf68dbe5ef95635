//! Phone numbers, judged by Google's examples and by a table of aliases.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "numbers/oracle.rs"]
mod oracle;
#[path = "numbers/properties.rs"]
mod properties;

use oracle::examples;
use tuttu::model::number::{NumberError, NumberKind, PhoneNumber, Region};

const ALIASES: &str = include_str!("data/aliases.tsv");

fn cells<const N: usize>(line: &str) -> [&str; N] {
    let cells: Vec<&str> = line.split('\t').collect();
    cells.try_into().unwrap_or_else(|cells| panic!("{N} cells expected: {cells:?}"))
}

fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#')).skip(1)
}

fn region(code: &str) -> Option<Region> {
    (!code.is_empty()).then(|| Region::parse(code).unwrap())
}

fn parse(text: &str) -> Result<PhoneNumber, NumberError> {
    PhoneNumber::parse(text, None)
}

#[test]
fn aliases_are_read_as_the_number_in_use_and_share_an_identity() {
    for line in rows(ALIASES) {
        let [text, code, e164, identity] = cells(line);
        let number = PhoneNumber::parse_contact(text, region(code));
        let number = number.unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!((number.e164(), number.identity()), (e164, identity), "{line}");
    }
}

#[test]
fn no_form_that_is_in_use_is_rewritten() {
    for example in examples().filter(|example| example.valid) {
        assert_eq!(parse(example.e164).unwrap().e164(), example.e164);
    }
}

#[test]
fn only_argentina_has_numbers_that_are_not_their_own_identity() {
    for number in examples().filter_map(|example| parse(example.e164).ok()) {
        let (own, argentine) = (number.identity() == number.e164(), number.e164().starts_with("+54"));
        assert!(own || argentine, "{number:?}");
        assert!(own || number.identity().starts_with("+549"), "{number:?}");
    }
}

#[test]
fn an_argentine_without_the_nine_can_be_sent_a_text_and_a_toll_free_number_cannot() {
    assert!(parse("+54 11 2345 6789").unwrap().can_receive_sms());
    assert!(parse("+54 9 11 2345 6789").unwrap().can_receive_sms());
    assert!(!parse("+54 800 123 4567").unwrap().can_receive_sms());
}

#[test]
fn a_number_behind_an_extension_proves_nobody_and_finds_somebody() {
    let text = "+358 40 123 4567 ext. 12";
    assert_eq!(PhoneNumber::parse(text, None), Err(NumberError::HasExtension));
    assert_eq!(PhoneNumber::parse_contact(text, None).unwrap().e164(), "+358401234567");
    let old = PhoneNumber::parse("+52 1 55 1234 5678 x9", None);
    assert_eq!(old, Err(NumberError::HasExtension));
}

#[test]
fn every_refusal_says_what_is_so() {
    let cases = [
        ("", "", NumberError::NotANumber),
        ("mum", "FI", NumberError::NotANumber),
        ("+1;phone-context=+1;tel:5", "", NumberError::NotANumber),
        ("040 123 4567", "", NumberError::RegionNeeded),
        ("0049 171 1234567", "", NumberError::RegionNeeded),
        ("+999 123 456 789", "", NumberError::UnknownCountry),
        ("+999 123 456 789", "DE", NumberError::UnknownCountry),
        ("112", "FI", NumberError::TooShort),
        ("555-0173", "US", NumberError::TooShort),
        ("+358 40 123 4567 8901 2345", "", NumberError::TooLong),
        ("+1 202 555 017 345", "", NumberError::TooLong),
        ("+1 123 456 7890", "", NumberError::Unassigned),
    ];
    for (text, code, error) in cases {
        assert_eq!(PhoneNumber::parse(text, region(code)), Err(error), "{text:?} {code}");
    }
    assert_eq!(parse(&"1".repeat(65)), Err(NumberError::TooLong));
}

#[test]
fn a_region_is_a_place_with_phone_numbers() {
    assert_eq!(Region::parse("fi").unwrap().as_str(), "FI");
    assert_eq!(Region::parse("FI").unwrap().to_string(), "FI");
    for code in ["", "f", "fin", "ZZ", "UK", "001", "ÅX", "é", "1A"] {
        assert_eq!(Region::parse(code), Err(NumberError::UnknownRegion), "{code}");
    }
}

#[test]
fn a_number_knows_its_country_and_kind() {
    let number = parse("+358 40 123 4567").unwrap();
    assert_eq!(number.country_code(), 358);
    assert_eq!(number.region(), Region::parse("FI").ok());
    assert_eq!(number.kind(), NumberKind::Mobile);
    let satellite = parse("+881 6 123 45678").unwrap();
    assert_eq!((satellite.country_code(), satellite.region()), (881, None));
}

#[test]
fn texts_go_to_mobiles_and_calls_to_whatever_a_person_answers() {
    let reached = |text| {
        let number = parse(text).unwrap();
        (number.can_receive_sms(), number.can_receive_call())
    };
    assert_eq!(reached("+358 40 123 4567"), (true, true));
    assert_eq!(reached("+1 202 555 0173"), (true, true));
    assert_eq!(reached("+39 02 1234 5678"), (false, true));
    assert_eq!(reached("+44 56 1234 5678"), (true, true));
    assert_eq!(reached("+44 70 1234 5678"), (false, false));
    assert_eq!(reached("+1 900 234 5678"), (false, false));
    assert_eq!(reached("+881 6 123 45678"), (false, false));
}

#[test]
fn kinds_that_take_texts_or_calls_are_few() {
    let kinds = [
        (NumberKind::FixedLine, false, true),
        (NumberKind::Mobile, true, true),
        (NumberKind::FixedLineOrMobile, true, true),
        (NumberKind::TollFree, false, false),
        (NumberKind::PremiumRate, false, false),
        (NumberKind::SharedCost, false, false),
        (NumberKind::Voip, true, true),
        (NumberKind::PersonalNumber, false, false),
        (NumberKind::Pager, false, false),
        (NumberKind::Uan, false, false),
        (NumberKind::Voicemail, false, false),
        (NumberKind::Unknown, false, false),
    ];
    for (kind, sms, call) in kinds {
        assert_eq!((kind.can_receive_sms(), kind.can_receive_call()), (sms, call), "{kind:?}");
    }
}

#[test]
fn a_mask_shows_the_country_code_and_two_digits() {
    assert_eq!(parse("+358 40 123 4567").unwrap().masked(), "+358 ••••••• 67");
    assert_eq!(parse("+1 202 555 0173").unwrap().masked(), "+1 •••••••• 73");
    assert_eq!(parse("+247 62889").unwrap().masked(), "+247 ••• 89");
}

#[test]
fn debug_shows_two_digits() {
    assert_eq!(format!("{:?}", parse("+358 40 123 4567").unwrap()), "+...67");
}

#[test]
fn the_library_cannot_log_a_number() {
    // It writes whole numbers at this level, which is therefore compiled out.
    assert!(log::STATIC_MAX_LEVEL < log::LevelFilter::Trace);
}
