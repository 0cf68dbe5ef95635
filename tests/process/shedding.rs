//! More requests than a server can answer.

#![allow(clippy::print_stdout, reason = "the table is what a proof is read by")]
#![allow(clippy::cast_precision_loss, reason = "counts of requests are small")]

mod cores;
mod floor;
mod load;

use super::harness::{Place, until};
use load::{Kind, Load, Tally};
use std::time::{Duration, Instant};

/// How near to what a plain loop that reads and answers leaves of a core the good answers must come.
const FLOOR_SHARE: f64 = 0.65;

fn proving() -> bool {
    std::env::var_os("TUTTU_PROVE").is_some()
}

/// A place whose numbers of one prefix have a fixed code, and where no limit but what the machine can do bites.
fn unlimited() -> Place {
    let mut place = Place::new();
    // Ten ranges: one of them alone lets only about a thousand a second through.
    let range = |digit| {
        format!(
            "[[verification.test_numbers]]\nprefix = \"+35840{digit}\"\ncode = \"424242\"\nper_hour = 3600000\n"
        )
    };
    let ranges: String = (0..10).map(range).collect();
    place.write("tuttu.toml", &format!("{ranges}[limits.guard]\nmode = \"off\"\n[log]\nlevel = \"warn\"\n"));
    place.set("TUTTU__DISCOVERY__REQUESTS_PER_HOUR", "4000000000");
    place.set("TUTTU__DISCOVERY__HANDLES_PER_HOUR", "4000000000");
    place
}

/// Resident memory of a process, in MiB.
fn memory(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// How long after an overload a start, its check and a lookup are all answered within 50 ms again.
async fn until_normal(load: &Load) -> Duration {
    let over = Instant::now();
    until("a normal answer", async || load.is_normal().await.then_some(())).await;
    over.elapsed()
}

fn show(what: &str, tally: &Tally) {
    let per = |count: usize| count as f64 / tally.seconds;
    let kinds = Kind::ALL
        .map(|kind| format!("{} {:.0} + {:.0}", kind.as_str(), per(tally.good(kind)), per(tally.shed(kind))));
    println!(
        "| {what} | {:.0} asked/s | {:.0} good/s | {} (good + shed a second) |",
        per(tally.all()),
        per(tally.all_good()),
        kinds.join(", ")
    );
}

/// What an overload is held against.
struct Aims {
    goodput: f64,
    checks: f64,
    normal: Duration,
    memory: [u64; 3],
}

impl Aims {
    fn hold(&self, shed: Duration, floor: f64) {
        assert!(self.checks >= 0.999, "checks of codes find room");
        assert!(self.normal <= Duration::from_secs(5), "{:?}", self.normal);
        assert!(
            self.memory[1] <= self.memory[0] + self.memory[0] / 2 + 32,
            "memory is flat: {:?}",
            self.memory
        );
        // A plain loop would leave so much of the core for what is answered well.
        assert!(self.goodput >= 0.9_f64.min(FLOOR_SHARE * floor), "{:.2} beside {floor:.2}", self.goodput);
        println!("| shed p99 | {shed:.1?} | aim 10 ms | |");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn ten_times_too_much_leaves_checks_and_most_of_the_work_alive() {
    let place = unlimited();
    cores::stay_on(0);
    let (server, bare) = (place.serve(), floor::Bare::begin());
    cores::stay_on(1);
    let load = Load::prepare(&server).await;
    let seconds = Duration::from_secs(if proving() { 20 } else { 2 });
    load.run(64, None, seconds / 4).await;
    let peak = load.run(64, None, seconds).await;
    show("peak, 64 connections", &peak);
    let before = memory(server.pid());
    let lasting = if proving() { seconds * 3 } else { seconds };
    let overload = load.run(1_000, Some(10.0 * peak.rate()), lasting).await;
    let during = memory(server.pid());
    show("ten times that, 1 000 connections", &overload);
    let normal = until_normal(&load).await;
    let after = load.run(64, None, seconds).await;
    show("peak again", &after);
    let checks = overload.good(Kind::Check) as f64 / overload.of(Kind::Check).max(1) as f64;
    let goodput = overload.rate() / peak.rate();
    let (refused, took) = bare.under(&load, overload.all() as f64 / overload.seconds, seconds).await;
    let (refused, late) = (refused.all() as f64 / refused.seconds, refused.shed_p99());
    let floor = 1.0 - (took * (overload.all() - overload.all_good()) as f64 / overload.seconds).min(1.0);
    println!(
        "| goodput {:.0} % of peak | checks that succeed {:.3} % | shed p99 {:.1?} | normal after {normal:.1?} |",
        goodput * 100.0,
        checks * 100.0,
        overload.shed_p99()
    );
    println!(
        "| merely read and answered 503: {refused:.0}/s, {:.1} us each | leaves {:.0} % of the core | p99 {late:.1?} | |",
        took * 1e6,
        floor * 100.0
    );
    let memory = [before, during, memory(server.pid())];
    println!("| memory before / after overload / at the end: {memory:?} MiB | | | |");
    assert_eq!(overload.wrong, Vec::<String>::new(), "every answer is a good one or 503");
    assert!(overload.all_good() > 0 && overload.good(Kind::Check) > 0);
    if proving() {
        Aims { goodput, checks, normal, memory }.hold(overload.shed_p99(), floor);
    }
    assert_eq!(server.ops_status("/livez").await, 200);
    server.stop().ok();
}
