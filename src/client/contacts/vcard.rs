//! vCards of every version, as they come: the names and numbers of a file that may be damaged.

use super::Contact;
use vcard::tree::codec::mode::VcardEscaper;
use vcard::tree::line::VcardLine;
use vcard::tree::value::cursor::VcardValueCursor;

const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// The cards of a file, in order. Lines that are no vCard lines are passed over, and a card without an end
/// goes up to the next one.
#[must_use]
pub fn read_vcards(file: &[u8]) -> Vec<Contact> {
    let mut contacts = Vec::new();
    let mut card: Option<Card> = None;
    for mut line in Lines(file) {
        // Files with a mark are also found glued together, the mark in the middle.
        let name = line.bare_name().trim_start_matches(BYTE_ORDER_MARK).to_ascii_uppercase();
        match name.as_str() {
            "BEGIN" => contacts.extend(card.replace(Card::default()).map(Card::into_contact)),
            "END" => contacts.extend(card.take().map(Card::into_contact)),
            _ => {
                if let Some(card) = &mut card {
                    card.take_line(&name, &mut line);
                }
            }
        }
    }
    contacts.extend(card.map(Card::into_contact));
    contacts
}

/// The logical lines of a file: folds and soft breaks undone, what cannot be read passed over.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = VcardLine<'a>;

    fn next(&mut self) -> Option<VcardLine<'a>> {
        loop {
            // Blank lines go here, in one sweep: left to the reader they cost time squared.
            self.0 = self.0.trim_ascii_start();
            if self.0.is_empty() {
                return None;
            }
            if let Ok((line, rest)) = VcardLine::take(self.0) {
                self.0 = rest;
                return Some(line);
            }
            self.0 = after_break(self.0);
        }
    }
}

fn after_break(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.get(end..).unwrap_or_default()
}

/// What is known of a card so far.
#[derive(Default)]
struct Card {
    escaper: VcardEscaper,
    full_name: String,
    /// Family, given, middle, prefix, suffix.
    name_parts: String,
    organisation: String,
    numbers: Vec<String>,
}

impl Card {
    fn take_line(&mut self, name: &str, line: &mut VcardLine<'_>) {
        let field = match name {
            "VERSION" => {
                self.escaper = VcardEscaper::for_version_str(line.raw_value_str().trim());
                return;
            }
            "FN" => &mut self.full_name,
            "N" => &mut self.name_parts,
            "ORG" => &mut self.organisation,
            "TEL" => self.numbers.push_mut(String::new()),
            _ => return,
        };
        line.value.escaper = self.escaper;
        *field = text(line);
    }

    fn into_contact(self) -> Contact {
        let names = [self.full_name, in_spoken_order(&self.name_parts), self.organisation.replace(';', " ")];
        let name = names.iter().map(|name| one_line(name)).find(|name| !name.is_empty()).unwrap_or_default();
        let numbers = self.numbers.iter().map(|number| plain_number(number));
        Contact { name, numbers: numbers.filter(|number| !number.is_empty()).collect() }
    }
}

/// The value of a line, its encoding and character set undone. Bytes that say nothing of their character
/// set and are not UTF-8 come from an old Windows or phone, so they are read as Latin-1.
fn text(line: &mut VcardLine<'_>) -> String {
    let has_charset = line.params.iter().any(|param| param.name.get().eq_ignore_ascii_case("CHARSET"));
    let value = VcardValueCursor { line };
    if has_charset {
        return value.charset();
    }
    String::from_utf8(value.quoted_printable())
        .unwrap_or_else(|error| error.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

fn in_spoken_order(name_parts: &str) -> String {
    let parts: Vec<_> = name_parts.split(';').collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    [part(3), part(1), part(2), part(0), part(4)].join(" ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A number without the marks that phones put around it to keep its direction of writing, and without the
/// `tel:` of version 4.0 and its parameters.
fn plain_number(written: &str) -> String {
    let visible: String = written.chars().filter(|c| !is_direction_mark(*c)).collect();
    let visible = visible.trim().trim_matches('"');
    match visible.split_at_checked(4) {
        Some((scheme, number)) if scheme.eq_ignore_ascii_case("tel:") => {
            number.split(';').next().unwrap_or_default().to_owned()
        }
        _ => visible.to_owned(),
    }
}

const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}
