//! A server that is killed again and again: nothing that it acknowledged is lost, and it is soon ready again.
//! `scripts/prove kill` kills it 100 times on each engine, with 100 000 users.

#![allow(clippy::print_stdout, reason = "the table is what a proof is read by")]

use super::super::harness::{Engine, Place, Server, on_both_engines};
use super::crowd::Crowd;
use super::life::{Fuse, Life};
use futures_util::future::join_all;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const AT_ONCE: usize = 8;
/// How soon it is ready again, with so many users.
const READY: Duration = Duration::from_secs(2);
/// Of the users who were there before, those who are looked for after each kill.
const SOUGHT: usize = 50;

fn proving() -> bool {
    std::env::var_os("TUTTU_PROVE").is_some()
}

/// A server, once it says that it is ready, and how long that took.
async fn ready(place: &Place) -> (Server, Duration) {
    let begun = Instant::now();
    let mut server = place.serve();
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    while server.ops_status("/readyz").await != 200 {
        ticks.tick().await;
        assert!(begun.elapsed() < Duration::from_mins(1), "it does not become ready: {}", server.log());
    }
    let took = begun.elapsed();
    server.inbox_key();
    (server, took)
}

/// People live side by side until so many effects are acknowledged; at that moment the server is killed.
async fn live_until_killed(server: &Server, enough: usize, next: &AtomicUsize) -> (Vec<Life>, usize) {
    let fuse = Fuse::new(server, enough);
    let one_after_the_other = async || {
        let mut lives = Vec::new();
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let mut life = Life::of(format!("+35840{:07}", 1_000_000 + nth));
            let ended = life.live(&fuse, nth).await;
            lives.push(life);
            if ended.is_none() {
                return lives;
            }
        }
    };
    let lives = join_all((0..AT_ONCE).map(|_| one_after_the_other())).await;
    (lives.into_iter().flatten().collect(), fuse.acknowledged())
}

/// All that these people were told is so, and some of the crowd are found.
async fn expect_all(server: &Server, token: &str, lives: &[Life], crowd: &Crowd) {
    let step = (crowd.users as usize / SOUGHT).max(1);
    let sought: Vec<u32> = (0..crowd.users).step_by(step).collect();
    let numbers = lives.iter().map(|life| life.number().to_owned());
    let numbers: Vec<String> = numbers.chain(sought.iter().copied().map(Crowd::number)).collect();
    let found = server.look_up(token, &numbers).await;
    for user in sought {
        assert_eq!(found.get(&Crowd::number(user)), Some(&Crowd::account(user).to_string()));
    }
    for life in lives {
        life.expect(server, &found).await;
    }
}

fn configure(place: &mut Place) {
    place.set("TUTTU__LIMITS__COUNTRIES__ALLOW", "FI");
    place.set("TUTTU__LIMITS__GUARD__MODE", "off");
    place.set("TUTTU__DISCOVERY__REQUESTS_PER_HOUR", "10000");
}

on_both_engines!(nothing_acknowledged_is_lost_though_it_is_killed_again_and_again, |place| {
    let (kills, users) = if proving() { (100, 100_000) } else { (3, 1_000) };
    configure(place);
    let mut server = place.serve();
    server.inbox_key();
    let anna = server.register("+358409999999").await;
    server.kill();
    server.gone();
    let crowd = Crowd::at(place, users).await;
    crowd.write(place).await;

    let (next, mut lives, mut acknowledged, mut took) = (AtomicUsize::new(0), Vec::new(), 0, Vec::new());
    let (mut server, first) = ready(place).await;
    for kill in 0..kills {
        // Another moment each time.
        let (these, burnt) = live_until_killed(&server, 10 + kill * 37 % 150, &next).await;
        server.gone();
        let again;
        (server, again) = ready(place).await;
        took.push(again);
        expect_all(&server, &anna.token, &these, &crowd).await;
        acknowledged += burnt;
        lives.extend(these);
    }
    expect_all(&server, &anna.token, &lives, &crowd).await;
    took.sort_unstable();
    let engine = if place.postgres().is_some() { "PostgreSQL" } else { "SQLite" };
    let of = lives.iter().map(Life::count).fold([0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
    let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    println!(
        "| {engine} | {users} | {kills} | 0 of {acknowledged}: {} devices registered, {} revoked, {} checks, the rest \
         visibility | {median:.2?}, at most {slowest:.2?}; the first time {first:.2?} |",
        of[0], of[1], of[2],
    );
    assert!(!proving() || slowest <= READY, "ready again after {slowest:?}");
});
