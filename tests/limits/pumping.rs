//! Message pumping, replayed: at most so many messages are sent, and honest people get theirs.

use crate::replay::{Replay, Tally};
use crate::traffic::{Bots, Traffic};

/// Bounds of the whole replay of 240 000 attack messages in four hours.
const WITHOUT_PROOF: u64 = 350;
const WITH_PROOF: u64 = 500;

fn whole() -> bool {
    std::env::var_os("TUTTU_PROVE").is_some()
}

/// The rows of the table; the last column says what the row must show.
fn print(name: &str, tally: &Tally) {
    println!(
        "| {name} | {} | {} | {} / {} / {} | {} / {} / {} |",
        tally.attack,
        tally.attack_sent,
        tally.inside.plain,
        tally.inside.proven,
        tally.inside.refused,
        tally.outside.plain,
        tally.outside.proven,
        tally.outside.refused,
    );
}

async fn attack(blocks: u32, bots: Bots) -> Tally {
    let minutes = if whole() { 240 } else { 1 };
    Replay::run(&Traffic::attack(blocks, bots, minutes)).await
}

async fn expect_bounded(blocks: u32, bots: Bots, bound: u64) {
    let tally = attack(blocks, bots).await;
    print(&format!("{blocks} blocks, bots solve {}", bots.name()), &tally);
    assert!(tally.attack_sent <= bound, "{tally:?}");
    assert!(tally.attack > 900, "the attack took place: {tally:?}");
    assert_eq!((tally.outside.refused, tally.outside.proven), (0, 0), "nobody abroad notices: {tally:?}");
    assert_eq!(tally.inside.refused, 0, "in the country honest people pass by a challenge: {tally:?}");
    assert!(tally.inside.plain + tally.inside.proven > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_that_solve_nothing_and_ask_for_20_blocks_have_few_messages_sent() {
    expect_bounded(20, Bots::SolveNothing, WITHOUT_PROOF).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_that_solve_nothing_and_ask_for_200_blocks_have_few_messages_sent() {
    expect_bounded(200, Bots::SolveNothing, WITHOUT_PROOF).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_that_solve_nothing_and_ask_for_2000_blocks_have_few_messages_sent() {
    expect_bounded(2_000, Bots::SolveNothing, WITHOUT_PROOF).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_that_solve_every_proof_of_work_and_ask_for_20_blocks_have_few_messages_sent() {
    expect_bounded(20, Bots::SolveWork, WITH_PROOF).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_that_solve_every_proof_of_work_and_ask_for_200_blocks_have_few_messages_sent() {
    expect_bounded(200, Bots::SolveWork, WITH_PROOF).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_that_solve_every_proof_of_work_and_ask_for_2000_blocks_have_few_messages_sent() {
    expect_bounded(2_000, Bots::SolveWork, WITH_PROOF).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_attack_60_a_minute_at_60_percent_are_never_challenged() {
    let minutes = if whole() { 240 } else { 5 };
    let tally = Replay::run(&Traffic::steady(minutes)).await;
    print("no attack, 60 a minute at 60 %", &tally);
    assert!(tally.inside.plain > minutes * 50, "{tally:?}");
    assert_eq!((tally.inside.proven, tally.inside.refused), (0, 0), "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_of_20000_an_hour_behind_4096_addresses_is_challenged_in_less_than_a_hundredth() {
    let minutes = if whole() { 60 } else { 1 };
    let tally = Replay::run(&Traffic::launch(minutes)).await;
    print("a launch, 20 000 an hour at 70 % behind 4 096 addresses", &tally);
    let all = tally.inside.plain + tally.inside.proven + tally.inside.refused;
    assert!(all > minutes * 300, "{tally:?}");
    assert!((tally.inside.proven + tally.inside.refused) * 100 < all, "{tally:?}");
}
