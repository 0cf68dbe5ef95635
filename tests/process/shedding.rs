//! More than a server can answer.

#![allow(clippy::print_stdout, reason = "the table is what a proof is read by")]
#![allow(clippy::cast_precision_loss, reason = "counts of requests are small")]

mod cores;
mod course;
mod floor;
mod load;

use super::harness::{Engine, Place, Server};
use course::Course;
use load::{Load, Mix};
use std::time::Duration;

/// How near to what a plain loop that reads and answers leaves of a core the good answers must come.
const FLOOR_SHARE: f64 = 0.75;
/// How late one refusal in a hundred of a flood may be.
const FLOOD_SHED: Duration = Duration::from_millis(50);
/// The share of the people served at the peak that ten times as many leave, and how late their refusals may be.
const PEOPLE_SHARE: f64 = 0.9;
const PEOPLE_SHED: Duration = Duration::from_millis(10);

fn proving() -> bool {
    std::env::var_os("TUTTU_PROVE").is_some()
}

/// A place whose numbers of one prefix have a fixed code, and where no limit but what the machine can do bites.
async fn unlimited(engine: Engine) -> Place {
    let mut place = Place::on(engine).await;
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

/// Ten times as many requests of every kind as can be answered: most of the core goes into refusing.
#[tokio::test(flavor = "current_thread")]
async fn ten_times_the_requests_leave_checks_and_much_of_the_work_alive() {
    let place = unlimited(Engine::Sqlite).await;
    cores::stay_on(0);
    let (server, bare) = (place.serve(), floor::Bare::begin());
    cores::stay_on(1);
    let load = Load::prepare(&server).await;
    let course = Course::run("requests, sqlite", &server, &load, Mix::Requests).await;
    let overload = &course.overload;
    let lasting = Duration::from_secs(if proving() { 20 } else { 2 });
    let (refused, took) = bare.under(&load, overload.per_second(overload.came), lasting).await;
    let floor = 1.0 - (took * overload.per_second(overload.all_shed())).min(1.0);
    println!(
        "| requests, sqlite | merely read and answered 503: {:.0}/s, {:.1} us each | leaves {:.0} % of the core | p99 {:.1?} |",
        refused.per_second(refused.came),
        took * 1e6,
        floor * 100.0,
        refused.shed_p99()
    );
    // A plain loop would leave so much of the core for what is answered well.
    course.hold(0.9_f64.min(FLOOR_SHARE * floor), FLOOD_SHED);
    end(server).await;
}

/// Ten times as many people as can be registered: who got a code registers, the others are refused at the door.
async fn ten_times_the_people(name: &'static str, engine: Engine) {
    let mut place = unlimited(engine).await;
    cores::stay_on(0);
    let server = place.serve();
    cores::stay_on(1);
    if proving() {
        cores::go_first();
    }
    let load = Load::prepare(&server).await;
    Course::run(name, &server, &load, Mix::People).await.hold(PEOPLE_SHARE, PEOPLE_SHED);
    end(server).await;
    place.drop_database().await;
}

#[tokio::test(flavor = "current_thread")]
async fn ten_times_the_people_leave_most_of_the_work_alive_on_sqlite() {
    ten_times_the_people("people, sqlite", Engine::Sqlite).await;
}

#[tokio::test(flavor = "current_thread")]
async fn ten_times_the_people_leave_most_of_the_work_alive_on_postgres() {
    ten_times_the_people("people, postgres", Engine::Postgres).await;
}

async fn end(server: Server) {
    assert_eq!(server.ops_status("/livez").await, 200);
    server.stop().ok();
}
