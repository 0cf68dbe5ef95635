//! What a server says when it starts, and when it cannot.

use super::harness::{Finished, Place};

#[test]
fn the_inbox_is_refused_on_a_server_that_the_world_can_reach() {
    for (variable, value) in [
        ("TUTTU__SERVER__PUBLIC_URL", "https://tuttu.example"),
        ("TUTTU__SERVER__TRUSTED_PROXIES", "10.0.0.0/8"),
    ] {
        let mut place = Place::new();
        place.set(variable, value);
        let said = place.refusal();
        assert!(said.contains("inbox") && said.contains("server.public_url"), "{said}");
        assert!(!place.path("data").exists(), "nothing was made");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_that_other_machines_could_reach_cannot_be_read() {
    let mut place = Place::new();
    place.set("TUTTU__SERVER__LISTEN", "0.0.0.0:0");
    let mut server = place.serve();
    server.says("its messages can be read only while server.listen is a loopback");
    server.get("/v1/inbox?phone_number=%2B358401234567", "").await.expect(404, "not_found");
    let finished = server.stop();
    assert!(!finished.out.contains("/try"), "{}", finished.out);
}

#[test]
fn a_second_server_on_the_same_port_is_told_what_to_do() {
    let place = Place::new();
    let server = place.serve();
    let taken = server.base.trim_start_matches("http://");
    let Finished { code, err, .. } = place.run(&["serve", "--listen", taken]);
    assert_eq!(code, Some(1));
    assert!(err.contains(&format!("cannot listen on {taken}: is another server running?")), "{err}");
    assert!(err.contains("Set server.listen to another address"), "{err}");
}

#[test]
fn the_program_says_its_version_and_completes_itself() {
    let place = Place::new();
    assert_eq!(place.run(&["--version"]).ok(), format!("tuttu {}\n", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run(&["completions", shell]).ok();
        assert!(script.contains("tuttu") && script.contains("ops-listen"), "{shell}");
    }
    assert_eq!(place.tree(), Vec::<std::path::PathBuf>::new(), "nothing was made");
}
