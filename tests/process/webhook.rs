//! Any HTTP gateway: what it is sent, where messages may go, and what its answers come to.

mod mock;

use super::harness::{Place, Server, holds_code, until};
use jiff::Timestamp;
use mock::{Asked, Conduct, Gateway, SECRET};
use serde_json::json;
use tuttu::clock::Clock;

const ANNA: &str = "+358401234561";
/// Nothing listens on the first port of a machine, and nobody but root could.
const NOBODY: &str = "http://127.0.0.1:1/messages";

/// The lines of a gateway on this machine.
fn gateway(name: &str, url: &str) -> String {
    format!(
        "[[sms.gateways]]\nname = \"{name}\"\nkind = \"webhook\"\nbase_url = \"{url}\"\n\
         signing_secret_file = \"secret\"\nallow_hosts = [\"127.0.0.1\"]\n"
    )
}

/// A place whose server sends to Finland, with that configuration.
fn configured(file: &str) -> Place {
    let mut place = Place::new();
    place.write("secret", &format!("{SECRET}\n"));
    place.write("tuttu.toml", file);
    place.set("TUTTU__LIMITS__COUNTRIES__ALLOW", "FI");
    place.set("TUTTU__LIMITS__EXEMPT", "127.0.0.0/8");
    place
}

async fn first(gateway: &Gateway) -> Asked {
    until("a message", async || gateway.asked().first().cloned()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_posted_signed_and_with_where_to_report() {
    let own = Gateway::start(Conduct::accept()).await;
    let server_lines = "[server]\npublic_url = \"https://tuttu.example/\"\n";
    let place = configured(&format!("{server_lines}{}", gateway("own", &own.url)));
    let server = place.serve();
    let attempt = server.attempt(ANNA).await;
    let asked = first(&own).await;
    assert!(asked.signed, "{asked:?}");
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/messages?key=1"));
    assert_eq!(asked.header("content-type"), "application/json");

    assert_eq!(asked.json["type"], "message.send");
    let data = &asked.json["data"];
    let mut names: Vec<&String> = data.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["channel", "code", "delivery_id", "expires_at", "report_url", "text", "to"]);
    let delivery = data["delivery_id"].as_str().unwrap();
    assert_eq!(delivery, asked.header("webhook-id"));
    assert_eq!(uuid::Uuid::parse_str(delivery).unwrap().get_version_num(), 4);
    assert_ne!(delivery, attempt.id);
    assert_eq!(data["report_url"], format!("https://tuttu.example/callbacks/own/{delivery}"));
    assert_eq!((&data["channel"], &data["to"]), (&"sms".into(), &ANNA.into()));
    let code = data["code"].as_str().unwrap();
    assert!(data["text"].as_str().unwrap().contains(code));

    let time = |text: &serde_json::Value| text.as_str().unwrap().parse::<Timestamp>().unwrap();
    let (sent, expires) = (time(&asked.json["timestamp"]), time(&data["expires_at"]));
    assert_eq!(asked.header("webhook-timestamp"), sent.as_second().to_string());
    assert!(Clock::System.now().as_second().abs_diff(sent.as_second()) < 60);
    assert!((480..=600).contains(&(expires.as_second() - sent.as_second())), "the rest of the code's life");

    server.delivery_is(&attempt, "sent").await;
    assert!(server.check(&attempt, code).await.text("/grant").len() > 40);
    assert_eq!(own.asked().len(), 1);
}

/// The status of a report to the server, signed by the gateway.
async fn report(server: &Server, path: &str, delivery: &str, status: &str) -> u16 {
    let event = json!({"type": "message.status", "data": {"delivery_id": delivery, "status": status}});
    let body = event.to_string();
    let headers = mock::signed("evt.1", Clock::System.now().as_second(), body.as_bytes());
    let request =
        reqwest::Client::builder().no_proxy().build().unwrap().post(format!("{}{path}", server.base));
    request.headers(headers).body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_reports_how_far_a_message_got_and_a_stranger_does_not() {
    let own = Gateway::start(Conduct::accept()).await;
    let server_lines = "[server]\npublic_url = \"https://tuttu.example\"\n";
    let place = configured(&format!("{server_lines}{}", gateway("own", &own.url)));
    let server = place.serve();
    let attempt = server.attempt(ANNA).await;
    let asked = first(&own).await;
    let data = &asked.json["data"];
    let delivery = data["delivery_id"].as_str().unwrap();
    let path = data["report_url"].as_str().unwrap().trim_start_matches("https://tuttu.example");
    server.delivery_is(&attempt, "sent").await;
    let unsigned = server.post(path, "", &json!({"type": "message.status"})).await;
    unsigned.expect(403, "signature_invalid");
    assert_eq!(report(&server, path, "another", "undelivered").await, 204);
    server.delivery_is(&attempt, "sent").await;
    assert_eq!(report(&server, path, delivery, "delivered").await, 204);
    server.delivery_is(&attempt, "delivered").await;
    assert_eq!(report(&server, "/callbacks/nobody/1", "1", "delivered").await, 404);
}

#[test]
fn a_private_address_is_refused_at_the_start_unless_it_is_allowed_by_name() {
    for (url, named) in [
        ("https://127.0.0.1:8443/", "127.0.0.1"),
        ("https://2130706433/", "127.0.0.1"),
        ("https://10.1.2.3/", "10.1.2.3"),
        ("https://169.254.169.254/latest", "169.254.169.254"),
        ("https://[::ffff:192.168.0.1]/", "[::ffff:c0a8:1]"),
        ("https://localhost/", "localhost"),
    ] {
        let place = configured(&gateway("own", url).replace("[\"127.0.0.1\"]", "[]"));
        let said = place.refusal();
        assert!(said.contains(&format!("`own`: base_url goes to `{named}`")), "{said}");
        assert!(said.contains("not on the public internet") && said.contains("allow_hosts"), "{said}");
        assert!(!place.path("data").exists(), "nothing was made");
    }
    let said = configured(&gateway("own", "http://gateway.example/")).refusal();
    assert!(said.contains("`gateway.example` by plain http: use https"), "{said}");
}

#[test]
fn everything_that_is_wrong_with_a_webhook_and_a_route_is_told() {
    let place = configured(
        "[[sms.gateways]]\nname = \"own\"\nkind = \"webhook\"\nsigning_secret = \"whsec_c2hvcnQtc2VjcmV0\"\n\
         channels = [\"fax\"]\n[[sms.gateways]]\nname = \"two\"\nkind = \"webhook\"\nbase_url = \"ftp://x\"\n\
         [[sms.gateways]]\nname = \"three\"\nkind = \"webhook\"\nallow_hosts = [\"10.0.0.0/8\"]\n\
         [[sms.routes]]\n[[sms.routes]]\ngateways = [\"owm\"]\ncountries = [\"Finland\"]\nchannels = [\"mail\"]\n",
    );
    let said = place.run(&["config", "check"]).failed();
    for problem in [
        "`own`: a webhook gateway needs base_url",
        "`own`: signing_secret must be whsec_ and the base64 of 24 to 64 random bytes",
        "`own`: channels: `fax` is none of: sms voice",
        "`two`: base_url must be a web address",
        "`two`: signing_secret must be whsec_",
        "`three`: allow_hosts: `10.0.0.0/8` is neither a host's name nor an address",
        "sms.routes[0]: name at least one gateway",
        "sms.routes[1]: there is no gateway `owm`",
        "sms.routes[1]: `Finland` is no ISO country code",
        "sms.routes[1]: channels: `mail` is none of: sms voice",
    ] {
        assert!(said.contains(problem), "{problem} in {said}");
    }
    assert!(!said.contains("c2hvcnQ"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_not_followed_and_the_next_gateway_is_tried() {
    let elsewhere = Gateway::start(Conduct::accept()).await;
    let redirecting = Gateway::start(Conduct::redirect(&elsewhere.url)).await;
    let next = Gateway::start(Conduct::accept()).await;
    let lines = [gateway("one", &redirecting.url), gateway("two", &next.url)].concat();
    let place = configured(&lines);
    let server = place.serve();
    server.delivery_is(&server.attempt(ANNA).await, "sent").await;
    let count = |gateway: &Gateway| gateway.asked().len();
    assert_eq!((count(&redirecting), count(&elsewhere), count(&next)), (1, 0, 1));
    assert!(server.log().contains("misconfigured (status 307"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_breaks_leaves_the_message_unknown_and_no_other_is_tried() {
    let broken = Gateway::start(Conduct::answer(500, r#"{"reason": "outage"}"#)).await;
    let next = Gateway::start(Conduct::accept()).await;
    let lines = [gateway("one", &broken.url), gateway("two", &next.url)].concat();
    let place = configured(&lines);
    let server = place.serve();
    server.delivery_is(&server.attempt(ANNA).await, "unknown").await;
    assert_eq!((broken.asked().len(), next.asked().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reason_that_lies_with_the_number_ends_the_delivery_and_nothing_personal_is_logged() {
    let refusing = Gateway::start(Conduct::answer(422, r#"{"reason": "landline"}"#)).await;
    let next = Gateway::start(Conduct::accept()).await;
    let lines = [gateway("one", &refusing.url), gateway("two", &next.url)].concat();
    let place = configured(&lines);
    let server = place.serve();
    server.delivery_is(&server.attempt(ANNA).await, "failed").await;
    assert_eq!((refusing.asked().len(), next.asked().len()), (1, 0));
    let log = server.stop().err;
    assert!(log.contains("landline (status 422"), "the operator sees the reason: {log}");
    let code = refusing.asked()[0].json["data"]["code"].as_str().unwrap().to_owned();
    assert!(!holds_code(&log, &code) && !log.contains(&ANNA[4..]) && !log.contains(&SECRET[6..]), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_not_there_is_passed_over_and_no_proxy_is_asked() {
    let next = Gateway::start(Conduct::accept()).await;
    let mut place = configured(&[gateway("one", NOBODY), gateway("two", &next.url)].concat());
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"] {
        place.set(variable, "http://127.0.0.1:1");
    }
    let server = place.serve();
    server.delivery_is(&server.attempt(ANNA).await, "sent").await;
    assert_eq!(next.asked().len(), 1);
    let log = server.log();
    assert!(log.contains("a webhook has no answer") && log.contains("refused"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_tried_again_keeps_its_id() {
    let own = Gateway::start(Conduct::come_later()).await;
    let place = configured(&gateway("own", &own.url));
    let server = place.serve();
    let attempt = server.attempt(ANNA).await;
    first(&own).await;
    own.conduct(Conduct::accept());
    server.delivery_is(&attempt, "sent").await;
    let asked = own.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|asked| asked.signed), "{asked:?}");
    assert_eq!(asked[0].header("webhook-id"), asked[1].header("webhook-id"));
    assert_eq!(asked[0].json["data"]["code"], asked[1].json["data"]["code"]);
    assert!(asked[0].json["data"].get("report_url").is_none(), "nobody can reach this server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_route_that_fits_says_which_gateways_are_tried_in_which_order() {
    let one = Gateway::start(Conduct::accept()).await;
    let two = Gateway::start(Conduct::accept()).await;
    let gateways = [gateway("one", &one.url), gateway("two", &two.url), gateway("nobody", NOBODY)].concat();
    let place = configured(&gateways);
    let server = place.serve();
    server.delivery_is(&server.attempt(ANNA).await, "sent").await;
    assert_eq!((one.asked().len(), two.asked().len()), (1, 0), "without a route, as they are configured");

    let routes = "[[sms.routes]]\ncountries = [\"SE\"]\ngateways = [\"one\"]\n\
                  [[sms.routes]]\nchannels = [\"voice\"]\ngateways = [\"one\"]\n\
                  [[sms.routes]]\ncountries = [\"fi\"]\nchannels = [\"sms\"]\ngateways = [\"nobody\", \"two\", \"one\"]\n";
    let place = configured(&format!("{gateways}{routes}"));
    let server = place.serve();
    server.delivery_is(&server.attempt(ANNA).await, "sent").await;
    assert_eq!((one.asked().len(), two.asked().len()), (1, 1));
}
