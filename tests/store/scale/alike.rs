//! Filters together find what a plain question to the database finds, whichever index they go along.

#![allow(clippy::unnecessary_wraps, reason = "what a filter asks for is optional, and filled in by name")]

use super::Stage;
use super::asking::Console;
use super::events::{COUNTRIES, Dice, GATEWAYS};
use super::fill::Known;
use crate::engine::Engine;
use tuttu::store::{AttemptCursor, AttemptFilter, LogFilter, LogPage};

const PAGE: i64 = 20;
const ROUNDS: usize = 6;

/// Conditions of a plain question.
struct Plain {
    engine: Engine,
    conditions: Vec<String>,
}

impl Plain {
    fn new(engine: Engine) -> Self {
        Self { engine, conditions: vec!["1 = 1".to_owned()] }
    }

    fn word(&mut self, column: &str, word: &str) -> Option<String> {
        self.conditions.push(format!("{column} = '{word}'"));
        Some(word.to_owned())
    }

    fn bytes(&self, bytes: &[u8]) -> String {
        match self.engine {
            Engine::Sqlite => format!("x'{}'", hex::encode(bytes)),
            Engine::Postgres => format!("'\\x{}'::BYTEA", hex::encode(bytes)),
        }
    }

    fn and(&self) -> String {
        self.conditions.join(" AND ")
    }
}

/// A filter by the bits of `mask`, and the same in plain words.
fn attempts(
    stage: &Stage,
    console: &Console,
    dice: &mut Dice,
    (mask, known): (u64, &Known),
) -> (AttemptFilter, String) {
    let mut plain = Plain::new(stage.database.engine);
    let mut filter = AttemptFilter::default();
    if mask & 1 > 0 {
        filter.country = plain.word("country", COUNTRIES[known.person.country].code);
    }
    if mask & 2 > 0 {
        filter.gateway = plain.word("gateway", dice.pick(&GATEWAYS));
    }
    if mask & 4 > 0 {
        filter.status = plain.word("status", dice.pick(&["pending", "approved", "exhausted", "refused"]));
    }
    if mask & 8 > 0 {
        let less = if mask & 16 > 0 { 4 } else { 6 };
        let prefix = known.person.number.less_digits(less);
        console.oversight.narrow(&mut filter, prefix);
        let block = plain.bytes(filter.block.as_ref().unwrap());
        plain.conditions.push(format!("(block4 = {block} OR block6 = {block})"));
    }
    if mask & 64 > 0 {
        console.oversight.narrow_to_range(&mut filter, known.person.address());
        plain.conditions.push(format!("source = {}", plain.bytes(filter.source.as_ref().unwrap())));
    }
    if mask & 32 > 0 {
        filter.before = AttemptCursor { started_at: known.at, id: known.id };
        let id = plain.bytes(&known.id);
        plain.conditions.push(format!("(started_at, attempt_id) < ({}, {id})", known.at));
    }
    let order = "ORDER BY started_at DESC, attempt_id DESC";
    let name = if stage.database.engine == Engine::Sqlite {
        "lower(hex(attempt_id))"
    } else {
        "encode(attempt_id, 'hex')"
    };
    let statement = format!("SELECT {name} FROM attempts WHERE {} {order} LIMIT {PAGE}", plain.and());
    (filter, statement)
}

fn entries(dice: &mut Dice, (mask, known): (u64, &Known), plain: &mut Plain) -> (LogFilter, LogPage) {
    let mut filter = LogFilter::default();
    match mask & 3 {
        1 => filter.area = plain.word("area", dice.pick(&["verification", "delivery", "admin"])),
        2 => {
            let all = ["verification.started", "delivery.delivered", "verification.refused"];
            filter.action = plain.word("action", dice.pick(&all));
        }
        _ => {}
    }
    if mask & 4 > 0 {
        filter.outcome = plain.word("outcome", dice.pick(&["success", "refused", "failed"]));
    }
    if mask & 8 > 0 {
        filter.actor = plain.word("actor", dice.pick(&["starter", "system", "gateway:twilio"]));
    }
    if mask & 16 > 0 {
        filter.country = plain.word("country", COUNTRIES[known.person.country].code);
    }
    if mask & 32 > 0 {
        let time = |at| jiff::Timestamp::from_millisecond(at).unwrap();
        let (from, until) = (known.at - 86_400_000, known.at + 3_600_000);
        (filter.from, filter.until) = (Some(time(from)), Some(time(until)));
        plain.conditions.push(format!("at >= {from} AND at < {until}"));
    }
    let before = (mask & 64 > 0).then(|| 10 + dice.below(4_000));
    plain.conditions.extend(before.map(|before| format!("idx < {before}")));
    (filter, LogPage::Before(before))
}

pub(super) async fn verify(stage: &Stage, console: &Console) {
    let mut dice = Dice(3);
    for mask in (0..128).flat_map(|mask| [mask; ROUNDS]) {
        let known = dice.one_of(&stage.filled.known).clone();
        let (filter, statement) = attempts(stage, console, &mut dice, (mask, &known));
        let found = console.oversight.attempts(&filter, PAGE).await.unwrap();
        let found: Vec<String> = found.iter().map(|attempt| hex::encode(attempt.id)).collect();
        assert_eq!(found, stage.rows(statement).await, "{filter:?}");
        let mut plain = Plain::new(stage.database.engine);
        let (filter, page) = entries(&mut dice, (mask, &known), &mut plain);
        let found = console.log.find(&filter, page, PAGE).await.unwrap();
        let found: Vec<String> = found.iter().map(|entry| entry.idx.to_string()).collect();
        let order = format!("WHERE {} ORDER BY audit_log.idx DESC LIMIT {PAGE}", plain.and());
        let expected = stage.rows(format!("SELECT CAST(idx AS TEXT) FROM audit_log {order}")).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}
