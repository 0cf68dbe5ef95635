use proptest::prelude::*;
use std::time::{Duration, Instant};
use tuttu::client::contacts::{Contact, Sorted, read_vcards};
use tuttu::model::number::Region;

const EXPORTS: [&str; 8] =
    ["android-2.1", "android-3.0", "careless", "google", "ios", "macos-4.0", "nokia", "outlook"];

fn export(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/vcards/{name}.vcf", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Each card as `name: number, number`, no-break spaces and hyphens made plain.
fn cards(file: &[u8]) -> Vec<String> {
    let shown = |card: Contact| format!("{}: {}", card.name, card.numbers.join(" / "));
    let plain = |text: String| text.replace('\u{a0}', " ").replace('\u{2011}', "-");
    read_vcards(file).into_iter().map(shown).map(plain).collect()
}

fn sorted(file: &[u8]) -> Sorted {
    Sorted::of(&read_vcards(file), Some(Region::parse("FI").unwrap()))
}

#[test]
fn ios_exports_are_read_with_groups_labels_marks_and_folded_photos() {
    assert_eq!(
        cards(&export("ios")),
        [
            "Aino Virtanen: 040 123 4567 / (09) 1234 567",
            "Eero Salminen 🎣: +358 50 1234568 / +46 70-174 06 05",
            "Taxi Helsinki: 0100 0700",
            "Dr. Grace Miller: (212) 555-0134,102 / +1 (212) 555-0142",
            "Vastaaja: *98",
        ]
    );
}

#[test]
fn android_2_1_exports_are_read_with_quoted_printable_and_soft_breaks() {
    assert_eq!(
        cards(&export("android-2.1")),
        [
            "Timo Mäkelä: 040-123-4569 / 09-1234568",
            "John Smith: +14155550132",
            "Päivi Tyttö Äiti 👩\u{200d}👧 Ääkkönen-Väänänen: 0401234570 / 014 123 456",
            "Saldo: *100#",
            "Hatakeskus: 112",
        ]
    );
}

#[test]
fn android_3_0_exports_are_read_with_flags_and_custom_labels() {
    assert_eq!(
        cards(&export("android-3.0")),
        [
            "Sanna Korhonen: 0401234571 / +358 9 1234 569 / +358401234571",
            "Jörg Müller: 0049 (0)171 3920055",
            "Lucía Gómez 🇦🇷: +54 9 11 2345-6789 / +54 11 2345-6789",
            "Äiti: +358-14-123457",
        ]
    );
}

#[test]
fn google_exports_are_read_with_nameless_cards() {
    assert_eq!(
        cards(&export("google")),
        [
            "Elina 🌻 Laine: +358 50 1234572 / +358 50 1234573",
            "Mehmet Şahin: 0532 123 45 67 / +90 532 123 45 68",
            "Ana Souza: +55 11 96123-4567",
            ": 0401234574",
            "Pizza Online: 0600 12345 / 16400",
        ]
    );
}

#[test]
fn outlook_exports_are_read_in_the_character_set_of_windows() {
    assert_eq!(
        cards(&export("outlook")),
        [
            "Hr Jürgen Hämäläinen: +358 (9) 123 4570 / +358 (40) 123 4575 / +358 (9) 123 4571",
            "Tom Baker: +1 (212) 555-0134 x102 / +44 7700 900123",
        ]
    );
}

#[test]
fn macos_4_0_exports_are_read_with_tel_addresses_and_folded_names() {
    assert_eq!(
        cards(&export("macos-4.0")),
        [
            "Outi Nieminen: +358-40-123-4576 / +1-212-555-0134",
            "Zoé Dupont 🥐: 06 39 98 00 12 / +33 1 99 00 12 34",
            "Filosofian tohtori Maria-Helena Josefiina Katariina Wilhelmiina Pitkänimi: +358 40 123 4577",
        ]
    );
}

#[test]
fn nokia_exports_are_named_by_the_parts_of_the_name() {
    assert_eq!(
        cards(&export("nokia")),
        [
            "Jussi Mäkinen: 0401234578 / +358501234579",
            "Sirkka Kätilö: 09 1234572 / 0491234",
            "Åke Österåker: 070-174 06 06",
            "Numerotiedustelu: 118",
        ]
    );
}

#[test]
fn a_careless_file_gives_what_it_holds() {
    assert_eq!(
        cards(&export("careless")),
        [
            "Pekka Pouta: 0401234580",
            "Liisa Ilman-Loppua: 040 123 4581",
            "Ei Numeroa: ",
            "Kaksi Samaa: 040 123 4582 / +358 40 123 4582 / see notes",
        ]
    );
}

#[test]
fn exports_put_together_into_one_file_lose_no_card() {
    let file: Vec<u8> = EXPORTS.iter().flat_map(|name| export(name)).collect();
    assert_eq!(cards(&file).len(), 32);
}

#[test]
fn text_of_no_stated_character_set_is_utf_8_or_else_latin_1() {
    assert_eq!(cards(b"BEGIN:VCARD\nFN:J\xf6rg\nEND:VCARD\n"), ["Jörg: "]);
    assert_eq!(cards("BEGIN:VCARD\nFN:Jörg\nEND:VCARD\n".as_bytes()), ["Jörg: "]);
}

#[test]
fn numbers_are_read_as_the_owner_would_dial_them() {
    let numbers: Vec<_> =
        sorted(&export("ios")).listed.iter().map(|listed| listed.number.e164().to_owned()).collect();
    let [aino, home, eero, cottage, ..] = numbers.as_slice() else { panic!("too few: {numbers:?}") };
    assert_eq!(
        [aino, home, eero, cottage],
        ["+358401234567", "+35891234567", "+358501234568", "+46701740605"]
    );
}

#[test]
fn what_cannot_be_a_persons_number_is_left_out_with_the_reason() {
    let reasons: Vec<_> = EXPORTS
        .iter()
        .flat_map(|name| sorted(&export(name)).skipped)
        .map(|skipped| format!("{} {}", skipped.written, skipped.reason.code()))
        .collect();
    assert_eq!(
        reasons,
        [
            "*100# service_code",
            "112 short_code",
            "+358401234571 duplicate",
            "+54 11 2345-6789 duplicate",
            "+358 40 123 4582 duplicate",
            "see notes not_a_number",
            "0532 123 45 67 unassigned",
            "0600 12345 kind_not_usable",
            "16400 short_code",
            "0100 0700 kind_not_usable",
            "(212) 555-0134,102 unassigned",
            "*98 service_code",
            "0491234 unassigned",
            "070-174 06 06 kind_not_usable",
            "118 short_code",
            "+44 7700 900123 unassigned",
        ]
    );
}

#[test]
fn two_forms_of_one_line_are_looked_up_once() {
    let file = export("android-3.0");
    let duplicates: Vec<_> = sorted(&file)
        .skipped
        .into_iter()
        .filter(|skipped| skipped.reason.code() == "duplicate")
        .map(|skipped| skipped.written)
        .collect();
    assert_eq!(duplicates, ["+358401234571", "+54 11 2345-6789"]);
}

#[test]
fn without_a_region_only_whole_numbers_are_read() {
    let sorted = Sorted::of(&read_vcards(&export("android-2.1")), None);
    assert_eq!(sorted.listed.len(), 1);
    assert!(sorted.skipped.iter().any(|skipped| skipped.reason.code() == "region_needed"));
}

#[test]
fn twenty_thousand_cards_are_read_while_a_person_waits() {
    let file: Vec<u8> =
        ["ios", "android-2.1", "google", "nokia"].iter().flat_map(|name| export(name)).collect();
    let file = file.repeat(20_000 / 19 + 1);
    let start = Instant::now();
    assert!(read_vcards(&file).len() >= 20_000);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn blank_lines_do_not_cost_time_squared() {
    let start = Instant::now();
    assert!(read_vcards(&[b"\r\n".repeat(1_000_000), b"x\r\n".repeat(100_000)].concat()).is_empty());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

fn vcard_lines() -> impl Strategy<Value = Vec<String>> {
    let name = "(N|FN|TEL|VERSION|ORG|PHOTO|BEGIN|END|item1\\.TEL|\\PC)";
    let parameters =
        "(;(ENCODING=(QUOTED-PRINTABLE|b|8BIT)|CHARSET=(UTF-8|Windows-1252|\\PC)|\\PC{0,5})){0,3}";
    let value = ":?(VCARD|2\\.1|3\\.0|tel:|(=[0-9A-F]{2})*|\\PC{0,20})";
    let end = "=?\r?\n?[ \t]?";
    let line = prop::string::string_regex(&format!("{name}{parameters}{value}{end}")).unwrap();
    prop::collection::vec(line, 0..30)
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Sorted::of(&read_vcards(&bytes), None);
    }

    #[test]
    fn no_card_makes_the_reader_panic(lines in vcard_lines()) {
        let _ = Sorted::of(&read_vcards(lines.concat().as_bytes()), Region::parse("FI").ok());
    }

    #[test]
    fn a_damaged_export_never_makes_the_reader_panic(
        name in prop::sample::select(&EXPORTS),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut file = export(name);
        let at = at.index(file.len());
        file[at] = byte;
        let _ = Sorted::of(&read_vcards(&file), Region::parse("FI").ok());
    }
}
