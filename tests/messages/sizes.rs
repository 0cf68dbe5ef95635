//! What texts take, as `tests/data/messages.tsv` says; `tests/browser/segments.test.mjs` holds it against what
//! npm's `sms-segments-calculator` says.

use super::every_text;
use tuttu::model::segments::{Encoding, Segments, segments};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/messages.tsv");
const HEAD: &str = "# Made by TUTTU_UPDATE=1 cargo nextest run --test messages. The text is a JSON string.\n\
                    locale\tform\tencoding\tunits\tsegments\ttext\n";
/// Of the GSM alphabet.
const NARROW: [&str; 16] =
    ["a", "Z", "7", " ", "@", "ä", "é", "Δ", "\n", "\r\n", "€", "{", "^", "|", "~", "\u{c}"];
/// Of no alphabet but Unicode.
const WIDE: [&str; 12] =
    ["ç", "ő", "я", "你", "`", "e\u{301}", "😀", "👨\u{200d}👩\u{200d}👧", "🇫🇮", "नि", "한", "กำ"];

/// A generator of numbers that are the same in every run (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Texts of which half are of the GSM alphabet, up to three segments and some of exactly one.
fn mixed() -> Vec<String> {
    let mut numbers = Numbers(5);
    let mut texts: Vec<String> = Vec::new();
    for round in 0..200 {
        let wide = round % 2 == 1;
        let length = numbers.below(if wide { 220 } else { 480 });
        let mut text = String::new();
        for _ in 0..length {
            let one_wide = wide && numbers.below(3) == 0;
            let from: &[&str] = if one_wide { &WIDE } else { &NARROW };
            text.push_str(from[numbers.below(from.len())]);
        }
        texts.push(text);
    }
    for length in [0, 69, 70, 71, 134, 135, 159, 160, 161, 306, 307] {
        texts.push("a".repeat(length));
        texts.push("€".repeat(length));
        texts.push("я".repeat(length));
        texts.push("😀".repeat(length));
    }
    texts
}

fn row(locale: &str, form: &str, text: &str) -> String {
    let Segments { encoding, units, count } = segments(text);
    let encoding = if encoding == Encoding::Gsm7 { "GSM-7" } else { "UCS-2" };
    format!("{locale}\t{form}\t{encoding}\t{units}\t{count}\t{}\n", serde_json::to_string(text).unwrap())
}

#[test]
fn what_every_text_takes_is_what_is_committed() {
    let mut table = HEAD.to_owned();
    for (service, form) in [(None, ""), (Some("Tuttu"), "named ")] {
        for (locale, kind, code, text) in every_text(service) {
            table += &row(locale, &format!("{form}{kind:?} {}", code.len()), &text);
        }
    }
    for text in mixed() {
        table += &row("-", "mixed", &text);
    }
    if std::env::var_os("TUTTU_UPDATE").is_some() {
        std::fs::write(COMMITTED, &table).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(committed == table, "tests/data/messages.tsv is old: run the tests with TUTTU_UPDATE=1");
}

#[test]
fn a_character_of_the_extension_table_is_two_units_and_never_parted() {
    assert_eq!(segments("€").units, 2);
    assert_eq!(segments(&"€".repeat(80)).count, 1);
    // 153 units hold 76 of them, so the third part has the last one.
    assert_eq!((segments(&"€".repeat(152)).count, segments(&"€".repeat(153)).count), (2, 3));
}

#[test]
fn a_surrogate_pair_is_two_units_and_never_parted() {
    assert_eq!((segments("😀").units, segments("😀").encoding), (2, Encoding::Ucs2));
    assert_eq!((segments(&"😀".repeat(35)).count, segments(&"😀".repeat(36)).count), (1, 2));
    // 67 units hold 33 of them.
    assert_eq!((segments(&"😀".repeat(66)).count, segments(&"😀".repeat(67)).count), (2, 3));
}

#[test]
fn a_part_of_a_message_has_room_for_less_than_a_message_alone() {
    let count = |text: &str, length: usize| segments(&text.repeat(length)).count;
    assert_eq!([160, 161, 306, 307].map(|length| count("a", length)), [1, 2, 2, 3]);
    assert_eq!([70, 71, 134, 135].map(|length| count("я", length)), [1, 2, 2, 3]);
    assert_eq!(segments(""), Segments { encoding: Encoding::Gsm7, units: 0, count: 1 });
}
