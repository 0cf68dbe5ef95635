//! What holds for any text, and for any number.

use proptest::prelude::*;
use tuttu::model::handle::{Handle, Pepper};
use tuttu::model::number::{PhoneNumber, Region};

use crate::{oracle::examples, parse, region};

/// Text made of the pieces that parsers of phone numbers stumble over.
fn nearly_a_number() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[0-9]{1,4}",
        1 => prop::sample::select(vec![
            "+", "＋", "00", "011", "(0)", "-", " ", "/", ".", "x", "ext.", "#", "*", ";", "~",
            "tel:", ";ext=", ";isub=", ";phone-context=", ";phone-context=+1", "+54 9", "+52 1",
            "+55 11 8", "+229", "+225", "+84 12", "٣٥٨", "４０", "\u{200b}", "\u{301}", "💥", "abc",
        ]).prop_map(str::to_owned),
        1 => ".{0,2}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Google's examples with some digits changed: valid about as often as not.
fn nearly_an_example() -> impl Strategy<Value = String> {
    let examples: Vec<&str> = examples().map(|example| example.e164).collect();
    let changes = prop::collection::vec((4..12_usize, "[0-9]"), 0..3);
    (prop::sample::select(examples), changes).prop_map(|(e164, changes)| {
        let mut text = e164.to_owned();
        for (at, digit) in changes {
            if at < text.len() {
                text.replace_range(at..=at, &digit);
            }
        }
        text
    })
}

fn any_region() -> impl Strategy<Value = Option<Region>> {
    let codes = ["", "FI", "US", "AR", "MX", "BR", "BJ", "CI", "VN", "RU", "IT", "SM"];
    prop::sample::select(codes.to_vec()).prop_map(region)
}

fn assert_settled(number: &PhoneNumber) {
    let again = parse(number.e164()).unwrap();
    assert_eq!(again.e164(), number.e164());
    assert_eq!((again.identity(), again.kind()), (number.identity(), number.kind()));
    assert_eq!(parse(number.identity()).unwrap().identity(), number.identity());
    let pepper = Pepper::from_bytes([7; 32]);
    assert_eq!(Handle::derive_stored(&pepper, number.e164()), Ok(Handle::derive(&pepper, number)));
    let digits = |text: String| text.chars().filter(|c| c.is_numeric()).count();
    assert_eq!(digits(format!("{number:?}")), 2);
    let shown = digits(number.masked()) - digits(number.country_code().to_string());
    assert_eq!(shown, 2);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in ".*", region in any_region()) {
        let _ = PhoneNumber::parse_contact(&text, region);
        let _ = Region::parse(&text);
    }

    #[test]
    fn no_text_like_a_number_makes_it_panic(text in nearly_a_number(), region in any_region()) {
        if let Ok(number) = PhoneNumber::parse_contact(&text, region) {
            assert_settled(&number);
        }
    }

    #[test]
    fn reading_a_number_again_changes_nothing(text in nearly_an_example()) {
        if let Ok(number) = parse(&text) {
            assert_settled(&number);
        }
    }
}
