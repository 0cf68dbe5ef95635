//! A world in which one thing happens after the other, and what must hold after each.

use super::node::Node;
use super::people::{Person, Writer};
use super::schedule::{ALL, Action, Change, NODES, PEOPLE, WRITERS};
use super::{Stage, ways};
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;
use tuttu::clock::Clock;
use tuttu::config::DirectoryMode;
use tuttu::model::entropy::random_bytes;

/// What the service promises: past it nobody who was registered is missed.
const PROMISED: Duration = Duration::from_secs(5);

/// What must not be.
#[derive(Debug)]
pub(super) struct Wrong {
    /// At which step: an action, or after the last one what brings all to its end.
    pub(super) after: usize,
    node: usize,
    person: usize,
    listed: bool,
    ago: Duration,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after, node, person, listed, ago } = self;
        let (is, says) = if *listed { ("listed", "is not") } else { ("not listed", "is") };
        write!(f, "at step {after}: person {person} is {is} for {ago:?}, and node {node} says that it {says}")
    }
}

/// What was done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) acknowledged: u64,
    pub(super) checks: u64,
}

/// Writers, nodes and people.
pub(super) struct World<'a> {
    pub(super) stage: &'a Stage,
    pub(super) clock: Clock,
    pub(super) writers: Vec<Writer>,
    pub(super) nodes: Vec<Node>,
    pub(super) people: Vec<Option<Person>>,
    unrelated: Option<PgConnection>,
    /// Actions so far.
    pub(super) step: usize,
    pub(super) tally: Tally,
    /// What it was after each action.
    pub(super) told: Vec<Tally>,
}

impl<'a> World<'a> {
    pub(super) async fn begin(stage: &'a Stage) -> Self {
        stage.empty().await;
        let clock = Clock::fixed(crate::store::fixtures::at(0));
        let (mut writers, mut nodes) = (Vec::new(), Vec::new());
        for _ in 0..WRITERS {
            let (gate, store) = ways(&stage.url).await;
            writers.push(Writer { gate, store, work: None });
        }
        for (at, mode) in
            [DirectoryMode::Complete, DirectoryMode::Complete, DirectoryMode::Filter].iter().enumerate()
        {
            let snapshot = stage.folder.path().join(at.to_string());
            let _there_was_none = std::fs::remove_file(&snapshot);
            nodes.push(Node::start(&stage.url, &stage.keys, *mode, snapshot, &clock).await);
        }
        let people = (0..PEOPLE).map(|_| None).collect();
        let mut world = Self {
            stage,
            clock,
            writers,
            nodes,
            people,
            unrelated: None,
            step: 0,
            tally: Tally::default(),
            told: Vec::new(),
        };
        for node in 0..NODES {
            world.nodes[node].keep(false);
            world.settle(node).await;
            world.read(node, 0, ALL).await;
        }
        world
    }

    /// Does one thing after the other; then lets all come to an end, and every node read all.
    pub(super) async fn live(&mut self, actions: &[Action]) -> Result<(), Wrong> {
        for action in actions {
            self.step += 1;
            self.act(*action).await;
            self.check().await?;
            self.told.push(self.tally);
        }
        self.step += 1;
        for writer in 0..WRITERS {
            self.write(writer, ALL).await;
            self.unblock().await;
        }
        for node in 0..NODES {
            self.read(node, 0, ALL).await;
            self.step += 1;
            self.nodes[node].poll(self.step);
            self.settle(node).await;
            self.read(node, 0, ALL).await;
        }
        self.check().await
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Begin { writer, person, change, wakes } => {
                self.begin_work(writer, person, change, wakes).await;
            }
            Action::Write { writer, requests } => {
                let busy = nearest(writer, WRITERS, |at| self.writers[at].gate.waiting() > 0);
                self.write(busy.unwrap_or(writer), requests).await;
            }
            Action::CutWriter { writer, asked } => self.cut_writer(writer, asked).await,
            Action::Poll { node } => {
                self.nodes[node].poll(self.step);
                self.settle(node).await;
            }
            Action::Keep { node } | Action::Build { node } => {
                self.nodes[node].keep(matches!(action, Action::Build { .. }));
                self.settle(node).await;
            }
            Action::Read { node, which, requests } => {
                let busy = nearest(node, NODES, |at| self.nodes[at].gate.waiting() > 0);
                self.read(busy.unwrap_or(node), which, requests).await;
            }
            Action::CutNode { node, which, asked } => self.cut_node(node, which, asked).await,
            Action::Restart { node, saves } => {
                let idle = self.nodes[node].tasks() == 0;
                self.end_tasks(node).await;
                self.nodes[node].restart(saves && idle).await;
            }
            Action::Unrelated => self.toggle_unrelated().await,
            Action::Pass(time) => self.pass(time).await,
            Action::Restore => self.restore().await,
        }
        self.unblock().await;
    }

    async fn begin_work(&mut self, writer: usize, person: usize, change: Change, wakes: [bool; NODES]) {
        let Some(writer) = nearest(writer, WRITERS, |at| self.writers[at].work.is_none()) else { return };
        if self.people[person].is_none() {
            self.people[person] =
                Some(Person::proven((person, self.step), &self.stage.store, &self.stage.keys).await);
        }
        let somebody = self.people[person].as_mut().unwrap();
        self.writers[writer].begin((person, somebody), change, wakes);
        self.rest(writer).await;
    }

    async fn toggle_unrelated(&mut self) {
        if let Some(mut unrelated) = self.unrelated.take() {
            unrelated.execute("COMMIT").await.unwrap();
            return unrelated.close().await.unwrap();
        }
        let mut unrelated = PgConnection::connect(&self.stage.url).await.unwrap();
        unrelated.execute("BEGIN").await.unwrap();
        unrelated.execute("SELECT pg_current_xact_id()").await.unwrap();
        self.unrelated = Some(unrelated);
    }

    /// As after a restore, which is done while nobody writes.
    async fn restore(&mut self) {
        if self.writers.iter().all(|writer| writer.work.is_none()) {
            self.stage.store.begin_anew(random_bytes(), None, self.clock.now()).await.unwrap();
            // Who has only proven a number has no grant any more.
            self.people.iter_mut().for_each(|person| drop(person.take_if(|person| !person.listed)));
        }
    }

    /// No node that claims to be fresh is wrong about what was acknowledged longer ago than promised, nor about what was
    /// before it began to read to the end.
    async fn check(&mut self) -> Result<(), Wrong> {
        let now = Instant::now();
        let people =
            || self.people.iter().enumerate().filter_map(|(at, person)| Some((at, person.as_ref()?)));
        let mut handles: Vec<_> = people().map(|(_, person)| person.handle).collect();
        handles.sort_unstable();
        let mut checks = 0;
        for (at, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.can_be_asked()) {
            let said = node.answer(&handles).await;
            for (who, person) in people() {
                let (since, step) = person.since;
                let ago = now.saturating_duration_since(since);
                if ago <= PROMISED && node.caught_up <= step {
                    continue;
                }
                checks += 1;
                if said.contains(&person.handle) != person.listed {
                    let listed = person.listed;
                    return Err(Wrong { after: self.step, node: at, person: who, listed, ago });
                }
            }
        }
        self.tally.checks += checks;
        Ok(())
    }

    pub(super) async fn end(self) {
        for writer in self.writers {
            writer.end().await;
        }
        for node in self.nodes {
            node.end().await;
        }
        if let Some(unrelated) = self.unrelated {
            unrelated.close().await.unwrap();
        }
    }
}

/// The first of so many that fits, from one on.
fn nearest(from: usize, many: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
    (0..many).map(|step| (from + step) % many).find(|at| fits(*at))
}
