//! Aliases: several numbers, one line.
//!
//! | calling code | form | becomes | where | since |
//! |---|---|---|---|---|
//! | 52 Mexico | `1`, `01`, `044`, `045` before ten digits | the ten digits | number | August 2019 |
//! | 55 Brazil | area code and eight digits from `6`, `8` or `9` | `9` after the area code | number | 2012 to 2016 |
//! | 84 Vietnam | `12x`, `16x`, `18x`, `199` and seven digits | the new two digits and the seven | number | September 2018 |
//! | 225 Côte d'Ivoire | eight digits | the operator's two digits before them | number | January 2021 |
//! | 229 Benin | eight digits | `01` before them | number | November 2024 |
//! | 54 Argentina | ten digits that are a mobile with a `9` before them | `9` and the ten digits | identity | in force |
//!
//! The first five are abolished forms. Nothing answers there any more, so they are rewritten before
//! the number is judged, and a form that is in use is never rewritten.
//!
//! Argentina's `9` is alive: calls from abroad reach a mobile only with it, text messages often only
//! without, and people store either. The number keeps the form it was given and the identity has
//! the `9`. Landlines and mobiles can share that space, since the ten digits of area code and
//! subscriber are given out once, to one or the other: no two people meet in one identity.
//!
//! Left out, because the digits do not tell: Brazil's eight digits from `7`, of which the trunked
//! radio lines stayed as they were; a subscriber number without its area code; prefixes that named
//! a long-distance carrier, which libphonenumber drops itself.

use rlibphonenumber as library;

const ARGENTINA: i32 = 54;

/// What replaced the number, if its form was abolished.
pub(super) fn revive(number: &library::PhoneNumber) -> Option<library::PhoneNumber> {
    let national = rewritten(number)?;
    if number.is_valid() {
        return None;
    }
    let whole = format!("+{}{national}", number.country_code);
    library::PHONE_NUMBER_UTIL.parse(whole, None).ok()
}

/// Whether a number in E.164 form is of a country without aliases in force: then it is its own identity.
pub(super) fn has_none(e164: &str) -> bool {
    !e164.starts_with("+54")
}

/// The one form for all aliases of a valid number, if that is another than its own.
pub(super) fn identity(number: &library::PhoneNumber) -> Option<String> {
    let national = number.get_national_significant_number();
    may_be_mobile(number).then(|| format!("+{ARGENTINA}9{national}"))
}

/// Whether the number is a landline by its form, and a mobile in the form with the `9`.
pub(super) fn may_be_mobile(number: &library::PhoneNumber) -> bool {
    if number.country_code != ARGENTINA {
        return false;
    }
    let national = number.get_national_significant_number();
    national.len() == 10
        && library::PHONE_NUMBER_UTIL
            .parse(format!("+{ARGENTINA}9{national}"), None)
            .is_ok_and(|mobile| mobile.is_valid())
}

fn rewritten(number: &library::PhoneNumber) -> Option<String> {
    let rule = match number.country_code {
        52 => mexico,
        55 => brazil,
        84 => vietnam,
        225 => cote_divoire,
        229 => benin,
        _ => return None,
    };
    rule(&number.get_national_significant_number())
}

fn mexico(national: &str) -> Option<String> {
    let line = ["1", "01", "044", "045"].iter().find_map(|prefix| national.strip_prefix(prefix))?;
    (line.len() == 10).then(|| line.to_owned())
}

fn brazil(national: &str) -> Option<String> {
    let (area, line) = national.split_at_checked(2)?;
    let mobile = line.len() == 8 && line.starts_with(['6', '8', '9']);
    mobile.then(|| format!("{area}9{line}"))
}

fn vietnam(national: &str) -> Option<String> {
    let (old, line) = national.split_at_checked(3)?;
    let new = match old {
        "120" => "70",
        "121" => "79",
        "122" => "77",
        "126" => "76",
        "128" => "78",
        "123" => "83",
        "124" => "84",
        "125" => "85",
        "127" => "81",
        "129" => "82",
        "162" | "163" | "164" | "165" | "166" | "167" | "168" | "169" => "3",
        "186" | "188" => "5",
        "199" => "59",
        _ => return None,
    };
    // Two operators kept the last digit of their old prefix.
    let kept = if new.len() == 1 { old.get(2..)? } else { "" };
    (line.len() == 7).then(|| format!("{new}{kept}{line}"))
}

/// Mobiles show their operator in the second digit (Moov, MTN, Orange), landlines in the third.
fn cote_divoire(national: &str) -> Option<String> {
    let operator = match national.as_bytes() {
        [b'0', b'1'..=b'3', ..] | [b'4' | b'5' | b'7', b'0'..=b'3', ..] => "01",
        [b'0' | b'4'..=b'9', b'4'..=b'6', ..] => "05",
        [b'0' | b'4'..=b'9', b'7'..=b'9', ..] => "07",
        [b'2' | b'3', _, b'8', ..] => "21",
        [b'2' | b'3', _, b'0', ..] => "25",
        [b'2' | b'3', ..] => "27",
        _ => return None,
    };
    (national.len() == 8).then(|| format!("{operator}{national}"))
}

fn benin(national: &str) -> Option<String> {
    (national.len() == 8).then(|| format!("01{national}"))
}
