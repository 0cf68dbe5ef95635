//! What the console shows of an attempt, worked out beside the service; a test compares it with what the service draws.

use super::bulk::Value;
use super::events::{Attempt, COUNTRIES, What};
use std::collections::HashMap;
use tuttu::model::audit::{Action, Note};
use tuttu::model::guard::Subject;
use tuttu::model::keys::Keys;
use tuttu::model::source::Source;

const SPANS: [i64; 2] = [60_000, 3_600_000];
/// How long sums of minutes are kept.
const MINUTES_KEPT: i64 = 48 * 3_600_000;

/// The row of an attempt, as far as it has got.
pub(super) struct Shown {
    id: [u8; 16],
    at: i64,
    idx: i64,
    number: Vec<u8>,
    masked: String,
    blocks: [[u8; 16]; 2],
    source: [u8; 16],
    country: &'static str,
    account: Option<[u8; 16]>,
    channel: &'static str,
    gateway: String,
    status: &'static str,
    reason: Option<String>,
    sent_at: Option<i64>,
    approved_at: Option<i64>,
    deliveries: i64,
    price: i64,
}

type Key = (i64, i64, &'static str, String, &'static str, String);

/// Sums by minute and by hour.
#[derive(Default)]
pub(super) struct Counts(HashMap<Key, (i64, i64)>);

impl Counts {
    /// What is kept of them at a time.
    pub(super) fn rows(&self, now: i64) -> Vec<Vec<Value>> {
        let kept = self.0.iter().filter(|(key, _)| key.0 != SPANS[0] || key.1 >= now - MINUTES_KEPT);
        kept.map(|((span, at, country, gateway, kind, reason), (number, total))| {
            let words = [*country, gateway, kind, reason].map(Value::from);
            let before = [*span, *at].map(Value::Int).into_iter();
            before.chain(words).chain([*number, *total].map(Value::Int)).collect()
        })
        .collect()
    }
}

impl Shown {
    /// What is shown of an attempt that begins with this; of a refusal the event itself is the name.
    pub(super) fn begin(keys: &Keys, attempt: &Attempt, what: What, (idx, event): (i64, [u8; 16])) -> Self {
        let (person, refused) = (&attempt.person, matches!(what, What::Refused(_)));
        let subject = |purpose, text: &str| *Subject::derive(keys.subjects(), purpose, text).as_bytes();
        let range = Source::of(person.address()).range().unwrap().to_string();
        Self {
            id: if refused { event } else { *attempt.id.as_bytes() },
            at: attempt.at,
            idx,
            number: person.index.as_bytes().to_vec(),
            masked: person.number.masked(),
            blocks: [4, 6].map(|digits| subject("console_block", person.number.less_digits(digits))),
            source: subject("console_source", &range),
            country: COUNTRIES[person.country].code,
            account: None,
            channel: if refused { "" } else { "sms" },
            gateway: String::new(),
            status: if refused { "refused" } else { "pending" },
            reason: None,
            sent_at: None,
            approved_at: None,
            deliveries: 0,
            price: 0,
        }
    }

    /// Something happens to it: the row of the step.
    pub(super) fn happens(&mut self, note: &Note, (idx, at): (i64, i64), counts: &mut Counts) -> Vec<Value> {
        let reason = note.reason.as_deref().map(ToOwned::to_owned);
        match note.action {
            Action::VerificationRefused | Action::DeliveryUndelivered => self.reason.clone_from(&reason),
            Action::DeliverySent | Action::DeliveryFailed => {
                self.gateway = note.gateway.clone().unwrap();
                self.deliveries += 1;
                self.price += note.price.unwrap_or_default();
                if note.action == Action::DeliverySent {
                    self.sent_at = Some(at);
                } else {
                    self.reason.clone_from(&reason);
                }
            }
            Action::CodeWrong if reason.as_deref() == Some("checks_exhausted") => {
                (self.status, self.reason) = ("exhausted", reason.clone());
            }
            Action::VerificationApproved => (self.status, self.approved_at) = ("approved", Some(at)),
            Action::AccountRegistered => self.account = note.private.account_id.map(|id| *id.as_bytes()),
            _ => {}
        }
        self.count(note, at, reason.clone().unwrap_or_default(), counts);
        vec![
            Value::Blob(self.id.to_vec()),
            Value::Int(idx),
            Value::Int(at),
            Value::from(note.action.as_str()),
            Value::from(note.outcome.as_str()),
            Value::from(reason.as_deref()),
            Value::from(note.channel),
            Value::from(note.gateway.as_deref()),
            Value::from(note.price),
        ]
    }

    fn count(&self, note: &Note, at: i64, reason: String, counts: &mut Counts) {
        let took = at - self.sent_at.unwrap_or(at);
        let (kind, reason, total) = match note.action {
            Action::VerificationStarted => ("started", String::new(), 0),
            Action::VerificationRefused => ("refused", reason, 0),
            Action::CodeWrong => ("wrong", reason, 0),
            Action::VerificationApproved => ("approved", String::new(), at - self.at),
            Action::DeliverySent => ("sent", String::new(), note.price.unwrap_or_default()),
            Action::DeliveryFailed => ("failed", reason, 0),
            Action::DeliveryDelivered => ("delivered", soon(took).to_owned(), took),
            Action::DeliveryUndelivered => ("undelivered", reason, 0),
            _ => ("registered", String::new(), 0),
        };
        let begins = matches!(note.action, Action::VerificationStarted | Action::VerificationRefused);
        let gateway = if begins { String::new() } else { self.gateway.clone() };
        for span in SPANS {
            let key = (span, at - at.rem_euclid(span), self.country, gateway.clone(), kind, reason.clone());
            let sum = counts.0.entry(key).or_default();
            *sum = (sum.0 + 1, sum.1 + total);
        }
    }

    pub(super) fn row(self) -> Vec<Value> {
        let blob = |bytes: &[u8]| Value::from(bytes);
        vec![
            blob(&self.id),
            Value::Int(self.at),
            Value::Int(self.idx),
            blob(&self.number),
            Value::Text(self.masked),
            self.account.map_or(Value::Null, |id| blob(&id)),
            Value::from(self.country),
            blob(&self.blocks[0]),
            blob(&self.blocks[1]),
            blob(&self.source),
            Value::from(self.channel),
            Value::Text(self.gateway),
            Value::from(self.status),
            Value::from(self.reason.as_deref()),
            Value::from(self.sent_at),
            Value::from(self.approved_at),
            Value::Int(self.deliveries),
            Value::Int(self.price),
        ]
    }
}

fn soon(ms: i64) -> &'static str {
    let bounds = [(2_000, "2s"), (5_000, "5s"), (10_000, "10s"), (30_000, "30s"), (60_000, "60s")];
    bounds.iter().find(|(until, _)| ms <= *until).map_or("more", |(_, name)| name)
}
