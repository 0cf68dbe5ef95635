//! Which core does what: a load that takes the server's own time measures itself.

use rustix::thread::{CpuSet, sched_setaffinity};

/// Keeps this thread, and what it starts from now on, on one core. Where there is no such core it stays where it was.
pub(super) fn stay_on(core: usize) {
    let mut one = CpuSet::new();
    one.set(core);
    let _no_such_core = sched_setaffinity(None, &one);
}
