//! Which core does what: a load that takes the server's own time measures itself.

use rustix::thread::{CpuSet, gettid, sched_setaffinity};
use std::process::Command;

/// Keeps this thread, and what it starts from now on, on one core. Where there is no such core it stays where it was.
pub(super) fn stay_on(core: usize) {
    let mut one = CpuSet::new();
    one.set(core);
    let _no_such_core = sched_setaffinity(None, &one);
}

/// Lets this thread pass what else has work on its core, for a load that comes late measures itself. Whoever may not do
/// so waits like all.
pub(super) fn go_first() {
    let thread = gettid().as_raw_nonzero().to_string();
    let _may_not = Command::new("chrt").args(["--reset-on-fork", "--fifo", "--pid", "1", &thread]).output();
}
