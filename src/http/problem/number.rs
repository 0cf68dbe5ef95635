//! What is no phone number.

use super::Problem;
use crate::model::number::NumberError;

impl Problem {
    /// What is no phone number.
    #[must_use]
    pub fn number(cause: NumberError) -> Self {
        let (reason, detail) = match cause {
            NumberError::NotANumber => ("not_a_number", "This is not a phone number."),
            NumberError::TooShort => {
                ("too_short", "The number is too short; perhaps the area code is missing.")
            }
            NumberError::TooLong => ("too_long", "The number is too long."),
            NumberError::UnknownCountry => ("unknown_country", "No country has this calling code."),
            NumberError::RegionNeeded => (
                "region_needed",
                "Write the number with + and its country code, or send `region`, such as FI.",
            ),
            NumberError::UnknownRegion => {
                ("unknown_region", "`region` is not a two-letter country code, such as FI.")
            }
            NumberError::Unassigned => ("unassigned", "No such number is in use."),
            NumberError::HasExtension => {
                ("has_extension", "No code reaches an extension: send the number without it.")
            }
        };
        Problem::new(422, "number_invalid", "The phone number is not valid", detail).with("reason", reason)
    }
}
