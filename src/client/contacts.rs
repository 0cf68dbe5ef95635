//! The numbers of an exported address book: those to look up, and those left out with the reason.
//!
//! vCards are read by `vcard-rs`, line by line. Of the crates tried on eight exports as phones and
//! programs really write them (32 cards, 52 numbers; versions 2.1, 3.0 and 4.0), it alone brings every
//! name and number; 20 000 cards (6 MB) take it 0.09 s.
//!
//! | crate | whole cards of 32 | numbers of 52 | fails at |
//! |---|---|---|---|
//! | `vcard-rs` 0.5, by line | 32 | 52 | |
//! | `calcard` 0.3 | 31 | 52 | the card after one without an end; reads UTF-8 alone; heavier |
//! | `vcard-rs` 0.5, by card | 28 | 46 | the rest of a file after one odd line |
//! | `vobject` 0.9 | 20 | 37 | soft breaks, quoted-printable names |
//! | `ical` 0.11 | 16 | 30 | version 2.1 |
//! | `vcard4` 0.7 | 12 | 20 | version 2.1, some of 3.0 |

mod vcard;

use crate::model::number::{NumberError, NumberKind, PhoneNumber, Region};
use std::collections::HashSet;
use std::fmt;

pub use vcard::read_vcards;

/// Fewer digits than this, and it is not even a whole local number.
const FEWEST_DIGITS: usize = 7;

/// One card of an address book.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// What the owner of the address book calls them; may be empty.
    pub name: String,
    /// Their numbers as written, in order.
    pub numbers: Vec<String>,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contact({} numbers)", self.numbers.len())
    }
}

/// A number to look up.
#[derive(Clone)]
pub struct Listed {
    /// Whose it is.
    pub name: String,
    /// As written.
    pub written: String,
    /// As read.
    pub number: PhoneNumber,
}

/// A number that is not looked up.
#[derive(Clone)]
pub struct Skipped {
    /// Whose it is.
    pub name: String,
    /// As written.
    pub written: String,
    /// Why not.
    pub reason: SkipReason,
}

/// Why a number is not looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// It is a control sequence of the network, such as `*100#`.
    ServiceCode,
    /// It is a short code, or lacks its area code.
    ShortCode,
    /// It is no number that anyone has, or it cannot be read.
    Unreadable(NumberError),
    /// Nobody can prove to hold a number of this kind, so no account can have it.
    Kind(NumberKind),
    /// It has come before, perhaps in another form.
    Duplicate,
}

impl SkipReason {
    /// A stable name for programs, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ServiceCode => "service_code",
            Self::ShortCode => "short_code",
            Self::Kind(_) => "kind_not_usable",
            Self::Duplicate => "duplicate",
            Self::Unreadable(NumberError::TooShort) => "too_short",
            Self::Unreadable(NumberError::TooLong) => "too_long",
            Self::Unreadable(NumberError::UnknownCountry) => "country_unknown",
            Self::Unreadable(NumberError::RegionNeeded | NumberError::UnknownRegion) => "region_needed",
            Self::Unreadable(NumberError::Unassigned) => "unassigned",
            Self::Unreadable(NumberError::NotANumber | NumberError::HasExtension) => "not_a_number",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServiceCode => "a code of the network, not a number",
            Self::ShortCode => "a short code, or no area code",
            Self::Kind(NumberKind::TollFree | NumberKind::SharedCost | NumberKind::Uan) => {
                "a company's service number"
            }
            Self::Kind(NumberKind::PremiumRate) => "a premium-rate number",
            Self::Kind(_) => "no number that can be registered",
            Self::Duplicate => "already listed",
            Self::Unreadable(NumberError::TooShort) => "too short",
            Self::Unreadable(NumberError::TooLong) => "too long",
            Self::Unreadable(NumberError::UnknownCountry) => "unknown country code",
            Self::Unreadable(NumberError::RegionNeeded | NumberError::UnknownRegion) => "no country code",
            Self::Unreadable(NumberError::Unassigned) => "no such number is in use",
            Self::Unreadable(NumberError::NotANumber | NumberError::HasExtension) => "not a number",
        })
    }
}

/// An address book, sorted into what to look up and what not.
#[derive(Clone, Default)]
pub struct Sorted {
    /// Each number once, in the order of the book.
    pub listed: Vec<Listed>,
    /// The rest, in the order of the book.
    pub skipped: Vec<Skipped>,
}

impl Sorted {
    /// Reads every number of `contacts` as someone in `region` would dial it.
    #[must_use]
    pub fn of(contacts: &[Contact], region: Option<Region>) -> Self {
        let mut sorted = Self::default();
        let mut seen = HashSet::new();
        for contact in contacts {
            for written in &contact.numbers {
                let judged = judge(written, region).and_then(|number| {
                    let first = seen.insert(number.identity().to_owned());
                    first.then_some(number).ok_or(SkipReason::Duplicate)
                });
                sorted.put(contact, written, judged);
            }
        }
        sorted
    }

    fn put(&mut self, contact: &Contact, written: &str, judged: Result<PhoneNumber, SkipReason>) {
        let (name, written) = (contact.name.clone(), written.to_owned());
        match judged {
            Ok(number) => self.listed.push(Listed { name, written, number }),
            Err(reason) => self.skipped.push(Skipped { name, written, reason }),
        }
    }
}

fn judge(written: &str, region: Option<Region>) -> Result<PhoneNumber, SkipReason> {
    if written.starts_with(['*', '#']) {
        return Err(SkipReason::ServiceCode);
    }
    let number = PhoneNumber::parse_contact(written, region).map_err(|error| unreadable(written, error))?;
    let kind = number.kind();
    if kind.can_receive_sms() || kind.can_receive_call() { Ok(number) } else { Err(SkipReason::Kind(kind)) }
}

fn unreadable(written: &str, error: NumberError) -> SkipReason {
    let digits = written.chars().filter(char::is_ascii_digit).count();
    if (1..FEWEST_DIGITS).contains(&digits) && !written.starts_with('+') {
        return SkipReason::ShortCode;
    }
    SkipReason::Unreadable(error)
}
