//! In which language a code is told, and what its message costs.

use crate::harness::{Attempt, Reply, TestService, on_both_engines};
use reqwest::Method;
use serde_json::{Value, json};

const ANNA: &str = "+358401234561";
const BO: &str = "+46701740605";
const CLAIRE: &str = "+33612345678";

/// Starts a number with that header, if any, and more members in the body.
async fn start(service: &TestService, number: &str, header: &str, members: Value) -> Attempt {
    service.keep_secret(number);
    let mut body = json!({"phone_number": number, "channel": "sms"});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let mut request = service.request(Method::POST, "/v1/verifications", "").json(&body);
    for line in header.lines() {
        request = request.header("Accept-Language", line);
    }
    let reply = Reply::read(request.send().await.unwrap()).await.expect(201, "");
    let secret = reply.text("/secret").to_owned();
    service.keep_secret(&secret);
    Attempt { id: reply.text("/id").to_owned(), secret, number: number.to_owned() }
}

async fn text(service: &TestService, number: &str, header: &str, members: Value) -> String {
    let attempt = start(service, number, header, members).await;
    service.text_of(&attempt).await
}

on_both_engines!(
    a_person_is_written_to_in_the_language_asked_for_else_preferred_else_of_the_number,
    |service| {
        let asked = text(service, CLAIRE, "sv", json!({"locale": "fi"})).await;
        assert!(asked.ends_with(" on vahvistuskoodisi. Älä kerro sitä kenellekään."), "{asked}");
        let preferred = text(service, ANNA, "tlh, de;q=0.5, sv;q=0.9", json!({})).await;
        assert!(preferred.ends_with(" är din verifieringskod. Dela den aldrig med någon."), "{preferred}");
        service.advance(60);
        let lines = text(service, ANNA, "de;q=0.5\nda", json!({"locale": "tlh"})).await;
        assert!(lines.ends_with(" er din bekræftelseskode. Del den aldrig med nogen."), "{lines}");
        service.advance(60);
        let country = text(service, CLAIRE, "", json!({})).await;
        assert!(
            country.ends_with(" est votre code de vérification. Ne le partagez avec personne."),
            "{country}"
        );
    }
);

on_both_engines!(every_send_of_a_verification_speaks_alike, |service| {
    let attempt = start(service, CLAIRE, "zh-TW", json!({})).await;
    let first = service.text_of(&attempt).await;
    assert!(first.starts_with("您的驗證碼是 "), "{first}");
    service.advance(60);
    let path = format!("/v1/verifications/{}/codes", attempt.id);
    let again = service.request(Method::POST, &path, &attempt.secret).header("Accept-Language", "en");
    let again = again.json(&json!({"channel": "sms"})).send().await.unwrap();
    Reply::read(again).await.expect(200, "");
    assert_eq!(service.text_of(&attempt).await, first);
    assert_eq!(service.texts(CLAIRE).await.len(), 2);
    let code = service.code_of(&attempt).await;
    service.check(&attempt, &code).await.expect(200, "");
});

on_both_engines!(
    the_operators_own_text_and_the_name_of_the_service_are_used,
    |config| {
        config.verification.service_name = Some("Tuttu".to_owned());
        config.messages = [("fi".to_owned(), "Koodisi ({service}): {code}".to_owned())].into();
    },
    |service| {
        let own = text(service, ANNA, "", json!({})).await;
        assert!(own.starts_with("Koodisi (Tuttu): "), "{own}");
        let built_in = text(service, BO, "", json!({})).await;
        assert!(built_in.contains(" är din verifieringskod för Tuttu. "), "{built_in}");
    }
);

on_both_engines!(
    a_text_message_costs_its_segments,
    |config| {
        config.limits.money.prices = [("default".to_owned(), 0.5)].into();
        config.limits.money.countries = [("FI".to_owned(), 0.9), ("SE".to_owned(), 1.5)].into();
        // Two segments: 153 characters, and the rest of a code of 6 digits.
        let two = format!("{{code}} {}", "a".repeat(154));
        config.messages = [("fi".to_owned(), two.clone()), ("sv".to_owned(), two)].into();
    },
    |service| {
        let refused = service.ask(ANNA).await.expect(429, "destination_paused");
        assert_eq!(refused.text("/limit"), "money_per_country");
        start(service, ANNA, "en", json!({})).await;
        start(service, BO, "", json!({})).await;
        let refused = service.ask("+46701740606").await.expect(429, "destination_paused");
        assert_eq!(refused.text("/limit"), "money_per_country");
    }
);
