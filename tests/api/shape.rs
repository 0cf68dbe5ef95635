//! The shape of a sweep: counted by default, refused where the operator says so.

use crate::harness::{Question, Reply, TestService, on_both_engines};
use reqwest::Method;
use tuttu::config::{Config, ShapeMode};
use tuttu::model::handle::Handle;

const ANNA: &str = "+358401234561";
const BO: &str = "+358402234562";
const LOOKUP: &str = "/v1/discovery/lookup";

/// Behind a proxy, so that addresses can be told apart.
fn with_shape(config: &mut Config, mode: ShapeMode) {
    config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    config.discovery.shape.mode = mode;
    config.discovery.shape.handles_per_range = 1_000;
}

/// So many handles that nobody has, the first of them told by `first`.
fn strangers(first: u32, count: u32) -> Question {
    let handle = |place: u32| {
        let mut handle = [7; 16];
        handle[..4].copy_from_slice(&place.to_be_bytes());
        Handle::from_bytes(handle)
    };
    Question::new(1, (first..first + count).map(handle).collect())
}

async fn ask_from(service: &TestService, address: &str, token: &str, question: &Question) -> Reply {
    let request = service.request(Method::POST, LOOKUP, token).header("x-forwarded-for", address);
    Reply::read(request.json(&question.json()).send().await.unwrap()).await
}

on_both_engines!(
    a_range_of_addresses_asks_for_so_many_different_handles_on_a_day,
    |config| {
        with_shape(config, ShapeMode::Enforce);
        config.discovery.shape.hit_percent = 0;
    },
    |service| {
        let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
        let mine = strangers(0, 900);
        let paid = mine.answer(&ask_from(service, "192.0.2.1", &anna.token, &mine).await.expect(200, ""));
        // The same again, of somebody else: no different ones.
        ask_from(service, "192.0.2.2", &bo.token, &mine).await.expect(200, "");
        let refused = ask_from(service, "192.0.2.77", &bo.token, &strangers(5_000, 300)).await;
        let refused = refused.expect(429, "lookup_rate");
        assert_eq!(refused.text("/limit"), "shape_handles_per_range");
        assert_eq!(refused.retry_after(), 12 * 3_600, "until midnight");
        // An unchanged re-sync goes on, and so do others, with the budget that was not spent.
        ask_from(service, "192.0.2.1", &anna.token, &mine.again(&paid)).await.expect(200, "");
        let elsewhere = strangers(5_000, 300);
        let reply = ask_from(service, "198.51.100.1", &bo.token, &elsewhere).await.expect(200, "");
        assert_eq!(elsewhere.answer(&reply).cost, 300);
        service.advance(12 * 3_600);
        ask_from(service, "192.0.2.77", &bo.token, &strangers(9_000, 300)).await.expect(200, "");
    }
);

on_both_engines!(
    an_account_that_finds_nobody_is_refused_until_midnight,
    |config| { with_shape(config, ShapeMode::Enforce) },
    |service| {
        let anna = service.register(ANNA).await;
        let mine = strangers(0, 500);
        ask_from(service, "192.0.2.1", &anna.token, &mine).await.expect(200, "");
        let refused = ask_from(service, "198.51.100.1", &anna.token, &strangers(5_000, 1)).await;
        assert_eq!(refused.expect(429, "lookup_rate").text("/limit"), "shape_hit_percent");
        service.advance(12 * 3_600);
        ask_from(service, "192.0.2.1", &anna.token, &strangers(5_000, 1)).await.expect(200, "");
    }
);

on_both_engines!(
    a_sweep_is_only_counted_and_told_once_by_default,
    |config| { with_shape(config, ShapeMode::default()) },
    |service| {
        let anna = service.register(ANNA).await;
        for place in 0..4 {
            ask_from(service, "192.0.2.1", &anna.token, &strangers(1_000 * place, 600)).await.expect(200, "");
        }
        let metrics = service.ops("/metrics").await.1;
        for (limit, times) in [("shape_handles_per_range", 3), ("shape_hit_percent", 3)] {
            let counted =
                format!("tuttu_lookup_shape_total{{limit=\"{limit}\",verdict=\"monitored\"}} {times}");
            assert!(metrics.contains(&counted), "{counted} is not in {metrics}");
            let told = TestService::log();
            let told =
                told.lines().filter(|line| line.contains(&anna.account_id) && line.contains(limit)).count();
            assert_eq!(told, 1, "{limit}");
        }
    }
);
