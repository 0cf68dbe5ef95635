//! What admins do for people, and to them, on the console's pages.

mod by_api;

use crate::harness::{Reply, on_both_engines};
use reqwest::Method;
use serde_json::json;
use tuttu::model::admin::Role;

const ANNA: &str = "+358401234561";

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.bytes).into_owned()
}

on_both_engines!(an_admin_finds_locks_and_erases_an_account_and_sees_no_number, |service| {
    let anna = service.register(ANNA).await;
    let admin = service.admin("otto", &[Role::Admin]).await;
    let found = service.submit("/admin/accounts/search", &admin, &[("wanted", ANNA)]).await;
    assert_eq!(
        (found.status, found.header("location")),
        (303, &*format!("/admin/accounts/{}", &anna.account_id))
    );
    let path = format!("/admin/accounts/{}", &anna.account_id);
    let page = text(&service.page(&path, &admin).await.expect(200, ""));
    assert!(page.contains("+358 ••••••• 61") && !page.contains("401234561"), "{page}");
    let short = service.submit(&format!("{path}/lock"), &admin, &[("reason", "short")]).await;
    assert!(text(&short).contains("at least 10 characters"));
    service.get("/v1/account", &anna.token).await.expect(200, "");
    service
        .submit(&format!("{path}/lock"), &admin, &[("reason", "a stolen telephone")])
        .await
        .expect(200, "");
    service.get("/v1/account", &anna.token).await.expect(401, "token_invalid");
    service
        .submit(&format!("{path}/unlock"), &admin, &[("reason", "found in the sofa")])
        .await
        .expect(200, "");
    service.get("/v1/account", &anna.token).await.expect(200, "");
    service.submit(&format!("{path}/erase"), &admin, &[("sure", "yes")]).await.expect(200, "");
    service.get("/v1/account", &anna.token).await.expect(401, "token_invalid");
    service.page(&path, &admin).await.expect(404, "");
});

on_both_engines!(a_reveal_is_written_down_before_the_number_is_shown, |service| {
    let attempt = service.attempt(ANNA).await;
    let admin = service.admin("otto", &[Role::Admin]).await;
    service.audit().await;
    let path = format!("/admin/verifications/{}", attempt.id);
    let page = text(&service.drawn(&attempt.id, &admin).await.expect(200, ""));
    assert!(page.contains("verification.started") && !page.contains("401234561"), "{page}");
    let shown =
        service.submit(&format!("{path}/reveal"), &admin, &[("reason", "ticket 1234: no code")]).await;
    assert!(text(&shown).contains(ANNA));
    let events = service.events("person.revealed").await;
    assert_eq!((events.len(), &events[0]["reason"]), (1, &json!("ticket 1234: no code")));
    let found = service.submit("/admin/verifications/search", &admin, &[("phone_number", ANNA)]).await;
    assert!(text(&found).contains("Attempts of +358") && !text(&found).contains("401234561"));
    assert_eq!(service.events("person.searched").await.len(), 1);
});

on_both_engines!(what_is_filtered_is_taken_out_as_a_table_without_numbers, |service| {
    for number in [ANNA, "+358401234562", "+358401234563"] {
        service.attempt(number).await;
    }
    service.audit().await;
    let admin = service.admin("vera", &[Role::Viewer]).await;
    let path = "/admin/verifications.csv";
    let mut table = text(&service.page(path, &admin).await.expect(200, ""));
    // The projection follows the log by itself.
    while table.lines().count() < 4 {
        tokio::task::yield_now().await;
        table = text(&service.page(path, &admin).await.expect(200, ""));
    }
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows[0], "started_at,id,number,country,channel,status,reason,gateway,messages");
    assert!(table.contains(",\"'+358 ••••••• 63\",FI,sms,pending,,"), "{table}");
    assert!(rows.len() == 4 && !table.contains("4012345"), "{table}");
    let none =
        text(&service.page(&format!("{path}?country=se&status=approved"), &admin).await.expect(200, ""));
    assert_eq!(none.lines().count(), 1, "{none}");
    service.page(&format!("{path}?prefix=%2B35840123"), &admin).await.expect(403, "");
    service.audit().await;
    let events = service.events("verification.exported").await;
    let last = &events.last().unwrap()["changes"];
    assert_eq!(last[0], json!({ "field": "country", "to": "se" }), "{last}");
});

on_both_engines!(a_page_that_asks_by_itself_keeps_no_session_alive, |service| {
    let (left, at_work) =
        (service.admin("otto", &[Role::Admin]).await, service.admin("anna", &[Role::Admin]).await);
    for _ in 0..4 {
        service.advance(4 * 60);
        let polled = service.browse(Method::GET, "/admin/now", &left).header("HX-Request", "true");
        polled.send().await.unwrap();
        service.page("/admin/now", &at_work).await.expect(200, "");
    }
    let over = service.page("/admin/now", &left).await;
    assert!(over.header("location").starts_with("/admin/sign-in"), "{over:?}");
});
