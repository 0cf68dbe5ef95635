//! The key of handles, which the next epoch takes.

use super::tools::{
    ANNA, BERTA, CARLA, KEYS, Traffic, grant, key, list_says, listed, server, share, two_servers,
};
use crate::process::harness::{Engine, Person, Place, Server, on_both_engines, registration, until};
use std::collections::BTreeSet;
use tuttu::model::id::AccountId;
use tuttu::model::keys::{DirectoryKey, StoredHandle};

/// Which of the two versions of `directory_key` the rows of an epoch are stored under, and how many there are.
async fn stored_under(place: &Place, epoch: u32, person: &Person) -> BTreeSet<(u8, usize)> {
    let keys: toml::Table = place.read(KEYS).parse().unwrap();
    let rows = directory_rows(place, epoch).await;
    let fits = |version: &u8| {
        let key = DirectoryKey::new(&key(&keys, "directory_key", *version)?);
        let account = AccountId::parse(&person.account_id).unwrap();
        let genuine = |(handle, tag): &&(Vec<u8>, Vec<u8>)| {
            key.tag_fits(epoch, StoredHandle::from_slice(handle).unwrap(), account, tag)
        };
        Some((*version, rows.iter().filter(genuine).count()))
    };
    [1, 2].iter().filter_map(fits).filter(|(_, rows)| *rows > 0).collect()
}

/// The handles and tags of an epoch's rows.
async fn directory_rows(place: &Place, epoch: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    let column = |name| format!("SELECT {name} FROM directory WHERE epoch_id = {epoch} ORDER BY handle");
    let (handles, tags) = (place.bytes(&column("handle")).await, place.bytes(&column("tag")).await);
    handles.into_iter().zip(tags).collect()
}

on_both_engines!(
    the_key_of_handles_is_replaced_with_the_next_epoch_and_everybody_is_found_meanwhile,
    |place| {
        place.set("TUTTU__DIRECTORY__MODE", "complete");
        let (one, two) = two_servers(place);
        let both = [&one, &two];
        let register = async |number: &str| {
            let body = registration(&grant(both, number).await, "A phone");
            Person::registered(number, &one.post("/v1/accounts", "", &body).await)
        };
        let anna = register(ANNA).await;
        rotate_for_epochs(place, (&one, &two)).await;
        assert_eq!(listed(place, "directory_key", "1", "UNDER IT"), "1 epoch");
        let traffic = Traffic::begin(both, &anna.token);
        let berta = register(BERTA).await;
        assert_eq!(stored_under(place, 1, &berta).await, [(1, 1)].into(), "an epoch keeps its key");
        place.run(&["epoch", "rotate", "--incident", "--wait"]).ok();
        let carla = register(CARLA).await;
        for who in [&anna, &berta, &carla] {
            assert_eq!(stored_under(place, 1, who).await, [(1, 1)].into());
            assert_eq!(stored_under(place, 2, who).await, [(2, 1)].into());
            for server in both {
                assert_eq!(server.epoch(&anna.token).await.0, 2);
                // A node sees what another has committed within a second.
                until("the person", async || {
                    let found = server.look_up(&anna.token, std::slice::from_ref(&who.number)).await;
                    (found.get(&who.number) == Some(&who.account_id)).then_some(())
                })
                .await;
            }
        }
        let (answered, failed) = traffic.end().await;
        assert!(answered > 100 && failed == 0, "{answered} answered, {failed} failed");

        // A week and an hour later.
        place.execute("UPDATE epochs SET valid_until = 1 WHERE epoch_id = 1").await;
        list_says(place, ("directory_key", "1"), "STATE", "retired").await;
        one.stop().ok();
        two.stop().ok();
        let mut keys: toml::Table = place.read(KEYS).parse().unwrap();
        keys["directory_key"].as_table_mut().unwrap().remove("1").unwrap();
        place.write(KEYS, &toml::to_string(&keys).unwrap());
        let one = server(place);
        let found = one.look_up(&anna.token, &[ANNA, BERTA, CARLA].map(str::to_owned)).await;
        assert_eq!(found.len(), 3);
    }
);

/// Replaces the key of handles, which the next epoch takes.
async fn rotate_for_epochs(place: &Place, (one, two): (&Server, &Server)) {
    place.run(&["keys", "add", "directory_key"]).ok();
    share(place);
    one.hang_up();
    two.hang_up();
    list_says(place, ("directory_key", "2"), "SERVERS", "2 of 2").await;
    let used = place.run(&["keys", "use", "directory_key"]).ok();
    assert!(used.contains("in use for the epochs to come: `tuttu epoch rotate` begins one"), "{used}");
}
