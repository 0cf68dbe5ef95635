//! The course of an overload: the peak, ten times that, and the peak again.

use super::super::harness::{Server, until};
use super::load::{Kind, Load, Mix, Tally};
use super::proving;
use std::time::{Duration, Instant};

/// Connections that find a server's peak, one request after the other on each.
const PEAK: usize = 64;
/// Connections that carry an overload: enough that nobody waits for one.
pub(super) const OVERLOAD: usize = 1_000;

/// How an overload went.
pub(super) struct Course {
    name: &'static str,
    pub(super) overload: Tally,
    /// How many a second it was to be.
    asked: f64,
    /// What was served meanwhile, as a share of the mean of the peaks before and after: a database that fills becomes
    /// slower, and so does a machine that others use.
    goodput: f64,
    /// How long after it all was normal again.
    normal: Duration,
    /// Resident memory before it, at its end and a peak later, in MiB.
    memory: [u64; 3],
}

impl Course {
    pub(super) async fn run(name: &'static str, server: &Server, load: &Load, mix: Mix) -> Self {
        let minute = Duration::from_secs(if proving() { 60 } else { 2 });
        let lasting = match mix {
            Mix::Requests => minute / 3,
            // PostgreSQL's autovacuum comes round once in each part.
            Mix::People => minute,
        };
        // A server is quicker while its database is nearly empty.
        load.run(mix, PEAK, None, lasting).await;
        let peak = load.run(mix, PEAK, None, lasting).await;
        show(name, "peak, 64 connections", &peak);
        let before = memory(server.pid());
        let rate = 10.0 * peak.per_second(peak.served);
        let overload = load.run(mix, OVERLOAD, Some(rate), minute).await;
        let during = memory(server.pid());
        show(name, "ten times that, 1 000 connections", &overload);
        let normal = until_normal(load).await;
        let again = load.run(mix, PEAK, None, lasting).await;
        show(name, "peak again", &again);
        let memory = [before, during, memory(server.pid())];
        let peaks = [&peak, &again].map(|peak| peak.per_second(peak.served));
        let goodput = overload.per_second(overload.served) / peaks.iter().sum::<f64>() * 2.0;
        let course = Self { name, overload, asked: rate, goodput, normal, memory };
        course.show();
        course
    }

    fn show(&self) {
        println!(
            "| {} | goodput {:.0} % of peak | checks that succeed {:.3} % | shed p99 {:.1?} (aim 10 ms), late p99 {:.1?} | normal after {:.1?} |",
            self.name,
            self.goodput * 100.0,
            self.overload.share(Kind::Check) * 100.0,
            self.overload.shed_p99(),
            self.overload.late_p99(),
            self.normal
        );
        println!(
            "| {} | memory before / after overload / at the end: {:?} MiB | | |",
            self.name, self.memory
        );
    }

    /// What holds of every overload, a share of the peak and how late refusals may be; of a short one only that no answer
    /// was unexpected.
    pub(super) fn hold(&self, goodput: f64, shed: Duration) {
        assert_eq!(self.overload.wrong, Vec::<String>::new(), "every answer is a good one or 503");
        assert!(self.overload.served > 0 && self.overload.good(Kind::Check) > 0);
        if !proving() {
            return;
        }
        let came = self.overload.per_second(self.overload.came);
        assert!(came >= 0.9 * self.asked, "{came:.0} came of {:.0}: the load is what is late", self.asked);
        for kind in [Kind::Check, Kind::Registration] {
            assert!(self.overload.share(kind) >= 0.999, "{} find room", kind.as_str());
        }
        assert!(self.normal <= Duration::from_secs(5), "{:?}", self.normal);
        let [before, during, _] = self.memory;
        assert!(during <= before + before / 2 + 32, "memory is flat: {:?}", self.memory);
        assert!(self.overload.shed_p99() <= shed, "{:?}", self.overload.shed_p99());
        assert!(self.goodput >= goodput, "{:.2} of the peak, less than {goodput:.2}", self.goodput);
    }
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

fn show(name: &str, what: &str, tally: &Tally) {
    let per = |count: usize| tally.per_second(count);
    let kinds = Kind::ALL
        .map(|kind| format!("{} {:.0} + {:.0}", kind.as_str(), per(tally.good(kind)), per(tally.shed(kind))));
    println!(
        "| {name} | {what} | {:.0} came/s | {:.0} served/s | {} (good + shed a second) |",
        per(tally.came),
        per(tally.served),
        kinds.join(", ")
    );
}
