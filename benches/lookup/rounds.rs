//! Every server asked every question it understands, in turns.

use crate::Effort;
use crate::books::{Book, Draw, Form, pay};
use crate::fill::Filled;
use crate::load::{self, Prepared, Until};
use crate::report::{Figures, Report};
use crate::servers::{Server, knows_mode};
use std::time::Duration;

/// One kind of address book, asked in one way.
struct Question {
    form: Form,
    handles: usize,
    percent: usize,
    requests: Vec<Prepared>,
}

/// What a server is measured for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What unchanged binary lookups cost at least.
    Floor,
    /// Every question.
    Everything,
    /// What the log costs.
    Logging,
    /// Address books that it has not seen before.
    Fresh,
}

struct Subject {
    name: String,
    part: Part,
    server: Server,
}

/// Fresh books, of which the server has seen this share of users.
struct Fresh<'a> {
    seen_percent: usize,
    /// How many are measured in each round.
    each: usize,
    books: Vec<Book<'a>>,
}

/// How many ask at once.
const CONNECTIONS: usize = 64;
/// Form, handles, percentage of users, whether it is among the main questions.
const QUESTIONS: [(Form, usize, usize, bool); 9] = [
    (Form::Binary, 1_000, 30, true),
    (Form::Binary, 1_000, 5, true),
    (Form::Binary, 100, 30, false),
    (Form::Binary, 100, 5, false),
    (Form::Binary, 10_000, 30, false),
    (Form::Binary, 10_000, 5, false),
    (Form::JsonPacked, 1_000, 30, true),
    (Form::JsonList, 1_000, 30, true),
    (Form::FirstSync, 1_000, 30, true),
];

impl Part {
    fn takes(self, question: &Question) -> bool {
        match self {
            Self::Floor => question.form == Form::Binary,
            Self::Everything => true,
            Self::Logging => (question.form, question.handles, question.percent) == (Form::Binary, 1_000, 30),
            Self::Fresh => false,
        }
    }
}

impl Question {
    fn name(&self) -> String {
        name(self.form.name(), self.handles, self.percent)
    }
}

/// What a question is called in the report.
pub(crate) fn name(form: &str, handles: usize, percent: usize) -> String {
    format!("{form}, {handles} handles, {percent} % users")
}

/// Measures every server on this directory.
pub(crate) fn measure(
    directory: &Filled,
    modes: &[String],
    (effort, only): (Effort, &str),
    report: &mut Report,
) {
    let modes: Vec<&str> = modes.iter().map(String::as_str).filter(|mode| knows_mode(mode)).collect();
    let teller = Server::tuttu(directory, "database", "warn");
    let questions = questions(directory, &teller, (effort, only));
    let mut fresh =
        if modes.contains(&"filter") { fresh(directory, &teller, effort).into() } else { Vec::new() };
    drop(teller);
    let subjects = start(directory, &modes);
    for subject in &subjects {
        for question in questions.iter().filter(|question| subject.part.takes(question)) {
            if subject.name != "floor-empty" {
                load::check(subject.server.address, &question.requests);
            }
        }
        if subject.part != Part::Fresh {
            report.memory(directory.users, &subject.name, subject.server.memory());
        }
    }
    for round in 0..effort.rounds {
        eprintln!("{} users: round {} of {}", directory.users, round + 1, effort.rounds);
        for question in &questions {
            for subject in subjects.iter().filter(|subject| subject.part.takes(question)) {
                let figures = ask(&subject.server, &question.requests, effort.window);
                report.add(directory.users, &subject.name, &question.name(), figures);
            }
        }
        for subject in subjects.iter().filter(|subject| subject.part == Part::Fresh) {
            for fresh in &mut fresh {
                let figures = ask_fresh(&subject.server, fresh);
                let name = format!("{}, {} % of the users cached", subject.name, fresh.seen_percent);
                report.add(directory.users, &name, &name_of_fresh(), figures);
            }
        }
    }
}

fn name_of_fresh() -> String {
    name("binary", 1_000, 30)
}

fn questions(directory: &Filled, teller: &Server, (effort, only): (Effort, &str)) -> Vec<Question> {
    let mut draw = Draw::from(directory);
    let asked = QUESTIONS.into_iter().filter(|(.., main)| *main || !effort.quick);
    let mut questions: Vec<Question> = Vec::new();
    let mut paid: Vec<((usize, usize), Vec<Book<'_>>)> = Vec::new();
    for (form, handles, percent, _) in asked {
        if !name(form.name(), handles, percent).contains(only) {
            continue;
        }
        if !paid.iter().any(|(kind, _)| *kind == (handles, percent)) {
            let mut books = draw.books((effort.books * 1_000 / handles).min(effort.books), handles, percent);
            pay(teller.address, &mut books);
            paid.push(((handles, percent), books));
        }
        let books = &paid.iter().find(|(kind, _)| *kind == (handles, percent)).unwrap().1;
        let requests = books.iter().map(|book| book.request(form)).collect();
        questions.push(Question { form, handles, percent, requests });
    }
    questions
}

fn fresh<'a>(directory: &'a Filled, teller: &Server, effort: Effort) -> [Fresh<'a>; 2] {
    let mut draw = Draw::from(directory);
    let kinds = [(90, effort.fresh), (0, effort.fresh / 3)];
    let books: usize = kinds.iter().map(|(_, each)| (CONNECTIONS + each) * effort.rounds).sum();
    if books as u64 * 300 > directory.users {
        eprintln!("{} users: too few for so many rounds, some fresh books are not fresh", directory.users);
    }
    kinds.map(|(seen_percent, each)| {
        let mut books = draw.books((CONNECTIONS + each) * effort.rounds, 1_000, 30);
        pay(teller.address, &mut books);
        Fresh { seen_percent, each, books }
    })
}

fn start(directory: &Filled, modes: &[&str]) -> Vec<Subject> {
    let users = directory.users.to_string();
    let floor = |arguments: &[&str]| Subject {
        name: arguments[0].to_owned(),
        part: Part::Floor,
        server: Server::floor(arguments),
    };
    let tuttu = |mode: &str, part: Part, log: &str, name: String| Subject {
        name,
        part,
        server: Server::tuttu(directory, mode, log),
    };
    let mut subjects = vec![floor(&["floor-empty"]), floor(&["floor-map", &users])];
    for mode in modes {
        subjects.push(tuttu(mode, Part::Everything, "warn", format!("tuttu {mode}")));
    }
    if let Some(mode) = modes.first() {
        subjects.push(tuttu(mode, Part::Logging, "info", format!("tuttu {mode}, log.level = info")));
    }
    if modes.contains(&"filter") {
        subjects.push(tuttu("filter", Part::Fresh, "warn", "tuttu filter".to_owned()));
    }
    subjects
}

/// Under load, then one at a time.
fn ask(server: &Server, requests: &[Prepared], window: Duration) -> Figures {
    let loaded = ask_over(server, (&[], requests), (CONNECTIONS, Until::Elapsed(window)));
    let alone = ask_over(server, (&[], requests), (1, Until::Elapsed(window / 2)));
    Figures { loaded, alone: Some(alone) }
}

/// The next books, each once, after their friends have been seen. Every connection has one more before that: there are
/// only a few requests for each, and its first one costs what its buffers do.
fn ask_fresh(server: &Server, fresh: &mut Fresh<'_>) -> Figures {
    let books: Vec<Book<'_>> = fresh.books.drain(..CONNECTIONS + fresh.each).collect();
    let friends: Vec<Prepared> = books
        .iter()
        .filter(|_| fresh.seen_percent > 0)
        .map(|book| book.friends(fresh.seen_percent).request(Form::FirstSync))
        .collect();
    load::check(server.address, &friends);
    let requests: Vec<Prepared> = books.iter().map(|book| book.request(Form::Binary)).collect();
    let (first, measured) = requests.split_at(CONNECTIONS);
    Figures { loaded: ask_over(server, (first, measured), (CONNECTIONS, Until::AllAsked)), alone: None }
}

fn ask_over(
    server: &Server,
    requests: (&[Prepared], &[Prepared]),
    load: (usize, Until),
) -> crate::report::Measured {
    let mut before = None;
    let seen = load::run(server.address, requests, load, || before = Some(server.cpu_time()));
    let used = server.used_since(&before.unwrap());
    crate::report::Measured::new(&seen, used)
}
