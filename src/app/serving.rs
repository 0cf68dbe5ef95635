//! From the first connection to the last: serving, then ending without losing a request.

use super::App;
use crate::edge::{Edge, Gate};
use crate::{http, jobs};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long requests under way may take once the server stops, the delay before included.
const DRAIN_REQUESTS: Duration = Duration::from_secs(15);
/// How long sends under way may take then: as long as a gateway may.
const DRAIN_SENDS: Duration = Duration::from_secs(8);
/// How long the database may take to let go.
const CLOSE: Duration = Duration::from_secs(2);

impl App {
    /// Serves until `stop`, then drains: readiness goes off, after the configured delay no new connection is taken,
    /// idle ones are closed, requests under way and their sends end, and leases are let go. All of it takes at most
    /// 25 s.
    pub async fn serve(self, api: TcpListener, ops: TcpListener, stop: CancellationToken) {
        let (jobs, sends) = (TaskTracker::new(), TaskTracker::new());
        let (refusing, drained) = (CancellationToken::new(), CancellationToken::new());
        let (store, effects) = (self.services.store.clone(), self.services.effects.clone());
        let draining = self.services.draining.clone();
        self.begin_jobs(&jobs, &sends, &drained);
        let [api_limits, ops_limits] = self.edges;
        let delay = api_limits.drain_delay;
        let observing = TaskTracker::new();
        observing.spawn(Edge::new(ops_limits, self.ops, Gate::open()).serve(ops, drained.clone()));
        let serving = TaskTracker::new();
        let gate = Gate::new(http::gate(self.services.clone()));
        let edge = Edge::new(api_limits, http::router(self.services), gate);
        serving.spawn(edge.serve(api, refusing.clone()));
        stop.cancelled().await;
        draining.store(true, Ordering::Relaxed);
        tokio::time::sleep(delay).await;
        refusing.cancel();
        let requests = async {
            finished(&serving).await;
            finished(&effects).await;
        };
        let patience = DRAIN_REQUESTS.saturating_sub(delay);
        if tokio::time::timeout(patience, requests).await.is_err() {
            tracing::warn!("requests under way took longer than {} s: they are cut off", patience.as_secs());
        }
        drained.cancel();
        let sent = async {
            finished(&jobs).await;
            finished(&sends).await;
        };
        let _overdue = tokio::time::timeout(DRAIN_SENDS, sent).await;
        let _overdue = tokio::time::timeout(CLOSE, store.close()).await;
    }

    /// Begins what runs beside requests.
    fn begin_jobs(&self, jobs: &TaskTracker, sends: &TaskTracker, stop: &CancellationToken) {
        let clock = &self.services.clock;
        let (dispatcher, outbox) = (self.dispatcher.clone(), self.outbox.clone());
        jobs.spawn(jobs::dispatch(dispatcher, outbox, sends.clone(), stop.clone()));
        jobs.spawn(jobs::follow_directory(
            self.base.directory.clone(),
            self.base.epochs.clone(),
            clock.clone(),
            stop.clone(),
        ));
        jobs.spawn(jobs::tell_others(self.base.directory.clone(), stop.clone()));
        jobs.spawn(jobs::listen_to_others(self.base.directory.clone(), stop.clone()));
        let verifications = self.services.verifications.clone();
        let others = (self.services.idempotency.clone(), self.services.admins.clone());
        let directory = self.base.directory.clone();
        jobs.spawn(jobs::forget(verifications, others, directory, clock.clone(), stop.clone()));
        let (oversight, kept) = (self.services.oversight.clone(), self.kept.attempts.get());
        jobs.spawn(jobs::draw_attempts(oversight.clone(), clock.clone(), stop.clone()));
        jobs.spawn(jobs::watch_gateways(oversight.clone(), clock.clone(), stop.clone()));
        jobs.spawn(jobs::forget_attempts(oversight, kept, clock.clone(), stop.clone()));
        let (audit, kept) = (self.services.audit.clone(), self.kept.audit_subjects.get());
        jobs.spawn(jobs::keep_audit_log(audit.clone(), clock.clone(), stop.clone()));
        jobs.spawn(jobs::anchor_audit_log(self.anchors.clone(), clock.clone(), stop.clone()));
        jobs.spawn(jobs::forget_audit_subjects(audit, kept, clock.clone(), stop.clone()));
        let (erasures, directory) = (self.erasures.clone(), self.base.directory.clone());
        jobs.spawn(jobs::remember_erasures(erasures.clone(), stop.clone()));
        jobs.spawn(jobs::leave_snapshot(erasures, directory, clock.clone(), stop.clone()));
        jobs.spawn(jobs::watch_epochs(self.base.epochs.clone(), clock.clone(), stop.clone()));
        jobs.spawn(jobs::tend_epochs(self.rotation.clone(), stop.clone()));
        jobs.spawn(jobs::watch_keys(self.base.key_rotation.clone(), stop.clone()));
        jobs.spawn(jobs::tend_keys(self.base.key_rotation.clone(), stop.clone()));
    }
}

/// Waits for every task of a tracker.
async fn finished(tracker: &TaskTracker) {
    tracker.close();
    tracker.wait().await;
}
