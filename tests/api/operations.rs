//! Health, metrics, and how often an address may ask.

use crate::harness::{Engine, Form, Question, Reply, TestService, on_both_engines};
use reqwest::Method;
use tuttu::config::{Config, Gateway, GatewayKind, Hidden};

const ANNA: &str = "+358401234561";

/// Adds a gateway that costs money, so that this machine is an address like any other.
fn paid(config: &mut Config) {
    config.sms.gateways.push(Gateway {
        name: "paid".to_owned(),
        kind: GatewayKind::Twilio,
        base_url: Some("http://127.0.0.1:9".to_owned()),
        account_sid: Some("AC00".to_owned()),
        auth_token: Some(Hidden::new("token")),
        from: Some("+12015550123".to_owned()),
        ..Gateway::default()
    });
}

async fn from_address(service: &TestService, address: &str) -> Reply {
    forwarded(service, address.as_bytes()).await
}

async fn forwarded(service: &TestService, addresses: &[u8]) -> Reply {
    let request = service.request(Method::GET, "/openapi.json", "").header("X-Forwarded-For", addresses);
    Reply::read(request.send().await.unwrap()).await
}

on_both_engines!(both_listeners_say_how_the_server_is, |service| {
    for path in ["/livez", "/readyz"] {
        assert_eq!(service.get(path, "").await.expect(200, "").bytes, b"ok");
        assert_eq!(service.ops(path).await, (200, "ok".to_owned()));
    }
});

on_both_engines!(metrics_are_on_the_private_listener_only, |service| {
    service.register(ANNA).await;
    service.get("/v1/account", "").await.expect(401, "token_invalid");
    service.get("/metrics", "").await.expect(404, "not_found");
    let (status, metrics) = service.ops("/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "tuttu_registrations_total 1",
        "tuttu_requests_total{route=\"/v1/accounts\",status=\"201\"} 1",
        "tuttu_requests_total{route=\"/v1/account\",status=\"401\"} 1",
        "tuttu_problems_total{code=\"token_invalid\"} 1",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} in\n{metrics}");
    }
    for path in ["/v1/account", "/try", "/openapi.json", "/"] {
        assert_eq!(service.ops(path).await.0, 404, "{path}");
    }
});

on_both_engines!(while_the_database_is_away_requests_say_when_to_come_back, |service| {
    let anna = service.register(ANNA).await;
    service.store().close().await;
    for listener in
        [service.get("/readyz", "").await.expect(200, "").bytes, service.ops("/readyz").await.1.into()]
    {
        assert_eq!(listener, b"degraded");
    }
    assert_eq!(service.get("/livez", "").await.bytes, b"ok");
    let replies = [
        service.get("/v1/account", &anna.token).await,
        service.ask("+358401234562").await,
        service.pose(&anna.token, &Question::new(1, Vec::new()), Form::Json).await,
    ];
    for reply in replies {
        let reply = reply.expect(503, "unavailable");
        assert_eq!(reply.retry_after(), 2);
        let told = String::from_utf8_lossy(&reply.bytes).to_lowercase();
        assert!(!told.contains("sql") && !told.contains("pool"), "{told}");
    }
});

on_both_engines!(
    an_address_asks_so_often_a_minute_whatever_the_answer,
    |config| {
        paid(config);
        config.limits.requests_per_minute = 5;
    },
    |service| {
        service.advance(13);
        service.get("/openapi.json", "").await.expect(200, "");
        service.get("/nowhere", "").await.expect(404, "not_found");
        service.get("/v1/account", "").await.expect(401, "token_invalid");
        from_address(service, "192.0.2.1").await.expect(200, "");
        from_address(service, "192.0.2.2").await.expect(200, "");
        let refused = from_address(service, "192.0.2.3").await.expect(429, "rate_limited");
        assert_eq!((refused.text("/limit"), refused.retry_after()), ("requests_per_minute", 47));
        assert_eq!(service.ops("/livez").await.0, 200);
        service.get("/livez", "").await.expect(200, "");
        service.advance(46);
        service.get("/openapi.json", "").await.expect(429, "rate_limited");
        service.advance(1);
        service.get("/openapi.json", "").await.expect(200, "");
    }
);

on_both_engines!(
    an_exempt_address_asks_as_often_as_it_likes,
    |config| {
        paid(config);
        config.limits.requests_per_minute = 1;
        config.limits.exempt = vec!["127.0.0.0/8".parse().unwrap()];
    },
    |service| {
        for _ in 0..10 {
            service.get("/openapi.json", "").await.expect(200, "");
        }
    }
);

on_both_engines!(
    this_machine_is_exempt_while_the_inbox_is_the_only_gateway,
    |config| { config.limits.requests_per_minute = 1 },
    |service| {
        for _ in 0..10 {
            service.get("/openapi.json", "").await.expect(200, "");
        }
    }
);

#[tokio::test]
async fn a_trusted_proxy_names_the_address_and_a_client_cannot() {
    let service = TestService::start_with(Engine::Sqlite, |config| {
        paid(config);
        config.sms.gateways.remove(0);
        config.limits.requests_per_minute = 1;
        config.server.trusted_proxies =
            ["127.0.0.1/32", "10.0.0.0/8"].map(|range| range.parse().unwrap()).into();
    });
    let service = service.await;
    for fresh in ["192.0.2.1", "192.0.2.2, 10.0.0.1", "2001:db8:0:1::1", "2001:db8:0:2::1"] {
        from_address(&service, fresh).await.expect(200, "");
    }
    for spent in [
        "192.0.2.1",
        "203.0.113.9, 192.0.2.1",
        "192.0.2.2",
        "192.0.2.9, 192.0.2.2, 10.1.2.3, 127.0.0.1",
        "::ffff:192.0.2.1",
        "2001:db8:0:1:ffff::2",
    ] {
        from_address(&service, spent).await.expect(429, "rate_limited");
    }
    // Whatever a client writes before it, the proxy's own entry counts.
    forwarded(&service, b"\xff, 192.0.2.1").await.expect(429, "rate_limited");
    service.end().await;
}
