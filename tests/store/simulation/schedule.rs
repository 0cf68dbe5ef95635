//! What happens, one thing after the other: drawn from a seed, and so the same whenever the seed is.

use std::time::Duration;

/// Writers, nodes and people of a world.
pub(super) const WRITERS: usize = 3;
pub(super) const NODES: usize = 3;
pub(super) const PEOPLE: usize = 8;

/// What a writer does with a person: a real transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Registers it; where it is there, lists it.
    List,
    Hide,
    Erase,
}

/// One thing. Where it cannot be (a busy writer begins nothing), the next writer or node does it, or none.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    /// A writer begins. When it is through, these nodes are woken; the others' wake-ups are lost.
    Begin { writer: usize, person: usize, change: Change, wakes: [bool; NODES] },
    /// So many of its requests are answered.
    Write { writer: usize, requests: usize },
    /// Its connection breaks before its request is asked, which rolls the transaction back; or before the answer.
    CutWriter { writer: usize, asked: bool },
    /// A node begins to read the feed.
    Poll { node: usize },
    /// A node begins to fill what view it lacks, and builds anew what does not fit.
    Keep { node: usize },
    /// A node begins to build its view anew.
    Build { node: usize },
    /// So many of its requests are answered.
    Read { node: usize, which: usize, requests: usize },
    /// The connection of one of its requests breaks.
    CutNode { node: usize, which: usize, asked: bool },
    /// A node ends, with or without a snapshot, and starts.
    Restart { node: usize, saves: bool },
    /// A transaction that has nothing to do with anything begins, or ends.
    Unrelated,
    /// Time passes.
    Pass(Duration),
    /// The database was restored: the feed goes on elsewhere.
    Restore,
}

/// All that is under way comes to its end.
pub(super) const ALL: usize = usize::MAX;
const PASSES: [u64; 8] = [20, 100, 250, 700, 1_300, 2_600, 4_900, 7_000];

/// So many actions, drawn from a seed.
pub(super) fn draw(seed: u64, actions: usize) -> Vec<Action> {
    let mut drawn = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    let mut next = || {
        let mut bytes = [0; 8];
        drawn.fill(&mut bytes);
        action(bytes.map(usize::from))
    };
    (0..actions).map(|_| next()).collect()
}

fn action([kind, a, b, c, d, ..]: [usize; 8]) -> Action {
    let (writer, node, requests) = (a % WRITERS, a % NODES, if c % 3 == 0 { ALL } else { 1 + c % 5 });
    let asked = d % 3 == 0;
    match kind {
        0..64 => {
            let change = [Change::List, Change::List, Change::List, Change::Hide, Change::Erase][c % 5];
            let wakes = [d & 1 > 0, d & 2 > 0, d & 4 > 0];
            Action::Begin { writer, person: b % PEOPLE, change, wakes }
        }
        64..136 => Action::Write { writer, requests },
        136..144 => Action::CutWriter { writer, asked },
        144..164 => Action::Poll { node },
        164..174 => Action::Keep { node },
        174..180 => Action::Build { node },
        180..218 => Action::Read { node, which: b, requests },
        218..226 => Action::CutNode { node, which: b, asked },
        226..230 => Action::Restart { node, saves: asked },
        230..238 => Action::Unrelated,
        238..254 => Action::Pass(Duration::from_millis(PASSES[b % PASSES.len()])),
        _ => Action::Restore,
    }
}
