//! Google's examples: what scripts/number-oracle wrote down, and whether we agree.

use std::collections::BTreeSet;

use tuttu::model::number::{PhoneNumber, Region};

use crate::{cells, rows};

const ORACLE: &str = include_str!("../data/numbers.tsv");
const ORACLE_SCRIPT: &str = include_str!("../../scripts/number-oracle");

/// One row of the oracle's table.
#[derive(Clone, Copy)]
pub(crate) struct Example {
    region: &'static str,
    kind: &'static str,
    national: &'static str,
    international: &'static str,
    pub(crate) e164: &'static str,
    pub(crate) valid: bool,
    belongs_to: &'static str,
}

impl Example {
    fn of(line: &'static str) -> Self {
        let [region, kind, national, international, e164, valid, belongs_to] = cells(line);
        let valid = valid == "1";
        Self { region, kind, national, international, e164, valid, belongs_to }
    }

    /// Every way the table writes the number, with the region it is read by.
    fn written(self) -> Vec<(&'static str, Option<Region>)> {
        let mut forms = vec![(self.international, None), (self.e164, None)];
        if let Ok(region) = Region::parse(self.region) {
            forms.extend([(self.national, Some(region)), (self.international, Some(region))]);
        }
        forms
    }

    /// What we make of one of those ways, in the oracle's words.
    fn verdict(self, text: &str, region: Option<Region>) -> Result<(), String> {
        let read = PhoneNumber::parse(text, region);
        let found = read.as_ref().map(|number| {
            let region = number.region().map(|region| region.to_string()).unwrap_or_default();
            (number.e164(), number.kind().as_str(), region)
        });
        match found {
            Ok(found) if found == (self.e164, self.kind, self.belongs_to.to_owned()) => Ok(()),
            Err(_) if !self.valid => Ok(()),
            other => Err(format!("{text:?} {region:?}: {other:?}, Google: {}", self.e164)),
        }
    }
}

pub(crate) fn examples() -> impl Iterator<Item = Example> {
    rows(ORACLE).map(Example::of)
}

#[test]
fn the_table_was_written_by_the_script_as_it_is() {
    let constant = |name: &str| {
        let line = ORACLE_SCRIPT.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_matches(['=', ' ', '"']).to_owned()
    };
    let stamp = format!(
        "# numbers.tsv layout {}, by scripts/number-oracle from phonenumbers {}",
        constant("LAYOUT "),
        constant("METADATA "),
    );
    assert_eq!(ORACLE.lines().next(), Some(stamp.as_str()));
    assert!(examples().count() > 1_300);
}

#[test]
fn we_agree_with_google_on_every_example() {
    let disagreements: Vec<String> = examples()
        .flat_map(|example| {
            let forms = example.written().into_iter();
            forms.filter_map(move |(text, region)| example.verdict(text, region).err())
        })
        .collect();
    assert!(disagreements.is_empty(), "{disagreements:#?}");
}

#[test]
fn every_kind_google_has_an_example_of_is_in_the_table() {
    let kinds: BTreeSet<&str> = examples().map(|example| example.kind).collect();
    assert_eq!(kinds.len(), 12, "{kinds:?}");
}
