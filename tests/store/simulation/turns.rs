//! Turns: a request is let through, and then all that is in this process goes on until it waits for another.

use super::Stage;
use super::gate::{Fate, Gate, Passing};
use super::people::Ended;
use super::schedule::{NODES, WRITERS};
use super::world::World;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::Instant;

/// Turns of the runtime in which nothing happens after which nothing will: everything is in this process or answered.
const QUIET: usize = 300;

impl World<'_> {
    /// Lets so many requests of a writer through, or as many as come before it must wait for another writer.
    pub(super) async fn write(&mut self, writer: usize, requests: usize) {
        for _ in 0..requests {
            let is_blocked = self.writers[writer].work.as_ref().is_none_or(|work| work.blocked.is_some());
            let passing = if is_blocked { None } else { self.writers[writer].gate.decide(0, Fate::Answered) };
            let Some(passing) = passing else { return };
            self.tally.requests += 1;
            let blocked = self.answered_or_blocked(passing).await;
            if let Some(work) = &mut self.writers[writer].work {
                work.blocked = blocked;
            }
            self.rest(writer).await;
        }
    }

    /// Those that waited for another go on if they can.
    pub(super) async fn unblock(&mut self) {
        for writer in 0..WRITERS {
            let work = self.writers[writer].work.as_mut();
            if let Some(passing) = work.and_then(|work| work.blocked.take()) {
                let blocked = self.answered_or_blocked(passing).await;
                if let Some(work) = &mut self.writers[writer].work {
                    work.blocked = blocked;
                }
                self.rest(writer).await;
            }
        }
    }

    /// Waits for the answer; if there is none before another transaction ends, that is returned.
    async fn answered_or_blocked(&self, mut passing: Passing) -> Option<Passing> {
        loop {
            for _ in 0..QUIET {
                if passing.is_over() {
                    return None;
                }
                yield_now().await;
            }
            let blocking = "SELECT cardinality(pg_blocking_pids($1)) > 0";
            if self.stage.ask(blocking, passing.process).await && !passing.is_over() {
                return Some(passing);
            }
        }
    }

    pub(super) async fn cut_writer(&mut self, writer: usize, asked: bool) {
        let is_blocked = self.writers[writer].work.as_ref().is_none_or(|work| work.blocked.is_some());
        if !is_blocked {
            cut(self.stage, &self.writers[writer].gate, 0, asked).await;
            self.rest(writer).await;
        }
    }

    /// Waits until nothing can happen with a writer before its next request is let through; takes notice of its end.
    pub(super) async fn rest(&mut self, writer: usize) {
        while !self.writers[writer].rests() {
            yield_now().await;
        }
        let Some(work) = self.writers[writer].work.take_if(|work| work.task.is_finished()) else { return };
        let (person, wakes) = (work.person, work.wakes);
        let ended = work.task.await.unwrap();
        let person = self.people[person].as_mut().unwrap();
        let listed = match ended {
            Ended::Done(listed) => listed,
            Ended::Refused => return,
            // Nobody was told; what is so is so from now on.
            Ended::Unknown => {
                !self.stage.store.find_in_directory(1, &[person.stored]).await.unwrap().is_empty()
            }
        };
        if listed != person.listed || ended == Ended::Unknown {
            (person.listed, person.since) = (listed, (Instant::now(), self.step));
        }
        self.tally.acknowledged += u64::from(ended != Ended::Unknown);
        for node in (0..NODES).filter(|node| wakes[*node]) {
            self.nodes[node].poll(self.step + 1);
            self.settle(node).await;
        }
    }

    pub(super) async fn read(&mut self, node: usize, which: usize, requests: usize) {
        for _ in 0..requests {
            let Some(mut passing) = self.nodes[node].gate.decide(which, Fate::Answered) else { return };
            self.tally.requests += 1;
            while !passing.is_over() {
                yield_now().await;
            }
            self.settle(node).await;
        }
    }

    /// Waits until nothing can happen with a node before one of its requests is let through: each of its tasks waits
    /// for that, or for another that does.
    pub(super) async fn settle(&mut self, node: usize) {
        let mut quiet = 0;
        loop {
            let it = &mut self.nodes[node];
            let tasks = it.tasks();
            let waits = it.gate.waiting() >= tasks && !it.gate.is_busy();
            quiet = if it.notice().await || it.gate.is_busy() { 0 } else { quiet + 1 };
            if waits && tasks == it.tasks() || tasks > 1 && quiet > QUIET {
                return;
            }
            yield_now().await;
        }
    }

    pub(super) async fn cut_node(&mut self, node: usize, which: usize, asked: bool) {
        cut(self.stage, &self.nodes[node].gate, which, asked).await;
        self.settle(node).await;
    }

    pub(super) async fn end_tasks(&mut self, node: usize) {
        while self.nodes[node].tasks() > 0 {
            self.cut_node(node, 0, false).await;
        }
    }

    /// Time passes. What was waited for too long is given up.
    pub(super) async fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        tokio::time::advance(time).await;
        for _ in 0..QUIET {
            yield_now().await;
        }
        for node in 0..NODES {
            let failed = self.nodes[node].notice().await;
            // Their requests are nobody's any more.
            if failed {
                while self.nodes[node].gate.waiting() > 0 {
                    self.cut_node(node, 0, false).await;
                }
            }
            self.settle(node).await;
        }
        for writer in 0..WRITERS {
            if self.writers[writer].work.as_ref().is_some_and(|work| work.task.is_finished()) {
                cut(self.stage, &self.writers[writer].gate, 0, false).await;
            }
            self.rest(writer).await;
        }
    }
}

/// Breaks the connection of a request that waits, and waits until the server has noticed: before or after it has asked.
async fn cut(stage: &Stage, gate: &Gate, which: usize, asked: bool) {
    let fate = if asked { Fate::Unanswered } else { Fate::Unasked };
    let Some(mut passing) = gate.decide(which, fate) else { return };
    while !passing.is_over() {
        yield_now().await;
    }
    while stage.ask("SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = $1)", passing.process).await {}
}
