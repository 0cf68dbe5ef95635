//! How many segments a text message is sent and paid in (3GPP TS 23.038 and 23.040).

use unicode_segmentation::UnicodeSegmentation as _;

/// Characters of the GSM 7-bit default alphabet, one unit each; its escape is none.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters of its extension table: an escape and a unit.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// How the characters of a message are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The GSM 7-bit default alphabet with its extension table.
    Gsm7,
    /// UTF-16, as gateways and handsets read what the standard calls UCS-2.
    Ucs2,
}

/// What a text takes when it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// How it is written.
    pub encoding: Encoding,
    /// Septets in GSM-7, 16-bit units in UCS-2, without headers.
    pub units: usize,
    /// Messages it is sent in, and paid as; at least one.
    pub count: usize,
}

impl Encoding {
    /// The units of a message that is alone, and of one that is a part: 6 bytes are its header then.
    const fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// What `text` takes when it is sent. No escape is parted from its unit, and nothing that is read as one
/// character, such as a surrogate pair or a letter with its accent, from its rest.
#[must_use]
pub fn segments(text: &str) -> Segments {
    let gsm: Option<Vec<usize>> = text.chars().map(septets).collect();
    let (encoding, sizes) = match gsm {
        Some(sizes) => (Encoding::Gsm7, sizes),
        None => (Encoding::Ucs2, text.graphemes(true).flat_map(parts).map(utf16_units).collect()),
    };
    let units = sizes.iter().sum();
    let (alone, part) = encoding.room();
    let count = if units <= alone { 1 } else { filled(&sizes, part) };
    Segments { encoding, units, count }
}

fn septets(c: char) -> Option<usize> {
    match c {
        _ if BASIC.contains(c) => Some(1),
        _ if EXTENDED.contains(c) => Some(2),
        _ => None,
    }
}

/// A line may end between its two control characters.
fn parts(cluster: &str) -> impl Iterator<Item = &str> {
    let at = if cluster == "\r\n" { 1 } else { cluster.len() };
    let (first, rest) = cluster.split_at_checked(at).unwrap_or((cluster, ""));
    [first, rest].into_iter().filter(|part| !part.is_empty())
}

fn utf16_units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// How many parts with so much room are filled one after another.
fn filled(sizes: &[usize], room: usize) -> usize {
    let (mut count, mut used) = (1, 0);
    for &size in sizes {
        if used + size > room {
            (count, used) = (count + 1, 0);
        }
        used += size;
    }
    count
}
