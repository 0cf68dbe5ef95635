//! A log and what the console draws from it, as they are after a month of so many events.

use super::bulk::{ATTEMPTS, Bulk, COUNTS, HEADS, LOG, STEPS, SUBJECTS, TILES, Value};
use super::events::{Attempt, COUNTRIES, Dice, Person, What, of_an_admin, somewhere};
use super::shown::{Counts, Shown};
use crate::engine::Engine;
use jiff::Timestamp;
use std::sync::Arc;
use tokio::sync::mpsc;
use tuttu::model::audit::{Frontier, LogSigner, Note, Pen, Subject, Who, leaf_hash};
use tuttu::model::keys::Keys;

/// The month that is filled, in milliseconds since 1970.
pub(super) const MONTH: (i64, i64) = (1_800_000_000_000, 1_800_000_000_000 + 30 * 86_400_000);
const ORIGIN: &str = "log.test/audit";
/// Attempts of one transaction.
const CHUNK: u64 = 5_000;
/// Events of an attempt on the mean.
const EVENTS: u64 = 4;
/// People who may come back.
const REMEMBERED: usize = 50_000;
/// Attempts, and people, of which questions will be asked.
const ASKED_OF: u64 = 400;

/// Rows of one transaction.
#[derive(Default)]
pub(super) struct Chunk {
    log: Vec<Vec<Value>>,
    attempts: Vec<Vec<Value>>,
    steps: Vec<Vec<Value>>,
    subjects: Vec<Vec<Value>>,
    tiles: Vec<Vec<Value>>,
    heads: Vec<Vec<Value>>,
}

/// An attempt that questions are asked of.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) id: [u8; 16],
    pub(super) at: i64,
    pub(super) person: Person,
}

/// Makes the rows.
struct Maker {
    keys: Arc<Keys>,
    pen: Pen,
    signer: LogSigner,
    dice: Dice,
    edge: Frontier,
    people: Vec<Person>,
    born: [u64; COUNTRIES.len()],
    counts: Counts,
    known: Vec<Known>,
}

/// What a database was filled with.
pub(super) struct Filled {
    pub(super) known: Vec<Known>,
    pub(super) events: u64,
}

/// Fills a database that has its tables with about so many events.
pub(super) async fn fill(engine: Engine, url: &str, keys: Arc<Keys>, events: u64) -> Filled {
    let mut bulk = Bulk::open(engine, url).await;
    let indexes = bulk.strip().await;
    let (chunks, mut made) = mpsc::channel(2);
    let making = std::thread::spawn(move || {
        let mut maker = Maker::new(keys);
        maker.make(events / EVENTS, &chunks);
        maker
    });
    while let Some(chunk) = made.recv().await {
        bulk.run("BEGIN".to_owned()).await;
        let Chunk { log, attempts, steps, subjects, tiles, heads } = chunk;
        for (table, rows) in [
            (LOG, log),
            (ATTEMPTS, attempts),
            (STEPS, steps),
            (SUBJECTS, subjects),
            (TILES, tiles),
            (HEADS, heads),
        ] {
            bulk.insert(&table, rows).await;
        }
        bulk.run("COMMIT".to_owned()).await;
    }
    let maker = making.join().unwrap();
    bulk.insert(&COUNTS, maker.counts.rows(MONTH.1)).await;
    for index in indexes {
        bulk.run(index).await;
    }
    let events = maker.edge.size();
    bulk.run(format!("UPDATE attempt_progress SET idx = {events}")).await;
    bulk.close().await;
    Filled { known: maker.known, events }
}

impl Maker {
    fn new(keys: Arc<Keys>) -> Self {
        let signer = LogSigner::new(ORIGIN, &keys.audit().in_use()).unwrap();
        let pen = Pen::new(&keys, "node");
        let (dice, edge, counts) = (Dice(1), Frontier::default(), Counts::default());
        let (people, known, born) = (Vec::new(), Vec::new(), [0; COUNTRIES.len()]);
        Self { keys, pen, signer, dice, edge, people, born, counts, known }
    }

    fn make(&mut self, attempts: u64, chunks: &mpsc::Sender<Chunk>) {
        let month = u64::try_from(MONTH.1 - MONTH.0).unwrap();
        let started = |n: u64| MONTH.0 + i64::try_from(n * month / attempts).unwrap();
        let every = (attempts / ASKED_OF).max(1);
        for first in (0..attempts).step_by(usize::try_from(CHUNK).unwrap()) {
            let mut chunk = Chunk::default();
            let all: Vec<Attempt> = (first..attempts.min(first + CHUNK))
                .map(|n| {
                    let person = self.somebody(&mut chunk, started(n));
                    let attempt = Attempt::new(&mut self.dice, person, started(n));
                    if n % every == 0 {
                        self.known.push(Known {
                            id: *attempt.id.as_bytes(),
                            at: attempt.at,
                            person: attempt.person.clone(),
                        });
                    }
                    attempt
                })
                .collect();
            self.happen(&mut chunk, &all);
            if chunks.blocking_send(chunk).is_err() {
                return;
            }
        }
    }

    /// Somebody new, or one time in four somebody who was there before.
    fn somebody(&mut self, chunk: &mut Chunk, now: i64) -> Person {
        if self.people.len() > 10 && self.dice.below(4) == 0 {
            return self.dice.one_of(&self.people).clone();
        }
        let country = somewhere(&mut self.dice);
        let n = self.born[country];
        self.born[country] += 1;
        let person = Person::new(&self.keys, &self.pen, &mut self.dice, country, n);
        let bytes = |bytes: &[u8]| Value::from(bytes);
        let (owner, subject) = (person.index.as_bytes().as_slice(), person.subject.0.as_slice());
        chunk.subjects.push(vec![bytes(owner), bytes(subject), bytes(&person.key_sealed), Value::Int(now)]);
        if self.people.len() < REMEMBERED {
            self.people.push(person.clone());
        } else {
            let place = usize::try_from(self.dice.below(REMEMBERED as u64)).unwrap();
            self.people[place] = person.clone();
        }
        person
    }

    fn happen(&mut self, chunk: &mut Chunk, attempts: &[Attempt]) {
        let mut events: Vec<(i64, usize, What)> = attempts
            .iter()
            .enumerate()
            .flat_map(|(n, attempt)| {
                attempt.course.iter().map(move |(after, what)| (attempt.at + after, n, *what))
            })
            .collect();
        events.sort_by_key(|(at, n, _)| (*at, *n));
        let mut shown: Vec<Option<Shown>> = attempts.iter().map(|_| None).collect();
        for (at, n, what) in events {
            let attempt = &attempts[n];
            let (note, who) = attempt.note(what);
            let (idx, event) = self.write(chunk, &note, &who, Some(&attempt.person), at);
            let shown = shown[n].get_or_insert_with(|| Shown::begin(&self.keys, attempt, what, (idx, event)));
            chunk.steps.push(shown.happens(&note, (idx, at), &mut self.counts));
            if self.dice.below(2_000) == 0 {
                let (note, who) = of_an_admin(&mut self.dice);
                self.write(chunk, &note, &who, None, at);
            }
        }
        chunk.attempts.extend(shown.into_iter().flatten().map(Shown::row));
        let note = self.signer.sign(self.edge.size(), self.edge.root()).unwrap();
        let (size, signed_at) = (self.edge.size(), attempts.last().map_or(MONTH.0, |last| last.at));
        let head = [Value::Int(i64::try_from(size).unwrap()), Value::from(note.as_str())];
        let rest = [Value::Blob(self.edge.to_bytes()), Value::Int(signed_at)];
        chunk.heads.push(head.into_iter().chain(rest).collect());
    }

    /// Adds an event to the log: its place and its name.
    fn write(
        &mut self,
        chunk: &mut Chunk,
        note: &Note,
        who: &Who,
        person: Option<&Person>,
        at: i64,
    ) -> (i64, [u8; 16]) {
        let about = person.map(|person| {
            let key = self.pen.subject_key(person.index.as_bytes(), &person.key_sealed).unwrap();
            (person.subject, key)
        });
        let subject: Option<Subject> = about.as_ref().map(|(subject, _)| *subject);
        let time = Timestamp::from_millisecond(at).unwrap();
        let event = self.pen.write(note, who, about, time).unwrap();
        let (idx, leaf) = (i64::try_from(self.edge.size()).unwrap(), leaf_hash(event.entry.as_bytes()));
        for full in self.edge.push(leaf) {
            let place = [i64::from(full.level), i64::try_from(full.tile).unwrap()].map(Value::Int);
            chunk.tiles.push(place.into_iter().chain([Value::Blob(full.root.0.to_vec())]).collect());
        }
        let action = note.action.as_str();
        let kind = who.actor.kind();
        let actor = who.actor.id().map_or_else(|| kind.to_owned(), |id| format!("{kind}:{id}"));
        chunk.log.push(vec![
            Value::Int(idx),
            Value::Blob(event.id.to_vec()),
            Value::Blob(leaf.0.to_vec()),
            Value::Text(event.entry),
            Value::Int(at),
            Value::from(action.split('.').next()),
            Value::from(action),
            Value::from(note.outcome.as_str()),
            Value::Text(actor),
            subject.map_or(Value::Null, |subject| Value::Blob(subject.0.to_vec())),
            Value::from(note.country.as_deref()),
        ]);
        (idx, event.id)
    }
}
