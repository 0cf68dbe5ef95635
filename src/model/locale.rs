//! The languages of messages, and which of them somebody is written to in.

use super::message::phrases::{self, Phrases};

/// A language that there are texts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locale(&'static str);

const ENGLISH: Locale = Locale("en");
const SIMPLIFIED: &str = "zh-Hans";
const TRADITIONAL: &str = "zh-Hant";
/// The most languages that are read of one header.
const MOST_RANGES: usize = 50;

impl Locale {
    /// Every language, by its tag.
    pub fn all() -> impl Iterator<Item = Self> {
        phrases::all().map(|(tag, _)| Self(tag))
    }

    /// The language of exactly that tag, in whatever case.
    #[must_use]
    pub fn named(tag: &str) -> Option<Self> {
        Self::all().find(|locale| locale.0.eq_ignore_ascii_case(tag))
    }

    /// The first that there are texts for: what was asked for, what `Accept-Language` prefers (RFC 9110), the
    /// main language of the number's region (ISO 3166), English.
    #[must_use]
    pub fn choose(asked: Option<&str>, accept_language: Option<&str>, region: &str) -> Self {
        let accepted = accept_language.map(accepted).unwrap_or_default();
        let mut ranges = asked.into_iter().chain(accepted);
        ranges.find_map(Self::look_up).or_else(|| Self::of_region(region)).unwrap_or(ENGLISH)
    }

    /// Its BCP 47 tag.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// What is said in it.
    pub(super) fn phrases(self) -> &'static Phrases {
        phrases::of(self.0)
    }

    /// RFC 4647's lookup. A tag here is a language alone, but for Chinese, so of a range nothing else counts.
    fn look_up(range: &str) -> Option<Self> {
        let range = range.to_ascii_lowercase().replace('_', "-");
        let (language, rest) = range.split_once('-').unwrap_or((&range, ""));
        Self::named(match language {
            "zh" | "cmn" | "yue" => chinese(language, rest),
            "no" | "nn" => "nb",
            // As they were before 1989; old systems still say so.
            "in" => "id",
            "iw" => "he",
            "mo" => "ro",
            other => other,
        })
    }

    fn of_region(region: &str) -> Option<Self> {
        let speaks = |phrases: &Phrases| phrases.regions.split(' ').any(|code| code == region);
        phrases::all().find(|(_, phrases)| speaks(phrases)).map(|(tag, _)| Self(tag))
    }
}

/// The script of Chinese: as named, else that of the region, else that of most who speak it.
fn chinese(language: &str, rest: &str) -> &'static str {
    let has = |wanted: &[&str]| rest.split('-').any(|subtag| wanted.contains(&subtag));
    match (has(&["hans"]), has(&["hant"])) {
        (true, _) => SIMPLIFIED,
        (_, true) => TRADITIONAL,
        _ if has(&["tw", "hk", "mo"]) || (language == "yue" && !has(&["cn"])) => TRADITIONAL,
        _ => SIMPLIFIED,
    }
}

/// The ranges of an `Accept-Language` header, the most wanted first; what is malformed or unwanted is left out.
fn accepted(header: &str) -> Vec<&str> {
    let mut ranges: Vec<(f32, &str)> = header.split(',').take(MOST_RANGES).filter_map(weighted).collect();
    ranges.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    ranges.into_iter().map(|(_, range)| range).collect()
}

/// `fr;q=0.8`; nothing for a weight of 0, or one that is none.
fn weighted(item: &str) -> Option<(f32, &str)> {
    let (range, parameters) = item.split_once(';').unwrap_or((item, "q=1"));
    let (name, weight) = parameters.split_once('=')?;
    let weight = weight.trim().parse().ok().filter(|weight| *weight > 0.0 && *weight <= 1.0)?;
    name.trim().eq_ignore_ascii_case("q").then_some((weight, range.trim()))
}
