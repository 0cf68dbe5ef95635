//! How what is wrong with a configuration is told.

use super::{configured, mistake, shown};
use crate::process::harness::Place;

#[test]
fn limits_that_would_shut_everybody_out_are_refused() {
    let file = "[server]\nconnections = 0\nrequests_in_flight = 0\nhead_timeout = 0\nidle_timeout = \"2h\"\n\
        drain_delay = 11\n[discovery]\nrequests_per_hour = 0\n";
    let said = mistake(&configured(file));
    for problem in [
        "server.connections must be at least 1",
        "server.requests_in_flight must be at least 1",
        "server.head_timeout must be 1 second to 1 hour",
        "server.idle_timeout must be 1 second to 1 hour",
        "server.drain_delay must be at most 10 seconds",
        "discovery.requests_per_hour must be at least 1",
    ] {
        assert!(said.contains(problem), "{problem} in {said}");
    }
}

#[test]
fn two_listeners_at_one_address_are_refused() {
    let mut place = Place::new();
    place.set("TUTTU__SERVER__LISTEN", "127.0.0.1:8080");
    place.set("TUTTU__SERVER__OPS_LISTEN", "127.0.0.1:8080");
    let said = mistake(&place);
    assert!(said.contains("server.ops_listen must be another address than server.listen"), "{said}");
}

#[test]
fn a_key_that_is_unknown_in_the_file_is_named_with_the_nearest_one() {
    let place = configured("[server]\nlistne = \"127.0.0.1:1\"\n[limit]\nsends_per_number = 5\n");
    let said = mistake(&place);
    assert!(said.contains("unknown key `server.listne`") && said.contains("tuttu.toml"), "{said}");
    assert!(said.contains("did you mean `server.listen`?"), "{said}");
    assert!(said.contains("unknown key `limit.sends_per_number`"), "every mistake is told: {said}");
    assert!(said.contains("did you mean `limits.sends_per_number`?"), "{said}");
    assert_eq!(place.refusal(), said, "serve says the same");
}

#[test]
fn a_key_that_is_unknown_in_the_environment_is_named_with_the_nearest_one() {
    let mut place = Place::new();
    place.set("TUTTU__DATABASE__MIGRATION", "false");
    let said = mistake(&place);
    assert!(said.contains("unknown key `database.migration`"), "{said}");
    assert!(said.contains("(environment TUTTU__DATABASE__MIGRATION)"), "{said}");
    assert!(said.contains("did you mean `database.migrate`?"), "{said}");
}

#[test]
fn a_variable_with_an_underscore_too_few_is_named_with_the_right_one() {
    let mut place = Place::new();
    place.set("TUTTU_SERVER__LISTEN", "127.0.0.1:1");
    let said = mistake(&place);
    assert!(said.contains("TUTTU_SERVER__LISTEN: did you mean TUTTU__SERVER__LISTEN?"), "{said}");
}

#[test]
fn every_value_that_does_not_fit_is_named_with_its_source() {
    let mut place = configured(
        "[server]\nconnections = \"many\"\n[limits]\nexempt = [\"10.0.0.0/8\", \"here\"]\n\
         [[verification.test_numbers]]\nprefix = \"+35840\"\ncode = \"424242\"\nper_hour = \"often\"\n\
         [[verification.test_numbers]]\nprefix = \"+35841\"\ncode = \"424242\"\nper_hour = \"seldom\"\n\
         [verification]\ncode_lifetime = \"soon\"\n",
    );
    place.set("TUTTU__DISCOVERY__LOOKUP_BUDGET", "-1");
    let said = mistake(&place);
    let keys = [
        "discovery.lookup_budget",
        "limits.exempt",
        "server.connections",
        "verification.code_lifetime",
        "verification.test_numbers[0].per_hour",
        "verification.test_numbers[1].per_hour",
    ];
    for key in keys {
        assert_eq!(said.matches(key).count(), 1, "{key} in {said}");
    }
    assert!(keys.map(|key| said.find(key)).is_sorted(), "in the order of keys: {said}");
    for line in said.lines().filter(|line| line.contains(" key ")) {
        let source = line.contains("tuttu.toml") || line.contains("TUTTU__DISCOVERY__LOOKUP_BUDGET");
        assert!(source, "{line}");
    }
    assert!(!said.contains("424242"), "{said}");
}

#[test]
fn a_key_without_its_section_is_named_with_the_whole_one() {
    let said = mistake(&configured("listen = \"127.0.0.1:1\"\n[sever]\nops_listen = \"127.0.0.1:2\"\n"));
    assert!(
        said.contains("unknown key `listen`") && said.contains("did you mean `server.listen`?"),
        "{said}"
    );
    assert!(said.contains("did you mean `server.ops_listen`?"), "{said}");
    let said = mistake(&configured("[data]\nconnections = 5\n"));
    assert!(said.contains("did you mean `database.connections`?"), "{said}");
}

#[test]
fn a_section_without_keys_is_known_or_refused() {
    assert!(mistake(&configured("[srver]\n")).contains("unknown key `srver`"));
    let place = configured("[server]\n");
    assert!(!shown(&place, &[], "server.ops_listen").is_empty());
}

#[test]
fn a_word_that_is_no_choice_is_refused_with_the_choices() {
    let said = mistake(&configured("[directory]\nmode = \"fast\"\n"));
    assert!(
        said.contains("must be one of: auto complete filter database") && said.contains("directory.mode"),
        "{said}"
    );
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_the_place_of_the_mistake_and_without_the_line() {
    for line in
        ["url = \"postgres://tuttu:s3cret@db/tuttu", "url = postgres://tuttu:s3cret@db/tuttu", "s3cret"]
    {
        let said = mistake(&configured(&format!("[database]\n{line}\n")));
        assert!(said.contains("tuttu.toml is not TOML in line 2: "), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_refused_by_its_key() {
    let wrong = [
        ("verification.code_lifetime", "soon"),
        ("verification.code_lifetime", "1h"),
        ("verification.code_length", "9"),
        ("verification.code_length", "six"),
        ("directory.memory", "much"),
        ("directory.mode", "fast"),
        ("directory.false_positive_rate", "2"),
        ("server.listen", "everywhere"),
        ("server.trusted_proxies", "10.0.0.0/8,nobody"),
        ("database.migrate", "perhaps"),
        ("database.connections", "0"),
        ("database.url", "tuttu.db"),
        ("limits.requests_per_minute", "-1"),
        ("limits.countries.allow", "FI,Finland"),
        ("limits.number_types.deny", "voip,fax"),
        ("limits.never_block", "+358401,0401"),
        ("limits.guard.conversion_percent", "0"),
        ("limits.guard.capacity", "10,50,8,60,0"),
        ("limits.guard.mode", "asleep"),
        ("limits.money.per_day", "-1"),
        ("limits.wrong_checks_per_day", "0"),
        ("log.format", "xml"),
        ("log.level", "loud=very"),
        ("server.public_url", "tuttu.example"),
    ];
    for (key, value) in wrong {
        let mut place = Place::new();
        let variable = format!("TUTTU__{}", key.to_uppercase().replace('.', "__"));
        place.set(&variable, value);
        let said = mistake(&place);
        // Countries and kinds of numbers are named by the list of lists.
        let listed =
            ["limits.countries", "limits.number_types"].into_iter().find(|list| key.starts_with(list));
        let name = listed.unwrap_or(key);
        assert!(said.contains(name), "{key} = {value}: {said}");
    }
}

#[test]
fn every_wrong_value_is_told_at_once() {
    let mut place = Place::new();
    place.set("TUTTU__VERIFICATION__CODE_LENGTH", "9");
    place.set("TUTTU__DATABASE__CONNECTIONS", "0");
    let said = mistake(&place);
    assert!(said.contains("verification.code_length") && said.contains("database.connections"), "{said}");
}
