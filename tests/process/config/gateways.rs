//! The settings of gateways.

use super::{TWILIO, configured, mistake, shown};
use crate::process::harness::Place;

#[test]
fn gateways_are_set_in_the_environment_by_their_index() {
    let mut place = Place::new();
    let settings = [
        ("NAME", "paid"),
        ("KIND", "twilio"),
        ("ACCOUNT_SID", "AC1"),
        ("AUTH_TOKEN", "s3cret"),
        ("FROM", "Tuttu"),
    ];
    for (key, value) in settings {
        place.set(&format!("TUTTU__SMS__GATEWAYS__0__{key}"), value);
    }
    let line = shown(&place, &[], "sms.gateways[0].kind");
    assert!(
        line.contains("\"twilio\"") && line.contains("# environment TUTTU__SMS__GATEWAYS__0__KIND"),
        "{line}"
    );
    place.unset("TUTTU__SMS__GATEWAYS__0__AUTH_TOKEN");
    let said = mistake(&place);
    assert!(
        said.contains("sms.gateways `paid`: a twilio gateway needs account_sid and auth_token"),
        "{said}"
    );
}

#[test]
fn the_address_of_a_gateway_is_a_web_address() {
    let place = configured(&format!("{TWILIO}auth_token = \"s3cret\"\nbase_url = \"api.example\"\n"));
    let said = mistake(&place);
    assert!(said.contains("sms.gateways `paid`: base_url must begin with https:// or http://"), "{said}");
}

#[test]
fn the_settings_of_a_twilio_gateway_fit_together() {
    let key = "api_key_sid = \"SK1\"\napi_key_secret = \"s3cret\"\n";
    let public = "[server]\npublic_url = \"https://tuttu.example\"\n";
    for (text, problem) in [
        (
            format!("{TWILIO}auth_token = \"s3cret\"\napi_key_sid = \"SK1\"\n"),
            "api_key_sid and api_key_secret go together",
        ),
        (format!("{TWILIO}{key}{public}"), "auth_token is needed where server.public_url is set"),
        (
            format!("{TWILIO}auth_token = \"s3cret\"\nvoice_from = \"Tuttu\"\n"),
            "voice_from must be a number such as +358",
        ),
    ] {
        let said = mistake(&configured(&text));
        assert!(said.contains("sms.gateways `paid`: ") && said.contains(problem), "{said}");
    }
    shown(
        &configured(&format!("{TWILIO}{key}voice_from = \"+358501112222\"\n")),
        &[],
        "sms.gateways[0].kind",
    );
}
