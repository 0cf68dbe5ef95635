//! Where settings come from, what they may be, and how a mistake is told.

mod gateways;
mod mistakes;

use super::harness::{Finished, Place};

/// The line of `config show` about a key.
#[track_caller]
fn shown(place: &Place, arguments: &[&str], key: &str) -> String {
    let out = place.run(&[&["config", "show"], arguments].concat()).ok();
    let prefix = format!("{key} = ");
    let line = out.lines().find(|line| line.starts_with(&prefix));
    line.unwrap_or_else(|| panic!("{key} in {out}")).to_owned()
}

/// What `config check` says about a configuration that is wrong.
#[track_caller]
fn mistake(place: &Place) -> String {
    place.run(&["config", "check"]).failed()
}

/// A place with this configuration.
fn configured(file: &str) -> Place {
    let place = Place::new();
    place.write("tuttu.toml", file);
    place
}

const TWILIO: &str =
    "[[sms.gateways]]\nname = \"paid\"\nkind = \"twilio\"\naccount_sid = \"AC1\"\nfrom = \"Tuttu\"\n";

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let mut place = configured("[server]\nlisten = \"127.0.0.1:2001\"\nops_listen = \"127.0.0.1:3001\"\n");
    place.unset("TUTTU__SERVER__LISTEN");
    let line = shown(&place, &[], "server.listen");
    assert!(line.contains("127.0.0.1:2001") && line.contains("# ") && line.contains("tuttu.toml"), "{line}");
    place.set("TUTTU__SERVER__LISTEN", "127.0.0.1:2002");
    let line = shown(&place, &[], "server.listen");
    assert!(line.contains("127.0.0.1:2002"), "{line}");
    assert!(line.ends_with("# environment TUTTU__SERVER__LISTEN"), "{line}");
    let line = shown(&place, &["--listen", "127.0.0.1:2003"], "server.listen");
    assert!(line.contains("127.0.0.1:2003") && line.ends_with("# flag --listen"), "{line}");
    let line = shown(&place, &[], "limits.sends_per_number");
    assert!(line.contains("= 6 ") && line.ends_with("# default"), "{line}");
}

#[test]
fn another_file_is_named_after_the_command() {
    let place = configured("[limits]\nsends_per_number = 7\n");
    place.write("other.toml", "[limits]\nsends_per_number = 8\n");
    assert!(shown(&place, &[], "limits.sends_per_number").contains("= 7 "));
    assert!(shown(&place, &["--config", "other.toml"], "limits.sends_per_number").contains("= 8 "));
    assert_eq!(
        place.run(&["config", "check", "--config", "other.toml"]).ok(),
        "The configuration is valid.\n"
    );
    place.serve_with(&["--config", "other.toml"]);
    place.run(&["migrate", "--config", "other.toml"]).ok();
    let missing = place.run(&["serve", "--config", "missing.toml"]).failed();
    assert!(missing.contains("missing.toml"), "{missing}");
}

#[test]
fn a_secret_can_lie_in_a_file_of_its_own() {
    let mut place = configured(&format!("{TWILIO}auth_token_file = \"token\"\n"));
    place.write("token", "s3cret-token\n");
    place.write("url", "sqlite://elsewhere/from-file.db\n");
    place.set("TUTTU__DATABASE__URL_FILE", "url");
    let line = shown(&place, &[], "sms.gateways[0].auth_token");
    assert!(line.contains("(hidden)") && line.ends_with("# file token"), "{line}");
    let line = shown(&place, &[], "database.url");
    assert!(line.ends_with("# file url"), "{line}");
    place.serve();
    assert!(place.path("elsewhere/from-file.db").exists());
}

#[test]
fn so_can_the_one_that_signs_checkpoints() {
    let place = configured(
        "[audit.webhook]\nurl = \"https://audit.example/checkpoints\"\nsigning_secret_file = \"hook\"\n",
    );
    place.write("hook", &format!("whsec_{}=\n", "A".repeat(43)));
    assert_eq!(place.run(&["config", "check"]).ok(), "The configuration is valid.\n");
    place.write("hook", "whsec_short\n");
    assert!(mistake(&place).contains("audit.webhook.signing_secret must be"));
}

#[test]
fn a_secret_that_is_set_twice_or_cannot_be_read_is_refused() {
    let mut place = configured(&format!("{TWILIO}auth_token = \"s3cret\"\nauth_token_file = \"token\"\n"));
    place.write("token", "s3cret-token");
    let said = mistake(&place);
    assert!(
        said.contains("sms.gateways[0].auth_token and sms.gateways[0].auth_token_file are both set"),
        "{said}"
    );
    assert!(!said.contains("s3cret"), "{said}");
    place.write("tuttu.toml", &format!("{TWILIO}auth_token_file = \"missing\"\n"));
    let said = mistake(&place);
    assert!(said.contains("sms.gateways[0].auth_token_file: cannot read missing"), "{said}");
    place.write("tuttu.toml", "");
    place.set("TUTTU__DATABASE__URL", "postgres://tuttu:s3cret@db/tuttu");
    place.set("TUTTU__DATABASE__URL_FILE", "token");
    let said = mistake(&place);
    assert!(
        said.contains("database.url and database.url_file are both set") && !said.contains("s3cret"),
        "{said}"
    );
}

#[test]
fn of_a_secret_and_its_file_the_later_source_wins() {
    let mut place = configured(&format!("{TWILIO}auth_token = \"s3cret\"\n"));
    place.write("token", "s3cret-token");
    place.set("TUTTU__SMS__GATEWAYS__0__AUTH_TOKEN_FILE", "token");
    assert!(shown(&place, &[], "sms.gateways[0].auth_token").ends_with("# file token"));
    place.write("tuttu.toml", &format!("{TWILIO}auth_token_file = \"missing\"\n"));
    place.unset("TUTTU__SMS__GATEWAYS__0__AUTH_TOKEN_FILE");
    place.set("TUTTU__SMS__GATEWAYS__0__AUTH_TOKEN", "s3cret");
    let line = shown(&place, &[], "sms.gateways[0].auth_token");
    assert!(line.ends_with("# environment TUTTU__SMS__GATEWAYS__0__AUTH_TOKEN"), "{line}");
}

#[test]
fn no_secret_is_ever_shown() {
    let mut place = configured(&format!("{TWILIO}auth_token = \"s3cret\"\n"));
    for url in [
        "postgres://tuttu:s3cret@127.0.0.1:1/tuttu",
        "postgres://tuttu:a@s3cret@127.0.0.1:1/tuttu",
        "postgres://tuttu:a:s3cret@127.0.0.1:1/tuttu",
        "postgres://127.0.0.1:1/tuttu?user=tuttu&password=s3cret",
    ] {
        place.set("TUTTU__DATABASE__URL", url);
        let Finished { out, err, .. } = place.run(&["config", "show"]);
        assert!(!out.contains("s3cret") && !err.contains("s3cret"), "{url}: {out}{err}");
    }
    assert!(shown(&place, &[], "database.url").contains("(hidden)"));
    assert!(shown(&place, &[], "sms.gateways[0].auth_token").contains("= \"(hidden)\""));
    for url in ["mysql://tuttu:s3cret@127.0.0.1:1/tuttu", "postgres://tuttu:s3cret@:notaport/tuttu", "s3cret"]
    {
        place.set("TUTTU__DATABASE__URL", url);
        let said = mistake(&place);
        assert!(said.contains("database.url ") && !said.contains("s3cret"), "{said}");
    }
}

#[test]
fn durations_and_sizes_are_numbers_or_words() {
    for (written, duration) in [
        ("\"10m\"", "10m"),
        ("600", "10m"),
        ("\"2m 30s\"", "150s"),
        ("\"300\"", "5m"),
        ("\"5m 0.5s\"", "300500ms"),
    ] {
        let place = configured(&format!("[verification]\ncode_lifetime = {written}\n"));
        let line = shown(&place, &[], "verification.code_lifetime");
        assert!(line.contains(&format!("\"{duration}\"")), "{written}: {line}");
    }
    for (written, size) in
        [("\"512KiB\"", "512KiB"), ("524288", "512KiB"), ("\"4GiB\"", "4GiB"), ("\"100\"", "100B")]
    {
        let place = configured(&format!("[directory]\nmemory = {written}\n"));
        let line = shown(&place, &[], "directory.memory");
        assert!(line.contains(&format!("\"{size}\"")), "{written}: {line}");
    }
    let mut place = Place::new();
    place.set("TUTTU__VERIFICATION__CODE_LIFETIME", "5m");
    place.set("TUTTU__DIRECTORY__MEMORY", "1048576");
    assert!(shown(&place, &[], "verification.code_lifetime").contains("\"5m\""));
    for (key, default) in
        [("retention.attempts", "90d"), ("audit.anchor_every", "1h"), ("server.drain_delay", "0s")]
    {
        assert!(shown(&place, &[], key).contains(&format!("\"{default}\"")), "{key}");
    }
    assert!(shown(&place, &[], "directory.memory").contains("\"1MiB\""));
}

#[test]
fn a_list_in_the_environment_is_separated_by_commas() {
    let mut place = Place::new();
    place.set("TUTTU__LIMITS__COUNTRIES__ALLOW", "FI, SE,,EE");
    let line = shown(&place, &[], "limits.countries.allow");
    assert!(line.contains(r#"["FI","SE","EE"]"#), "{line}");
    place.set("TUTTU__LIMITS__COUNTRIES__ALLOW", "");
    assert!(shown(&place, &[], "limits.countries.allow").contains("= [] "));
}
