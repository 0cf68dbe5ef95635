//! Turnstile and hCaptcha, judged by a `siteverify` on this machine.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "captcha/mock.rs"]
mod mock;

use mock::{Conduct, Siteverify};
use serde_json::json;
use std::net::IpAddr;
use tuttu::captcha::{CaptchaError, Captchas};
use tuttu::config::{Challenges, ConfigError, Hidden, Loaded, Overrides, load};
use tuttu::model::challenge::ChallengeKind;

const BOTH: [ChallengeKind; 2] = [ChallengeKind::Turnstile, ChallengeKind::Hcaptcha];
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// Both CAPTCHAs, judged by one server.
fn config(siteverify: &Siteverify) -> Challenges {
    Challenges {
        turnstile_site_key: Some("0x-site".to_owned()),
        turnstile_secret: Some(Hidden::new("0x-secret")),
        turnstile_url: siteverify.url.clone(),
        hcaptcha_site_key: Some("h-site".to_owned()),
        hcaptcha_secret: Some(Hidden::new("h-secret")),
        hcaptcha_url: siteverify.url.clone(),
        ..Challenges::default()
    }
}

fn captchas(config: &Challenges) -> Captchas {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Captchas::new(config).unwrap()
}

async fn verdict(conduct: Conduct) -> Vec<Result<bool, CaptchaError>> {
    let siteverify = Siteverify::start(conduct).await;
    let captchas = captchas(&config(&siteverify));
    let mut verdicts = Vec::new();
    for kind in BOTH {
        verdicts.push(captchas.verify(kind, "a-token", None).await);
    }
    verdicts
}

fn says(json: &serde_json::Value) -> Conduct {
    Conduct::Say(200, json.to_string())
}

#[tokio::test]
async fn a_right_token_is_right_and_a_wrong_one_is_not() {
    assert_eq!(verdict(says(&json!({"success": true, "hostname": "example.com"}))).await, [Ok(true); 2]);
    let refused = json!({"success": false, "error-codes": ["invalid-input-response"]});
    assert_eq!(verdict(says(&refused)).await, [Ok(false); 2]);
    let again = json!({"success": false, "error-codes": ["timeout-or-duplicate"]});
    assert_eq!(verdict(says(&again)).await, [Ok(false); 2]);
}

#[tokio::test]
async fn no_error_is_ever_an_approval() {
    let unavailable = [Err(CaptchaError::Unavailable); 2];
    let cases = [
        Conduct::Reset,
        Conduct::Say(500, json!({"success": true}).to_string()),
        Conduct::Say(302, json!({"success": true}).to_string()),
        Conduct::Say(200, "success".to_owned()),
        Conduct::Say(200, "{}".to_owned()),
        Conduct::Say(200, json!({"success": "true"}).to_string()),
        says(&json!({"success": false, "error-codes": ["invalid-input-secret"]})),
        says(&json!({"success": false, "error-codes": ["internal-error"]})),
    ];
    for conduct in cases {
        assert_eq!(verdict(conduct.clone()).await, unavailable, "{conduct:?}");
    }
}

#[tokio::test]
async fn whoever_says_nothing_is_waited_for_five_seconds_at_most() {
    let siteverify = Siteverify::start(Conduct::Silence).await;
    let captchas = captchas(&config(&siteverify));
    let (turnstile, hcaptcha) = tokio::join!(
        captchas.verify(ChallengeKind::Turnstile, "a-token", None),
        captchas.verify(ChallengeKind::Hcaptcha, "a-token", None),
    );
    assert_eq!([turnstile, hcaptcha], [Err(CaptchaError::Unavailable); 2]);
}

#[tokio::test]
async fn a_token_of_another_page_is_wrong() {
    for (host, right) in [(Some("app.example.com"), true), (Some("evil.example.org"), false), (None, false)] {
        let siteverify = Siteverify::start(says(&json!({"success": true, "hostname": host}))).await;
        let hostnames = vec!["App.example.com".to_owned()];
        let captchas = captchas(&Challenges { hostnames, ..config(&siteverify) });
        assert_eq!(captchas.verify(ChallengeKind::Turnstile, "a-token", None).await, Ok(right), "{host:?}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_token_is_wrong_without_a_call() {
    let siteverify = Siteverify::start(says(&json!({"success": true}))).await;
    let captchas = captchas(&config(&siteverify));
    let (just, too_long) = ("x".repeat(2_048), "x".repeat(2_049));
    for token in ["", " ", "a b", "tök", "a\0", &too_long] {
        assert_eq!(captchas.verify(ChallengeKind::Turnstile, token, None).await, Ok(false), "{token}");
    }
    assert_eq!(captchas.verify(ChallengeKind::Hcaptcha, &"x".repeat(8_193), None).await, Ok(false));
    assert_eq!(captchas.verify(ChallengeKind::Altcha, "a-token", None).await, Ok(false));
    assert!(siteverify.asked().is_empty());
    assert_eq!(captchas.verify(ChallengeKind::Turnstile, &just, None).await, Ok(true));
}

#[tokio::test]
async fn the_secret_and_the_token_are_sent_and_the_address_only_where_that_is_configured() {
    let siteverify = Siteverify::start(says(&json!({"success": true}))).await;
    let quiet = config(&siteverify);
    let open = Challenges { send_client_address: true, ..quiet.clone() };
    for config in [&quiet, &open] {
        for kind in BOTH {
            assert_eq!(captchas(config).verify(kind, "a-token", Some(CLIENT)).await, Ok(true));
        }
    }
    let form = |secret: &str, site: Option<&str>, address: Option<&str>| {
        let mut form = vec![("secret", secret), ("response", "a-token")];
        form.extend(site.map(|site| ("sitekey", site)));
        form.extend(address.map(|address| ("remoteip", address)));
        form.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    };
    let expected = [
        form("0x-secret", None, None),
        form("h-secret", Some("h-site"), None),
        form("0x-secret", None, Some("192.0.2.7")),
        form("h-secret", Some("h-site"), Some("192.0.2.7")),
    ];
    assert_eq!(siteverify.asked(), expected);
}

#[tokio::test]
async fn only_what_is_configured_is_offered_and_judged() {
    let siteverify = Siteverify::start(says(&json!({"success": true}))).await;
    let both = captchas(&config(&siteverify));
    let offered: Vec<_> = both.offered().collect();
    assert_eq!(offered, [(ChallengeKind::Turnstile, "0x-site"), (ChallengeKind::Hcaptcha, "h-site")]);
    let none = captchas(&Challenges::default());
    assert_eq!(none.offered().count(), 0);
    for kind in BOTH {
        assert_eq!(none.verify(kind, "a-token", None).await, Ok(false));
    }
    assert!(!format!("{both:?}").contains("secret\""), "{both:?}");
    assert!(!format!("{both:?}").contains("0x-secret"), "{both:?}");
}

/// What the environment makes of the configuration.
fn configured(variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let variable = |(name, value): &(&str, &str)| (format!("TUTTU__CHALLENGES__{name}"), (*value).to_owned());
    load(None, &Overrides { environment: variables.iter().map(variable).collect(), flags: Vec::new() })
}

#[test]
fn a_captcha_is_configured_by_its_key_and_its_secret_which_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "from-a-file\n").unwrap();
    let file = file.to_str().unwrap();
    let loaded = configured(&[
        ("TURNSTILE_SITE_KEY", "site"),
        ("TURNSTILE_SECRET", "written-down"),
        ("HCAPTCHA_SITE_KEY", "site"),
        ("HCAPTCHA_SECRET_FILE", file),
        ("HOSTNAMES", "app.example.com, example.com"),
    ])
    .unwrap();
    let challenges = &loaded.config.challenges;
    assert_eq!(challenges.turnstile_secret.as_ref().unwrap().expose(), "written-down");
    assert_eq!(challenges.hcaptcha_secret.as_ref().unwrap().expose(), "from-a-file");
    assert_eq!(challenges.hostnames, ["app.example.com", "example.com"]);
    let shown = format!("{loaded:?}");
    assert!(!shown.contains("written-down") && !shown.contains("from-a-file"), "{shown}");
}

#[test]
fn a_captcha_that_could_not_work_is_refused_at_the_start() {
    let mistake = |variables| configured(variables).unwrap_err().to_string();
    let half = mistake(&[("TURNSTILE_SITE_KEY", "site")]);
    assert_eq!(half, "challenges: set both turnstile_site_key and turnstile_secret, or neither");
    let half = mistake(&[("HCAPTCHA_SECRET", "secret"), ("HCAPTCHA_SITE_KEY", "")]);
    assert_eq!(half, "challenges: set both hcaptcha_site_key and hcaptcha_secret, or neither");
    let url = mistake(&[("HCAPTCHA_URL", "api.hcaptcha.com")]);
    assert_eq!(url, "challenges.hcaptcha_url must begin with https:// or http://");
}
