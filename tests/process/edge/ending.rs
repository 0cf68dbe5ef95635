//! Connections that have lived long enough, and a system that has nothing left to open one with.

use super::super::harness::{Place, Server, until};
use super::sockets::{LIVEZ, Socket};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_never_idle_ends_with_its_lifetime_between_two_requests() {
    let mut place = Place::new();
    place.set("TUTTU__SERVER__CONNECTION_LIFETIME", "1");
    let server = place.serve();
    let (begun, mut answered) = (Instant::now(), 0);
    let mut socket = Socket::open(&server).await;
    while socket.answers(LIVEZ).await {
        answered += 1;
        assert!(begun.elapsed() < Duration::from_secs(30), "it lives on");
    }
    assert!(begun.elapsed() >= Duration::from_millis(950), "{:?}", begun.elapsed());
    assert!(answered > 10, "{answered}");
    Socket::answered(&server).await;
    server.stop().ok();
}

/// Lets a server that runs open so many more files.
fn leave_files(server: &Server, more: u64) {
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count() as u64;
    let limit = Rlimit { current: Some(open + more), ..getrlimit(Resource::Nofile) };
    prlimit(Pid::from_raw(server.pid()), Resource::Nofile, limit).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_open_no_more_files_waits_and_goes_on_once_it_may() {
    let server = Place::new().serve();
    leave_files(&server, 4);
    let begun = Instant::now();
    let mut sockets = Vec::new();
    for _ in 0..16 {
        sockets.push(Socket::open(&server).await);
    }
    let refused = || server.log().matches("connections cannot be accepted").count();
    until("five refusals of the system", async || (refused() >= 5).then_some(())).await;
    assert!(
        begun.elapsed() >= Duration::from_millis(400),
        "it tries ten times a second: {:?}",
        begun.elapsed()
    );
    drop(sockets);
    until("an answer", async || Socket::try_answered(&server).await).await;
}
