//! The questions that pages of the console ask, with values as admins give them.

#![allow(clippy::unnecessary_wraps, reason = "what a filter asks for is optional, and filled in by name")]

use super::events::{COUNTRIES, Dice, GATEWAYS};
use super::fill::{Known, MONTH};
use jiff::Timestamp;
use std::net::IpAddr;
use tuttu::audit::AuditLog;
use tuttu::model::id::AccountId;
use tuttu::oversight::Oversight;
use tuttu::store::{AttemptCursor, AttemptFilter, CountFilter, LogFilter, LogPage, Span};

/// Rows of a page.
const PAGE: i64 = 50;
const DAY: i64 = 86_400_000;
const STATUSES: [&str; 5] = ["pending", "approved", "expired", "exhausted", "refused"];

/// A question that a page asks.
pub(super) enum Question {
    /// A page of verifications: its filter, a status and a prefix as admins type them.
    Attempts(AttemptFilter, &'static str, String),
    /// The same of an address.
    Near(AttemptFilter, &'static str, IpAddr),
    /// A verification with its steps.
    Attempt([u8; 16]),
    Log(LogFilter, LogPage),
    Sums(CountFilter),
    Series(CountFilter),
}

/// Whom the questions go to.
pub(super) struct Console {
    pub(super) oversight: Oversight,
    pub(super) log: AuditLog,
}

pub(super) fn now() -> Timestamp {
    time(MONTH.1)
}

fn time(at: i64) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap()
}

impl Console {
    /// Asks: how many rows came back.
    pub(super) async fn ask(&self, question: Question) -> usize {
        match question {
            Question::Attempts(mut filter, status, prefix) => {
                if !status.is_empty() {
                    self.oversight.narrow_to_status(&mut filter, status, now());
                }
                if !prefix.is_empty() {
                    self.oversight.narrow(&mut filter, &prefix);
                }
                self.oversight.attempts(&filter, PAGE).await.unwrap().len()
            }
            Question::Near(mut filter, status, address) => {
                if !status.is_empty() {
                    self.oversight.narrow_to_status(&mut filter, status, now());
                }
                self.oversight.narrow_to_range(&mut filter, address);
                self.oversight.attempts(&filter, PAGE).await.unwrap().len()
            }
            Question::Attempt(id) => {
                self.oversight.attempt(&id).await.unwrap().map_or(0, |(_, steps)| steps.len())
            }
            Question::Log(filter, page) => self.log.find(&filter, page, PAGE).await.unwrap().len(),
            Question::Sums(filter) => self
                .oversight
                .counted(now().duration_since(filter.from).unsigned_abs(), now())
                .await
                .unwrap()
                .len(),
            Question::Series(filter) => self
                .oversight
                .minutes(now().duration_since(filter.from).unsigned_abs(), now())
                .await
                .unwrap()
                .len(),
        }
    }
}

/// Makes a question of somebody and something at random.
type Make = fn(&mut Dice, &Known) -> Question;

fn month() -> AttemptFilter {
    AttemptFilter { from: MONTH.0, ..AttemptFilter::default() }
}

fn attempts(filter: AttemptFilter) -> Question {
    Question::Attempts(filter, "", String::new())
}

fn country(dice: &mut Dice) -> Option<String> {
    Some(dice.one_of(&COUNTRIES).code.to_owned())
}

fn gateway(dice: &mut Dice) -> Option<String> {
    word(dice.pick(&GATEWAYS))
}

fn prefix(known: &Known, less: usize) -> String {
    known.person.number.less_digits(less).to_owned()
}

fn behind(known: &Known) -> AttemptCursor {
    AttemptCursor { started_at: known.at, id: known.id }
}

/// What the page of verifications is asked.
pub(super) const OF_ATTEMPTS: &[(&str, Make)] = &[
    ("verifications, no filter", |_, _| attempts(month())),
    ("… from some time on back", |_, known| attempts(AttemptFilter { before: behind(known), ..month() })),
    ("… the last page", |_, _| {
        attempts(AttemptFilter {
            before: AttemptCursor { started_at: MONTH.0 + 40_000, id: [0; 16] },
            ..month()
        })
    }),
    ("… of a number", |_, known| {
        let number = Some(known.person.index.as_bytes().to_vec());
        attempts(AttemptFilter { number, ..AttemptFilter::default() })
    }),
    ("… of an account", |_, known| {
        attempts(AttemptFilter { account: Some(known.person.account.as_bytes().to_vec()), ..month() })
    }),
    ("… of an account that there is not", |_, _| {
        attempts(AttemptFilter { account: Some(AccountId::random().as_bytes().to_vec()), ..month() })
    }),
    ("… country", |dice, _| attempts(AttemptFilter { country: country(dice), ..month() })),
    ("… country from some time on back", |dice, known| {
        attempts(AttemptFilter { country: country(dice), before: behind(known), ..month() })
    }),
    ("… country that there is not", |_, _| {
        attempts(AttemptFilter { country: Some("ZZ".to_owned()), ..month() })
    }),
    ("… gateway", |dice, _| attempts(AttemptFilter { gateway: gateway(dice), ..month() })),
    ("… status", |dice, _| Question::Attempts(month(), dice.pick(&STATUSES), String::new())),
    ("… status exhausted, from some time on back", |_, known| {
        let filter = AttemptFilter { before: behind(known), ..month() };
        Question::Attempts(filter, "exhausted", String::new())
    }),
    ("… country, status", |dice, _| {
        let filter = AttemptFilter { country: country(dice), ..month() };
        Question::Attempts(filter, dice.pick(&STATUSES), String::new())
    }),
    ("… gateway, status", |dice, _| {
        let filter = AttemptFilter { gateway: gateway(dice), ..month() };
        Question::Attempts(filter, dice.pick(&STATUSES), String::new())
    }),
    ("… country, gateway", |dice, _| {
        attempts(AttemptFilter { country: country(dice), gateway: gateway(dice), ..month() })
    }),
    ("… country, gateway that go together nowhere", |dice, _| {
        let (country, gateway) = (Some(dice.one_of(&COUNTRIES[1..4]).code), Some("trial"));
        let [country, gateway] = [country, gateway].map(|word| word.map(ToOwned::to_owned));
        attempts(AttemptFilter { country, gateway, ..month() })
    }),
    ("… country, gateway, status", |dice, _| {
        let filter = AttemptFilter { country: country(dice), gateway: gateway(dice), ..month() };
        Question::Attempts(filter, dice.pick(&STATUSES), String::new())
    }),
    ("… prefix of ten thousand numbers", |_, known| Question::Attempts(month(), "", prefix(known, 4))),
    ("… prefix of a million numbers", |_, known| Question::Attempts(month(), "", prefix(known, 6))),
    ("… address", |_, known| Question::Near(month(), "", known.person.address())),
    ("… address, status", |dice, known| {
        Question::Near(month(), dice.pick(&STATUSES), known.person.address())
    }),
    ("… prefix of a million, status", |dice, known| {
        Question::Attempts(month(), dice.pick(&STATUSES), prefix(known, 6))
    }),
    ("… prefix of a million that is pumped, approved", |_, _| {
        Question::Attempts(month(), "approved", "+62812300".to_owned())
    }),
    ("… prefix of a million, gateway, status", |dice, known| {
        let filter = AttemptFilter { gateway: gateway(dice), ..month() };
        Question::Attempts(filter, dice.pick(&STATUSES), prefix(known, 6))
    }),
    ("a verification and its steps", |_, known| Question::Attempt(known.id)),
];

const fn newest(filter: LogFilter) -> Question {
    Question::Log(filter, LogPage::Before(None))
}

fn none() -> LogFilter {
    LogFilter::default()
}

fn word(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn action(dice: &mut Dice) -> Option<String> {
    let all = ["verification.started", "delivery.sent", "verification.code_wrong", "account.registered"];
    word(dice.pick(&all))
}

fn actor(dice: &mut Dice) -> Option<String> {
    word(dice.pick(&["starter", "system", "gateway:twilio", "gateway:trial"]))
}

fn admin(dice: &mut Dice) -> Option<String> {
    let id = AccountId::from_bytes([u8::try_from(dice.below(20)).unwrap(); 16]);
    Some(format!("admin:{id}"))
}

fn outcome(dice: &mut Dice) -> Option<String> {
    word(dice.pick(&["success", "refused", "failed"]))
}

fn hour(known: &Known) -> LogFilter {
    LogFilter { from: Some(time(known.at)), until: Some(time(known.at + 3_600_000)), ..none() }
}

/// What the page of the audit log is asked.
pub(super) const OF_THE_LOG: &[(&str, Make)] = &[
    ("audit log, no filter", |_, _| newest(none())),
    ("… below some place", |dice, _| {
        Question::Log(none(), LogPage::Before(Some(100 + dice.below(5_000_000))))
    }),
    ("… area", |dice, _| {
        newest(LogFilter { area: word(dice.pick(&["verification", "account", "admin"])), ..none() })
    }),
    ("… action", |dice, _| newest(LogFilter { action: action(dice), ..none() })),
    ("… rare action", |_, _| newest(LogFilter { action: word("audit.exported"), ..none() })),
    ("… action that never was", |_, _| newest(LogFilter { action: word("epoch.ended"), ..none() })),
    ("… outcome", |dice, _| newest(LogFilter { outcome: outcome(dice), ..none() })),
    ("… actor", |dice, _| newest(LogFilter { actor: actor(dice), ..none() })),
    ("… an admin", |dice, _| newest(LogFilter { actor: admin(dice), ..none() })),
    ("… country", |dice, _| newest(LogFilter { country: country(dice), ..none() })),
    ("… a person", |_, known| {
        newest(LogFilter { subject: Some(known.person.subject.0.to_vec()), ..none() })
    }),
    ("… a person, action", |dice, known| {
        let subject = Some(known.person.subject.0.to_vec());
        newest(LogFilter { subject, action: action(dice), ..none() })
    }),
    ("… an hour", |_, known| newest(hour(known))),
    ("… an hour, action", |dice, known| newest(LogFilter { action: action(dice), ..hour(known) })),
    ("… an hour, an admin", |dice, known| newest(LogFilter { actor: admin(dice), ..hour(known) })),
    ("… until some time", |_, known| newest(LogFilter { until: Some(time(known.at)), ..none() })),
    ("… action, outcome", |dice, _| {
        newest(LogFilter { action: action(dice), outcome: outcome(dice), ..none() })
    }),
    ("… action, actor", |dice, _| newest(LogFilter { action: action(dice), actor: actor(dice), ..none() })),
    ("… action, country", |dice, _| {
        newest(LogFilter { action: action(dice), country: country(dice), ..none() })
    }),
    ("… outcome, country", |dice, _| {
        newest(LogFilter { outcome: outcome(dice), country: country(dice), ..none() })
    }),
    ("… actor, outcome, country", |dice, _| {
        newest(LogFilter { actor: actor(dice), outcome: outcome(dice), country: country(dice), ..none() })
    }),
    ("… rare action, actor system", |_, _| {
        newest(LogFilter { action: word("audit.exported"), actor: word("system"), ..none() })
    }),
    ("… an hour, action, outcome, country", |dice, known| {
        let (action, outcome, country) = (action(dice), outcome(dice), country(dice));
        newest(LogFilter { action, outcome, country, ..hour(known) })
    }),
];

/// By minutes, up to now.
fn since(from: i64) -> CountFilter {
    CountFilter { span: Span::Minute, from: time(from), until: time(MONTH.1 + DAY / 24) }
}

/// What the pages Now and Countries are asked.
pub(super) const OF_SUMS: &[(&str, Make)] = &[
    ("Now: a series of an hour by minutes", |_, _| Question::Series(since(MONTH.1 - DAY / 24))),
    ("Now, Countries, Gateways: sums of a day", |_, _| Question::Sums(since(MONTH.1 - DAY))),
];
