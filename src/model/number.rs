//! Phone numbers: what people type goes in, E.164 comes out, by Google's rules (libphonenumber).
//!
//! Parsing is the only way to get a [`PhoneNumber`], and only a number that lies in a range in use
//! passes. Beside the number itself stands its *identity*, one for all the forms of one line.

mod aliases;
mod kind;
mod region;

use std::borrow::Cow;
use std::fmt;

use rlibphonenumber as library;
use thiserror::Error;

pub use kind::NumberKind;
pub use region::Region;

/// More than anyone types for one number, its extension included; it bounds the work of parsing.
const LONGEST_INPUT: usize = 64;

/// RFC 3966 lets a number lean on a context. Nobody types that, and the library panics on some.
const CONTEXT: &str = ";phone-context=";

/// A valid phone number in E.164 form (ITU-T E.164). Parsing is the only way to get one.
///
/// Two are equal when their E.164 forms are; ask [`identity`](Self::identity) whether two belong to
/// one person.
#[derive(Clone)]
pub struct PhoneNumber {
    e164: String,
    /// `None` where the number is its own identity, which is nearly always.
    alias_of: Option<String>,
    region: Option<Region>,
    kind: NumberKind,
    may_be_mobile: bool,
    country_code: u16,
}

/// Why a text is not a phone number. None of these says what the text was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
pub enum NumberError {
    /// There is no phone number in the text.
    #[error("this is not a phone number")]
    NotANumber,
    /// Digits are missing, perhaps the area code.
    #[error("the number is too short")]
    TooShort,
    /// There are more digits than the country uses, or more text than a number needs.
    #[error("the number is too long")]
    TooLong,
    /// No country or network has this calling code.
    #[error("the number's country code is unknown")]
    UnknownCountry,
    /// The number is in its national form, and nothing says of which country.
    #[error("the number needs its country code, or a region to read it by")]
    RegionNeeded,
    /// The region is not a two-letter ISO 3166 code of a place with phone numbers.
    #[error("the region is unknown")]
    UnknownRegion,
    /// The number is well formed, and lies in no range that is in use.
    #[error("no such number is in use")]
    Unassigned,
    /// The number leads to an extension, which no message reaches.
    #[error("the number has an extension")]
    HasExtension,
}

impl PhoneNumber {
    /// Reads a number that a person claims as their own.
    ///
    /// `default_region` gives the meaning of a text without `+`: its country, its prefix for calls
    /// abroad (`00`, `011`) and its trunk prefix (`0`). Spaces, punctuation, brackets, a
    /// superfluous `(0)`, digits of any script and `tel:` are understood. Forms that a country has
    /// abolished are read as what replaced them.
    ///
    /// # Errors
    ///
    /// [`NumberError::HasExtension`] for a number behind a switchboard, where a code cannot be
    /// sent; the other variants for what is no valid number.
    pub fn parse(input: &str, default_region: Option<Region>) -> Result<Self, NumberError> {
        let number = read(input, default_region)?;
        if number.extension.is_some() {
            return Err(NumberError::HasExtension);
        }
        Self::of(&number)
    }

    /// Reads a number from an address book: as [`parse`](Self::parse), but an extension is dropped,
    /// since what the contact shares with others is still the line.
    ///
    /// # Errors
    ///
    /// The variants of [`NumberError`] for what is no valid number.
    pub fn parse_contact(input: &str, default_region: Option<Region>) -> Result<Self, NumberError> {
        Self::of(&read(input, default_region)?)
    }

    /// Reads back a number that was valid when it was stored, whatever the numbering plans say by now.
    ///
    /// # Errors
    ///
    /// The variants of [`NumberError`] for a text that never was an E.164 number.
    pub fn stored(e164: &str) -> Result<Self, NumberError> {
        let number = read(e164, None)?;
        Self::known(&number, NumberKind::of(&number))
    }

    /// The identity of a number that was valid when it was stored. Where a country has no aliases that is the text itself,
    /// and known without taking the number apart.
    pub(super) fn stored_identity(e164: &str) -> Result<Cow<'_, str>, NumberError> {
        if aliases::has_none(e164) && is_e164(e164) {
            return Ok(Cow::Borrowed(e164));
        }
        Ok(Cow::Owned(Self::stored(e164)?.identity().to_owned()))
    }

    /// Reads the numbering plans into memory, which the first number would otherwise wait for.
    pub fn warm_up() {
        let _ = Self::parse("+1", None);
        let _ = Self::parse("+358401234567", None);
    }

    /// The whole number: `+`, country code, national number, ASCII digits only.
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.e164
    }

    /// The one form that stands for all forms of this line: what is hashed, indexed and compared.
    ///
    /// It is shaped like E.164, and its own identity; never call or write to it.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.alias_of.as_deref().unwrap_or(&self.e164)
    }

    /// The country or territory of the number; none for networks that belong to no country.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        self.region
    }

    /// What the number is used for, as far as its digits tell.
    #[must_use]
    pub fn kind(&self) -> NumberKind {
        self.kind
    }

    /// The number's country, or `+` and the calling code of a network that belongs to none.
    #[must_use]
    pub fn country(&self) -> String {
        self.region.map_or_else(|| format!("+{}", self.country_code), |region| region.to_string())
    }

    /// The number less its last digits, never less than its country code: the block that it lies in.
    #[must_use]
    pub fn less_digits(&self, digits: usize) -> &str {
        let whole = self.identity();
        let shortest = 1 + self.country_code.to_string().len();
        whole.get(..whole.len().saturating_sub(digits).max(shortest)).unwrap_or(whole)
    }

    /// The calling code, such as 358.
    #[must_use]
    pub fn country_code(&self) -> u16 {
        self.country_code
    }

    /// Whether a text message is worth sending: the kind allows it, and the number is a country's.
    ///
    /// Satellite and other networks without a country are refused: they cost the most to reach,
    /// and fraud knows it. An Argentine number without its `9` looks like a landline and may be a
    /// mobile.
    #[must_use]
    pub fn can_receive_sms(&self) -> bool {
        self.region.is_some() && (self.may_be_mobile || self.kind.can_receive_sms())
    }

    /// Whether a call is worth placing: the kind allows it, and the number is a country's.
    #[must_use]
    pub fn can_receive_call(&self) -> bool {
        self.region.is_some() && self.kind.can_receive_call()
    }

    /// What may be shown: country code, one dot for each hidden digit, the last two digits
    /// (`+358 ••••••• 67`).
    #[must_use]
    pub fn masked(&self) -> String {
        let code = self.country_code.to_string();
        let hidden = self.e164.len().saturating_sub(1 + code.len() + 2);
        format!("+{code} {} {}", "•".repeat(hidden), self.last_two())
    }

    /// Judges what was read, after rewriting a form that its country has abolished.
    fn of(read: &library::PhoneNumber) -> Result<Self, NumberError> {
        let revived = aliases::revive(read);
        let number = revived.as_ref().unwrap_or(read);
        let kind = NumberKind::of(number);
        if kind == NumberKind::Unknown {
            return Err(why_invalid(number));
        }
        Self::known(number, kind)
    }

    fn known(number: &library::PhoneNumber, kind: NumberKind) -> Result<Self, NumberError> {
        Ok(Self {
            e164: number.format_as(library::PhoneNumberFormat::E164).into_owned(),
            alias_of: aliases::identity(number),
            region: number.get_region_code().and_then(Region::of),
            kind,
            may_be_mobile: aliases::may_be_mobile(number),
            country_code: u16::try_from(number.country_code).map_err(|_| NumberError::UnknownCountry)?,
        })
    }

    fn last_two(&self) -> &str {
        self.e164.get(self.e164.len().saturating_sub(2)..).unwrap_or_default()
    }
}

impl PartialEq for PhoneNumber {
    fn eq(&self, other: &Self) -> bool {
        self.e164 == other.e164
    }
}

impl Eq for PhoneNumber {}

impl std::hash::Hash for PhoneNumber {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.e164.hash(state);
    }
}

/// `+...42`: logs tell numbers apart by two digits, never more.
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+...{}", self.last_two())
    }
}

/// Takes a text apart by the library's rules, without judging whether such a number exists.
fn read(input: &str, region: Option<Region>) -> Result<library::PhoneNumber, NumberError> {
    if input.chars().nth(LONGEST_INPUT).is_some() {
        return Err(NumberError::TooLong);
    }
    if input.contains(CONTEXT) {
        return Err(NumberError::NotANumber);
    }
    library::PHONE_NUMBER_UTIL
        .parse(input, region.and_then(Region::library))
        .map_err(|error| why_unreadable(&error, input, region))
}

/// Whether a text has the shape of E.164: `+`, and at most 15 ASCII digits that do not begin with 0.
fn is_e164(text: &str) -> bool {
    let digits = text.strip_prefix('+').map(str::as_bytes).unwrap_or_default();
    (5..=15).contains(&digits.len()) && digits.first() != Some(&b'0') && digits.iter().all(u8::is_ascii_digit)
}

fn why_unreadable(error: &library::ParseError, input: &str, region: Option<Region>) -> NumberError {
    match error {
        library::ParseError::InvalidCountryCode if region.is_none() && !starts_with_plus(input) => {
            NumberError::RegionNeeded
        }
        library::ParseError::InvalidCountryCode => NumberError::UnknownCountry,
        library::ParseError::NotANumber(_) => NumberError::NotANumber,
        library::ParseError::TooShortAfterIdd | library::ParseError::TooShortNsn => NumberError::TooShort,
        library::ParseError::TooLongNsn => NumberError::TooLong,
    }
}

/// Whether the first thing that can begin a number is a plus sign, ASCII or full-width.
fn starts_with_plus(input: &str) -> bool {
    let start = input.chars().find(|c| c.is_numeric() || matches!(c, '+' | '\u{FF0B}'));
    matches!(start, Some('+' | '\u{FF0B}'))
}

fn why_invalid(number: &library::PhoneNumber) -> NumberError {
    use library::{NumberLengthType, ValidationError};
    match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => NumberError::TooShort,
        Err(ValidationError::TooLong) => NumberError::TooLong,
        Err(ValidationError::InvalidCountryCode) => NumberError::UnknownCountry,
        Ok(NumberLengthType::IsPossible) | Err(ValidationError::InvalidLength) => NumberError::Unassigned,
    }
}
