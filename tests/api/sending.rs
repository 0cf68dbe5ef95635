//! From the outbox to the gateway, where the gateway is not well.

use crate::harness::{Attempt, TestService, on_both_engines};
use std::time::{Duration, Instant};
use tuttu::config::{Config, Gateway, GatewayKind, Hidden};
use tuttu::model::delivery::{Delivery, DeliveryStatus, FailureReason};
use tuttu::model::id::VerificationId;
use tuttu::registration::{UnseenPrefix, never_seen_again};

const PATIENCE: Duration = Duration::from_mins(1);

/// A paid gateway where nobody listens: only root could, on the first port of a machine.
fn nobody_listens(config: &mut Config) {
    config.sms.gateways = vec![Gateway {
        name: "gone".to_owned(),
        kind: GatewayKind::Twilio,
        base_url: Some("http://127.0.0.1:1".to_owned()),
        account_sid: Some("AC1".to_owned()),
        auth_token: Some(Hidden::new("secret")),
        from: Some("+358501112222".to_owned()),
        ..Gateway::default()
    }];
    config.limits.countries.allow = vec!["FI".to_owned()];
}

/// The delivery of an attempt, once it is as it shall be.
async fn delivery(service: &TestService, attempt: &Attempt, is: impl Fn(&Delivery) -> bool) -> Delivery {
    let id: VerificationId = serde_json::from_value(attempt.id.clone().into()).unwrap();
    let begun = Instant::now();
    loop {
        let delivery = service.store().deliveries(id).await.unwrap().remove(0);
        if is(&delivery) {
            return delivery;
        }
        assert!(begun.elapsed() < PATIENCE, "{delivery:?}");
    }
}

on_both_engines!(
    a_code_that_no_gateway_accepts_is_tried_again_and_then_has_failed,
    |config| {
        nobody_listens(config);
    },
    |service| {
        let attempt = service.attempt("+358401234561").await;
        for wait in [2, 8, 30] {
            let due = service.clock.now() + Duration::from_secs(wait);
            let waiting = delivery(service, &attempt, |delivery| delivery.retry_at == Some(due)).await;
            assert_eq!(waiting.status, DeliveryStatus::Claimed);
            service.advance(wait);
        }
        let failed = delivery(service, &attempt, |delivery| delivery.status == DeliveryStatus::Failed).await;
        assert_eq!((failed.reason, failed.retry_at), (Some(FailureReason::Outage), None));
    }
);

on_both_engines!(
    a_code_that_is_over_before_a_gateway_accepts_it_has_failed,
    |config| {
        nobody_listens(config);
    },
    |service| {
        let attempt = service.attempt("+358401234561").await;
        delivery(service, &attempt, |delivery| delivery.retry_at.is_some()).await;
        service.advance(600);
        let failed = delivery(service, &attempt, |delivery| delivery.status == DeliveryStatus::Failed).await;
        assert_eq!(failed.reason, Some(FailureReason::Expired));
    }
);

on_both_engines!(who_registers_and_is_never_seen_again_is_counted_by_prefix, |service| {
    let begun = service.clock.now() - Duration::from_secs(1);
    let back = service.register("+358401234561").await;
    for gone in ["+358401234562", "+358401234563", "+46701740605"] {
        service.register(gone).await;
    }
    service.advance(2 * 86_400);
    service.get("/v1/account", &back.token).await.expect(200, "");
    service.register("+358401234564").await;
    let period = (begun, service.clock.now() - Duration::from_hours(24));
    let report = never_seen_again(service.store(), &service.keys().await, period).await.unwrap();
    let row = |country: &str, prefix: &str, accounts, unseen| UnseenPrefix {
        country: country.to_owned(),
        prefix: prefix.to_owned(),
        accounts,
        unseen,
    };
    assert_eq!(report, [row("FI", "+358401", 3, 2), row("SE", "+46701", 1, 1)]);
});
