//! `tuttu migrate`, and a server that must not migrate by itself.

use super::harness::{Engine, Place, on_both_engines};

on_both_engines!(a_server_that_must_not_migrate_names_the_command_that_does, |place| {
    place.set("TUTTU__DATABASE__MIGRATE", "false");
    let refusal = place.refusal();
    assert!(refusal.contains("run `tuttu migrate`"), "{refusal}");
    assert!(!place.path("data/keys.toml").exists());

    assert_eq!(place.run(&["migrate"]).ok(), "The schema is up to date.\n");
    let mut server = place.serve();
    server.inbox_key();
    server.register("+358401234561").await;
});

on_both_engines!(migrating_twice_changes_nothing, |place| {
    place.run(&["migrate"]).ok();
    place.run(&["migrate"]).ok();
    let mut server = place.serve();
    server.inbox_key();
    let anna = server.register("+358401234561").await;
    server.stop();
    place.run(&["migrate"]).ok();
    assert_eq!(place.serve().account_of(&anna.token).await, anna.account_id);
});

#[test]
fn a_database_that_migrate_makes_is_for_its_owner_alone() {
    let place = Place::new();
    std::fs::create_dir(place.path("data")).unwrap();
    place.set_mode("data", 0o755);
    place.run(&["migrate"]).ok();
    let files: Vec<_> = place.tree().into_iter().filter(|path| path.is_file()).collect();
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(place.mode(file.to_str().unwrap()) & 0o077, 0, "{}", file.display());
    }
}

#[test]
fn a_database_that_cannot_be_reached_is_an_error_that_hides_the_password() {
    let mut place = Place::new();
    place.set("TUTTU__DATABASE__URL", "postgres://tuttu:hunter22@127.0.0.1:1/tuttu");
    let refusal = place.refusal();
    assert!(refusal.starts_with("error: "), "{refusal}");
    assert!(refusal.contains("the database at 127.0.0.1:1 cannot be reached"), "{refusal}");
    assert!(!refusal.contains("hunter22"), "{refusal}");
}

#[test]
fn a_command_makes_no_database_where_there_is_none() {
    let place = Place::new();
    for command in [&["keys", "list"][..], &["epoch", "status"], &["sending", "status"], &["backup", "copy"]]
    {
        let refusal = place.run(command).failed();
        assert!(refusal.contains("there is no database at data/tuttu.db"), "{refusal}");
    }
    assert_eq!(place.tree(), Vec::<std::path::PathBuf>::new());
}
