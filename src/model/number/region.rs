//! Regions: where a number without a country code is read.

use std::fmt;

use rlibphonenumber as library;

use super::NumberError;

/// A country or territory with phone numbers, as its two-letter ISO 3166 code in upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region([u8; 2]);

impl Region {
    /// Reads a code such as `FI` or `fi`.
    ///
    /// # Errors
    ///
    /// [`NumberError::UnknownRegion`] for anything but a region whose numbering plan is known.
    pub fn parse(code: &str) -> Result<Self, NumberError> {
        let letters: [u8; 2] = code.as_bytes().try_into().map_err(|_| NumberError::UnknownRegion)?;
        let region = Self(letters.map(|letter| letter.to_ascii_uppercase()));
        region
            .library()
            .and_then(|known| library::PHONE_NUMBER_UTIL.get_country_code_for_region(known))
            .map(|_| region)
            .ok_or(NumberError::UnknownRegion)
    }

    /// The two upper-case letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The library's word for it; every value has one, since only its own regions pass `parse`.
    pub(super) fn library(self) -> Option<library::Region> {
        library::Region::from_code(self.as_str()).ok()
    }

    /// The region of a number; none for the library's `001`, networks without a country.
    pub(super) fn of(region: library::Region) -> Option<Self> {
        Self::parse(&region.to_string()).ok()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
