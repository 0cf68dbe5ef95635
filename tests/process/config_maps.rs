//! Settings whose keys are the operator's to choose, and lists of tables.

use super::harness::Place;

fn configured(file: &str) -> Place {
    let place = Place::new();
    place.write("tuttu.toml", file);
    place
}

/// What `config check` says about a configuration that is wrong.
#[track_caller]
fn mistake(file: &str) -> String {
    configured(file).run(&["config", "check"]).failed()
}

/// What `config show` says about a configuration.
#[track_caller]
fn shown(place: &Place) -> String {
    place.run(&["config", "show"]).ok()
}

#[test]
fn prices_and_caps_are_set_by_country_in_the_file_and_in_the_environment() {
    let mut place = configured(
        "[limits.money]\nper_day = 100\n[limits.money.prices]\nFI = 0.05\ndefault = 0.1\n\
         [limits.money.countries]\nFI = 20\n[limits.money.call_prices]\ndefault = 0.2\n",
    );
    place.set("TUTTU__LIMITS__MONEY__PRICES__SE", "0.04");
    let out = shown(&place);
    for line in [
        "limits.money.prices.FI = 0.05 ",
        "limits.money.prices.default = 0.1 ",
        "limits.money.prices.se = 0.04 ",
        "limits.money.countries.FI = 20.0 ",
        "limits.money.call_prices.default = 0.2 ",
    ] {
        assert!(out.contains(line), "{line} in {out}");
    }
}

#[test]
fn a_price_or_cap_that_does_not_fit_is_refused_by_its_key() {
    for (table, line, said) in [
        (
            "prices",
            "Finland = 1",
            "limits.money.prices.Finland: `Finland` is no ISO country code (such as FI) or `default`",
        ),
        ("prices", "FI = -0.1", "limits.money.prices.FI must be 0 to 1000"),
        ("prices", "FI = 1001", "limits.money.prices.FI must be 0 to 1000"),
        ("prices", "FI = nan", "limits.money.prices.FI must be 0 to 1000"),
        ("call_prices", "default = 1001", "limits.money.call_prices.default must be 0 to 1000"),
        ("countries", "FI = -1", "limits.money.countries.FI must be 0 to 1000000000"),
        (
            "countries",
            "default = 1",
            "limits.money.countries.default: `default` is no ISO country code (such as FI)",
        ),
    ] {
        let found = mistake(&format!("[limits.money.{table}]\n{line}\n"));
        assert!(found.lines().any(|line| line.ends_with(said)), "{line}: {found}");
    }
    let found = mistake("[limits.money]\nper_day = -1\n");
    assert!(found.contains("limits.money.per_day must be 0 to 1000000000"), "{found}");
}

#[test]
fn a_map_that_is_misspelled_is_named_with_the_nearest_key() {
    let found = mistake("[limits.money.price]\nFI = 1\n");
    assert!(found.contains("unknown key `limits.money.price.FI`"), "{found}");
    assert!(found.contains("did you mean `limits.money.prices.FI`?"), "{found}");
    assert!(mistake("[messages.fi]\ntext = \"{code}\"\n").contains("unknown key `messages.fi.text`"));
}

#[test]
fn texts_are_set_by_language() {
    let mut place = configured(
        "[verification]\nservice_name = \"Tuttu\"\n[messages]\nfi = \"{service}: {code}\"\nzh-Hant = \"{code}\"\n",
    );
    place.set("TUTTU__MESSAGES__SV", "{code} från {service}");
    let out = shown(&place);
    for line in ["messages.fi = \"{service}: {code}\" ", "messages.zh-Hant = ", "messages.sv = \"{code} från"]
    {
        assert!(out.contains(line), "{line} in {out}");
    }
}

#[test]
fn a_text_or_name_that_does_not_fit_is_refused_with_the_reason() {
    let long = format!("fi = \"{{code}} {}\"", "a".repeat(1522));
    for (line, said) in [
        ("klingon = \"{code}\"", "messages.klingon is no language that there are texts for: ar, bg"),
        ("fi = \"koodi\"", "messages.fi must hold {code} exactly once"),
        ("fi = \"{code} {name}\"", "messages.fi may hold no braces but {code} and {service}"),
        (
            "fi = \"{code} {service}\"",
            "messages.fi holds {service}, and verification.service_name is not set",
        ),
        ("fi = \"G{code}\"", "messages.fi may have no letter or digit of ASCII next to {code}"),
        (long.as_str(), "messages.fi takes 11 segments with a code of 8 digits; at most 10 are sent"),
    ] {
        let found = mistake(&format!("[messages]\n{line}\n"));
        assert!(found.contains(said), "{line}: {found}");
    }
    let found = mistake("[verification]\nservice_name = \"\"\n");
    assert!(found.contains("verification.service_name must have 1 to 30 characters"), "{found}");
}

#[test]
fn test_numbers_are_set_in_the_file_and_their_code_is_hidden() {
    let place = configured(
        "[[verification.test_numbers]]\nprefix = \"+4477009001\"\ncode = \"314159\"\nper_hour = 8\n\
         [[verification.test_numbers]]\nprefix = \"+4477009002\"\ncode_file = \"code\"\nper_hour = 8\n",
    );
    place.write("code", "271828\n");
    let out = shown(&place);
    assert!(out.contains("verification.test_numbers[0].prefix = \"+4477009001\" "), "{out}");
    let code = out.lines().find(|line| line.starts_with("verification.test_numbers[1].code = \"(hidden)\" "));
    assert!(code.is_some_and(|line| line.ends_with("# file code")), "{out}");
    assert!(!out.contains("314159") && !out.contains("271828"), "{out}");
}

#[test]
fn test_numbers_that_do_not_fit_are_refused() {
    let found = mistake("[[verification.test_numbers]]\nprefix = \"+1\"\ncode = \"31415\"\n");
    for said in [
        "verification.test_numbers[0].prefix must be + and 5 to 15 digits",
        "verification.test_numbers[0].code must be 6 to 8 digits",
        "verification.test_numbers[0].per_hour must be at least 1",
    ] {
        assert!(found.contains(said), "{said} in {found}");
    }
    assert!(!found.contains("31415"), "{found}");
    let found = mistake("[[verification.test_numbers]]\nprefx = \"+4477009001\"\n");
    assert!(found.contains("did you mean `verification.test_numbers[].prefix`?"), "{found}");
}

#[test]
fn a_cap_is_refused_where_a_price_is_missing() {
    let found = mistake("[limits.money]\nper_day = 50\n[limits.money.prices]\nFI = 0.05\n");
    for key in ["limits.money.prices.default", "limits.money.call_prices.default"] {
        assert!(found.contains(&format!("{key} must be set where a cap is")), "{found}");
    }
}
