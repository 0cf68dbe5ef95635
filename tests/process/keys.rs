//! The key file: for its owner's eyes, beside its own database, and nowhere else.

use super::harness::{Engine, Place, on_both_engines};
use std::collections::BTreeMap;
use std::path::PathBuf;

const KEYS: &str = "data/keys.toml";
const ANNA: &str = "+358401234561";

/// Runs a server once, so that database and key file are made; the token of somebody who registered.
async fn run_once(place: &Place) -> String {
    let mut server = place.serve();
    server.inbox_key();
    let anna = server.register(ANNA).await;
    server.stop().ok();
    anna.token
}

/// The key file with one key of another server's in it.
fn with_a_foreign_key(keys: &str, purpose: &str) -> String {
    let mut tables: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(keys).unwrap();
    let key = tables.get_mut(purpose).unwrap().get_mut("1").unwrap();
    let first = if key.starts_with('A') { "B" } else { "A" };
    key.replace_range(0..1, first);
    toml::to_string(&tables).unwrap()
}

/// Every file and folder but those that SQLite makes and removes as it likes.
fn lasting(place: &Place) -> Vec<PathBuf> {
    let passing = |path: &PathBuf| path.ends_with("tuttu.db-wal") || path.ends_with("tuttu.db-shm");
    place.tree().into_iter().filter(|path| !passing(path)).collect()
}

/// Nothing in the key file is in the text.
fn assert_tells_nothing(text: &str, keys: &str) {
    for secret in keys.split('"').skip(1).step_by(2) {
        assert!(!text.contains(secret) && !text.contains(&secret[..12]), "{text}");
    }
}

on_both_engines!(what_a_server_makes_is_for_its_owner_alone, |place| {
    let mut server = place.serve();
    server.inbox_key();
    server.register(ANNA).await;
    assert_eq!((place.mode("data"), place.mode(KEYS)), (0o700, 0o600));
    let files: Vec<_> = place.tree().into_iter().filter(|path| path.is_file()).collect();
    let expected = if place.postgres().is_some() { 1 } else { 4 };
    assert_eq!(files.len(), expected, "key file, database, -wal, -shm: {files:?}");
    for file in files {
        assert_eq!(place.mode(file.to_str().unwrap()) & 0o077, 0, "{}", file.display());
    }
});

on_both_engines!(a_folder_that_is_open_to_others_still_gets_closed_files, |place| {
    std::fs::create_dir(place.path("data")).unwrap();
    place.set_mode("data", 0o755);
    let server = place.serve();
    for path in place.tree().into_iter().filter(|path| path.is_file()) {
        assert_eq!(place.mode(path.to_str().unwrap()) & 0o077, 0, "{}", path.display());
    }
    assert_eq!(place.mode("data"), 0o755, "what the operator made stays as it is");
    assert!(server.stop().err.contains("chmod 700"));
});

on_both_engines!(a_database_without_its_key_file_is_refused_and_nothing_is_made, |place| {
    let token = run_once(place).await;
    std::fs::rename(place.path(KEYS), place.path("kept.toml")).unwrap();
    let before = lasting(place);
    let refusal = place.refusal();
    assert!(refusal.contains("the key file data/keys.toml is not there"), "{refusal}");
    assert!(refusal.contains("copy it back, or point keys.file at it"), "{refusal}");
    assert_eq!(lasting(place), before);

    place.set("TUTTU__KEYS__FILE", "elsewhere/keys.toml");
    assert!(place.refusal().contains("elsewhere/keys.toml"));
    assert_eq!(lasting(place), before, "not even a folder");

    place.set("TUTTU__KEYS__FILE", "kept.toml");
    let server = place.serve();
    server.account_of(&token).await;
});

on_both_engines!(another_servers_key_file_is_refused, |place| {
    let token = run_once(place).await;
    let other = Place::new();
    other.serve().stop();
    let ours = place.read(KEYS);
    place.write(KEYS, &other.read(KEYS));
    let refusal = place.refusal();
    assert!(refusal.contains("the key file data/keys.toml is not the one"), "{refusal}");
    assert!(refusal.contains("_key version 1 differs"), "{refusal}");
    assert!(refusal.contains("point keys.file at the right file, or database.url at"), "{refusal}");
    assert_tells_nothing(&refusal, &ours);
    assert_tells_nothing(&refusal, &other.read(KEYS));

    place.write(KEYS, &ours);
    place.serve().account_of(&token).await;
});

on_both_engines!(a_key_file_with_one_altered_key_is_refused_by_the_name_of_that_key, |place| {
    let token = run_once(place).await;
    let ours = place.read(KEYS);
    for purpose in ["number_key", "index_key", "directory_key", "code_key", "token_key"] {
        place.write(KEYS, &with_a_foreign_key(&ours, purpose));
        let refusal = place.refusal();
        assert!(refusal.contains(&format!("({purpose} version 1 differs)")), "{refusal}");
        assert_tells_nothing(&refusal, &ours);
    }
    place.write(KEYS, &ours);
    place.serve().account_of(&token).await;
});

on_both_engines!(a_key_file_that_has_lost_a_key_is_refused_by_the_name_of_that_key, |place| {
    run_once(place).await;
    let mut tables: toml::Table = place.read(KEYS).parse().unwrap();
    tables.remove("token_key").unwrap();
    place.write(KEYS, &toml::to_string(&tables).unwrap());
    let refusal = place.refusal();
    assert!(refusal.contains("lacks token_key version 1"), "{refusal}");
    assert!(refusal.contains("copy the file of a node that has it"), "{refusal}");
});

on_both_engines!(a_key_file_that_others_can_read_is_refused, |place| {
    let token = run_once(place).await;
    for mode in [0o644, 0o640, 0o604, 0o620] {
        place.set_mode(KEYS, mode);
        let refusal = place.refusal();
        assert!(refusal.contains("the key file data/keys.toml can be read by others: chmod 600 it"));
    }
    place.set_mode(KEYS, 0o600);
    place.serve().account_of(&token).await;
});

on_both_engines!(a_malformed_key_file_is_refused_without_showing_it, |place| {
    run_once(place).await;
    let ours = place.read(KEYS);
    let key = ours.split('"').nth(1).unwrap();
    let malformed = [
        ours.replace("= \"", "= "),
        ours.replace(key, &key[..40]),
        ours.replace("[code_key]", "[cod_key]"),
        ours.replace("\n1 = ", "\none = "),
        format!("{key}\n{ours}"),
        String::new(),
    ];
    for text in malformed {
        place.write(KEYS, &text);
        let refusal = place.refusal();
        assert!(refusal.contains("the key file data/keys.toml"), "{refusal}");
        assert_tells_nothing(&refusal, &ours);
    }
});

on_both_engines!(an_empty_database_takes_a_key_file_that_is_there, |place| {
    let token = run_once(place).await;
    let before = place.read(KEYS);
    place.replace_database().await;
    let mut server = place.serve();
    server.inbox_key();
    server.get("/v1/account", &token).await.expect(401, "token_invalid");
    server.register(ANNA).await;
    server.stop();
    assert_eq!(place.read(KEYS), before);
    place.serve();
});

on_both_engines!(an_incomplete_key_file_leaves_no_mark_on_an_empty_database, |place| {
    run_once(place).await;
    let ours = place.read(KEYS);
    place.replace_database().await;
    place.write(KEYS, "");
    let refusal = place.refusal();
    assert!(refusal.contains("a key is missing"), "{refusal}");
    let mut tables: toml::Table = ours.parse().unwrap();
    tables.remove("token_key").unwrap();
    place.write(KEYS, &with_a_foreign_key(&toml::to_string(&tables).unwrap(), "code_key"));
    let refusal = place.refusal();
    assert!(refusal.contains("a key is missing"), "{refusal}");
    place.write(KEYS, &ours);
    place.serve();
});
