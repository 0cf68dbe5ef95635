//! The drill on PostgreSQL: dumped, put back under the old name, and noticed by a node that went on.

use super::backup::{Open, all_are_there, none_is_there, people};
use super::harness::{Engine, Place, Server, on_server, until};
use std::path::PathBuf;
use std::process::Command;

/// A program of the newest PostgreSQL that is installed.
fn program(name: &str) -> PathBuf {
    let version = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().parse().unwrap_or(0);
    let installed = std::fs::read_dir("/usr/lib/postgresql").unwrap().map(|entry| entry.unwrap().path());
    let newest: PathBuf = installed.max_by_key(|path| -> u32 { version(path) }).unwrap();
    newest.join("bin").join(name)
}

fn run(program: PathBuf, arguments: &[&str]) {
    let finished = Command::new(program).args(arguments).output().unwrap();
    assert!(finished.status.success(), "{}", String::from_utf8_lossy(&finished.stderr));
}

/// Gives the database `restored` the name of the other, whose connections end.
async fn take_the_place(name: &str, restored: &str) {
    on_server(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    on_server(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))
        .await;
    until("the end of every connection", async || {
        on_server(&format!("ALTER DATABASE {name} RENAME TO {name}_lost")).await.then_some(())
    })
    .await;
    assert!(on_server(&format!("ALTER DATABASE {restored} RENAME TO {name}")).await);
}

/// Waits until a server's view has all of these numbers.
async fn finds(server: &Server, token: &str, numbers: &[String]) {
    until("a view that follows", async || {
        (server.look_up(token, numbers).await.len() == numbers.len()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_is_put_back_and_a_node_that_went_on_builds_its_view_anew() {
    let mut place = Place::on(Engine::Postgres).await;
    place.set("TUTTU__DIRECTORY__MODE", "complete");
    place.set("TUTTU__AUDIT__ERASURES", &place.path("erasures").display().to_string());
    // It is asked again and again until the view is there.
    place.set("TUTTU__DISCOVERY__REQUESTS_PER_HOUR", "100000");
    let (mut one, mut other) = (place.serve(), place.serve());
    one.inbox_key();
    other.inbox_key();
    let before = people(&one, 100..103).await;
    let open = Open::leave(&one).await;
    let (url, dump) = (place.url(), place.path("tuttu.dump").display().to_string());
    run(program("pg_dump"), &["--format=custom", "--file", &dump, &url]);
    let after = people(&one, 300..302).await;
    let last: Vec<String> = after.iter().map(|person| person.number.clone()).collect();
    finds(&other, &before[0].token, &last).await;
    one.erase(&before[2].token).await;
    let (before, erased) = before.split_at(2);
    one.stop();

    let name = url.rsplit_once('/').unwrap().1.to_owned();
    let restored = format!("{name}_restored");
    assert!(on_server(&format!("CREATE DATABASE {restored}")).await);
    run(program("pg_restore"), &["--dbname", &format!("{url}_restored"), &dump]);
    place.set("TUTTU__DATABASE__URL", &format!("{url}_restored"));
    let said = place.run(&["restore"]).ok();
    assert!(said.contains("Open codes and grants that are over now: 2"), "{said}");
    assert!(said.contains("erased since the backup and are erased again: 1"), "{said}");
    let refused = place.run(&["restore", "tuttu.dump"]).failed();
    assert!(refused.contains("let pg_restore put the backup back first"), "{refused}");
    take_the_place(&name, &restored).await;
    place.set("TUTTU__DATABASE__URL", &url);

    until("a view of the restored database", async || {
        let (asking, ready) = (&before[0].token, other.ops_status("/readyz").await == 200);
        (ready
            && other.get("/v1/discovery/epochs", asking).await.status == 200
            && other.look_up(asking, &last).await.is_empty())
        .then_some(())
    })
    .await;
    let mut one = place.serve();
    one.inbox_key();
    for server in [&one, &other] {
        all_are_there(server, before).await;
    }
    none_is_there(&one, &before[0], &after).await;
    none_is_there(&one, &before[0], erased).await;
    open.is_over(&one).await;
    let new = people(&one, 400..401).await;
    finds(&other, &before[0].token, std::slice::from_ref(&new[0].number)).await;
    on_server(&format!("DROP DATABASE {name}_lost WITH (FORCE)")).await;
    place.drop_database().await;
}
