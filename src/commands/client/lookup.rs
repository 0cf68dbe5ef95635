//! `tuttu client lookup`: which contacts of a file have accounts.

use super::{Place, SignedIn, say};
use crate::commands::table::Table;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use tuttu::client::contacts::{Listed, Skipped, Sorted, read_vcards};
use tuttu::client::lookup::Lookup;
use tuttu::model::number::{PhoneNumber, Region};
use uuid::Uuid;

#[derive(Debug, Args)]
pub(super) struct LookupArgs {
    /// Contacts as vCards, as phones and mail programs export them; - reads standard input
    #[arg(value_name = "CONTACTS.VCF")]
    file: PathBuf,
    /// Region by which to read numbers without country code [default: that of your own number]
    #[arg(long, value_name = "XX")]
    region: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a lookup has brought.
struct Report {
    contacts: usize,
    found: Vec<(Listed, Option<Uuid>)>,
    skipped: Vec<Skipped>,
    cost: u64,
}

pub(super) async fn run(place: &Place, args: LookupArgs) -> Result<()> {
    let mut device = place.sign_in()?;
    let region = args.region.as_deref().or(device.credentials.region.as_deref());
    let region =
        region.map(|code| Region::parse(code).with_context(|| format!("--region {code}"))).transpose()?;
    let contacts = read_vcards(&read(&args.file)?);
    if contacts.is_empty() {
        bail!("{} holds no vCards: export your contacts as a .vcf file", args.file.display());
    }
    let Sorted { listed, skipped } = Sorted::of(&contacts, region);
    let numbers: Vec<_> = listed.iter().map(|listed| listed.number.clone()).collect();
    let (accounts, cost) = look_up(&mut device, &numbers).await?;
    let found = listed.into_iter().zip(accounts).collect();
    let report = Report { contacts: contacts.len(), found, skipped, cost };
    say(&if args.json { report.to_json() } else { report.to_text() })
}

fn read(file: &Path) -> Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(bytes)
}

async fn look_up(device: &mut SignedIn, numbers: &[PhoneNumber]) -> Result<(Vec<Option<Uuid>>, u64)> {
    let book = device.credentials.sync.clone();
    let mut lookup = Lookup::begin(&device.session, book, numbers).await?;
    let bar = progress_bar(lookup.remaining());
    while lookup.step(&device.session).await? {
        device.credentials.sync = lookup.book().clone();
        device.credentials.write(&device.path)?;
        bar.set_position(u64::try_from(numbers.len().saturating_sub(lookup.remaining())).unwrap_or_default());
    }
    Ok((lookup.accounts(), lookup.cost()))
}

/// On standard error, and only where that is a terminal.
fn progress_bar(handles: usize) -> ProgressBar {
    let length = u64::try_from(handles).unwrap_or_default();
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("Looking up {bar:30} {human_pos} of {human_len}");
    // Cleared also when an error ends the lookup.
    let bar = bar.with_finish(ProgressFinish::AndClear);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

impl Report {
    fn matches(&self) -> usize {
        self.found.iter().filter(|(_, account)| account.is_some()).count()
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        if !self.found.is_empty() {
            let mut table = Table::new(["NAME", "NUMBER", "MATCH"]);
            for (Listed { name, written, .. }, account) in &self.found {
                let account = account.map_or_else(|| "-".to_owned(), |account| account.to_string());
                table.add([named(name), written.clone(), account]);
            }
            let _written = writeln!(text, "{table}");
        }
        if !self.skipped.is_empty() {
            let mut table = Table::new(["SKIPPED", "NUMBER", "WHY"]);
            for Skipped { name, written, reason } in &self.skipped {
                table.add([named(name), written.clone(), reason.to_string()]);
            }
            let _written = writeln!(text, "{table}");
        }
        text + &self.summary()
    }

    fn summary(&self) -> String {
        format!(
            "{}, {} looked up: {}, {} skipped; {} of the lookup budget used.\n",
            count(self.contacts, "contact"),
            count(self.found.len(), "number"),
            if self.matches() == 1 { "1 match".to_owned() } else { format!("{} matches", self.matches()) },
            self.skipped.len(),
            self.cost
        )
    }

    fn to_json(&self) -> String {
        let numbers: Vec<Value> = self
            .found
            .iter()
            .map(|(Listed { name, written, .. }, account)| {
                json!({ "name": name, "number": written, "account_id": account })
            })
            .collect();
        let skipped: Vec<Value> = self
            .skipped
            .iter()
            .map(|Skipped { name, written, reason }| {
                json!({ "name": name, "number": written, "reason": reason.code(), "detail": reason.to_string() })
            })
            .collect();
        let report = json!({
            "numbers": numbers,
            "skipped": skipped,
            "contacts": self.contacts,
            "matches": self.matches(),
            "cost": self.cost,
        });
        format!("{report:#}\n")
    }
}

fn named(name: &str) -> String {
    if name.is_empty() { "(no name)".to_owned() } else { name.to_owned() }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
