//! What a lookup costs: sync tokens, the budget of a number, the hour of an account.

use crate::harness::{Answer, Form, Question, TestService, on_both_engines};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tuttu::model::handle::Handle;

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";
const LOOKUP: &str = "/v1/discovery/lookup";

/// Handles by their first byte, in the order given.
fn handles(firsts: &[u8]) -> Vec<Handle> {
    firsts.iter().map(|first| Handle::from_bytes([*first; 16])).collect()
}

/// A question for handles by their first bytes.
fn question(known: &[u8], new: &[u8], discard: &[u8], receipt: &Answer) -> Question {
    Question {
        epoch: 1,
        known: handles(known),
        new: handles(new),
        discard: handles(discard),
        token: receipt.token.clone(),
    }
}

fn no_receipt() -> Answer {
    Answer { cost: 0, token: Vec::new(), matches: Vec::new() }
}

/// Asks for the very first time.
async fn first(service: &TestService, token: &str, new: &[u8]) -> Answer {
    service.answer(token, &question(&[], new, &[], &no_receipt())).await
}

on_both_engines!(known_handles_are_free_new_ones_cost_and_discarded_ones_are_dropped, |service| {
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    let friend = service.question(&anna.token, &[BO]).await.new[0];
    let first = first(service, &anna.token, &[1, 2, 3]).await;
    assert_eq!((first.cost, first.token.len()), (3, 33));
    let mut changed = question(&[1, 3], &[4], &[2], &first);
    changed.new.push(friend);
    changed.new.sort_unstable();
    for form in Form::ALL {
        let reply = service.pose(&anna.token, &changed, form).await.expect(200, "");
        let answer = changed.answer(&reply);
        assert_eq!(answer.cost, if form == Form::Json { 2 } else { 0 }, "the others are retries");
        assert_eq!(answer.matches, [(friend, bo.account_id.clone())]);
        let kept = service.answer(&anna.token, &changed.again(&answer)).await;
        assert_eq!((kept.cost, &kept.token), (0, &answer.token));
    }
});

on_both_engines!(a_discarded_handle_is_not_looked_up, |service| {
    let (anna, _) = (service.register(ANNA).await, service.register(BO).await);
    let book = service.question(&anna.token, &[BO]).await;
    let paid = service.answer(&anna.token, &book).await;
    assert_eq!(paid.matches.len(), 1);
    let rid = Question { discard: book.new.clone(), new: Vec::new(), token: paid.token, ..book };
    assert!(service.answer(&anna.token, &rid).await.matches.is_empty());
});

on_both_engines!(a_token_that_does_not_fit_is_refused_and_nothing_is_charged, |service| {
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    let mine = first(service, &anna.token, &[1, 2]).await;
    let theirs = first(service, &bo.token, &[1, 2]).await;
    let altered = |at: usize| {
        let mut answer = mine.clone();
        answer.token[at] ^= 1;
        answer
    };
    let shortened = |length| Answer { token: mine.token[..length].to_vec(), ..mine.clone() };
    for wrong in [
        question(&[1, 2], &[9], &[], &theirs),
        question(&[1, 2], &[9], &[], &no_receipt()),
        question(&[], &[9], &[1, 2], &no_receipt()),
        question(&[1], &[9], &[], &mine),
        question(&[], &[9], &[2], &mine),
        question(&[1, 2, 3], &[9], &[], &mine),
        question(&[1], &[9], &[2, 3], &mine),
        question(&[], &[9], &[], &mine),
        question(&[1, 2], &[9], &[], &altered(0)),
        question(&[1, 2], &[9], &[], &altered(1)),
        question(&[1, 2], &[9], &[], &altered(32)),
        question(&[1, 2], &[9], &[], &shortened(32)),
        question(&[1, 2], &[9], &[], &shortened(1)),
        question(&[1, 2], &[9], &[], &Answer { token: vec![0; 1_000], ..mine.clone() }),
    ] {
        for form in Form::ALL {
            service.pose(&anna.token, &wrong, form).await.expect(409, "sync_token_invalid");
        }
    }
    for token in ["", "§", "nonsense", &format!("{}=", URL_SAFE_NO_PAD.encode(&mine.token))] {
        let mut body = question(&[1, 2], &[9], &[], &mine).json();
        body["sync_token"] = json!(token);
        service.post(LOOKUP, &anna.token, &body).await.expect(409, "sync_token_invalid");
    }
    let charged = service.answer(&anna.token, &question(&[1, 2], &[9], &[], &mine)).await;
    assert_eq!(charged.cost, 1, "the refusals paid for nothing");
});

on_both_engines!(a_retry_costs_nothing_and_is_answered_afresh, |service| {
    let anna = service.register(ANNA).await;
    let book = service.question(&anna.token, &[BO]).await;
    let lost = service.answer(&anna.token, &book).await;
    assert_eq!((lost.cost, lost.matches.len()), (1, 0));
    let bo = service.register(BO).await;
    service.advance(86_399);
    let retried = service.answer(&anna.token, &book).await;
    assert_eq!((retried.cost, &retried.token), (0, &lost.token));
    assert_eq!(retried.matches, [(book.new[0], bo.account_id)]);
    service.advance(1);
    assert_eq!(service.answer(&anna.token, &book).await.cost, 1, "a receipt is kept for a day");
});

on_both_engines!(an_unchanged_book_is_free_for_ever, |service| {
    let anna = service.register(ANNA).await;
    let mut receipt = first(service, &anna.token, &[1, 2, 3]).await;
    for _ in 0..3 {
        service.advance(30 * 86_400);
        receipt = service.answer(&anna.token, &question(&[1, 2, 3], &[], &[], &receipt)).await;
        assert_eq!(receipt.cost, 0);
    }
});

on_both_engines!(
    a_spent_budget_says_to_the_second_when_to_come_back,
    |config| {
        config.discovery.lookup_budget = 10;
        config.discovery.budget_per_hour = 7;
    },
    |service| {
        let anna = service.register(ANNA).await;
        first(service, &anna.token, &[1, 2, 3, 4, 5, 6, 7, 8]).await;
        let more = question(&[], &[11, 12, 13], &[], &no_receipt());
        for form in Form::ALL {
            let refused = service.pose(&anna.token, &more, form).await.expect(429, "lookup_budget_spent");
            assert_eq!(refused.text("/limit"), "lookup_budget");
            // One unit too few: a seventh of an hour, rounded up.
            assert_eq!(refused.retry_after(), 515);
            assert!(refused.json.get("matches").is_none());
        }
        service.advance(514);
        let refused = service.pose(&anna.token, &more, Form::Json).await.expect(429, "lookup_budget_spent");
        assert_eq!(refused.retry_after(), 1);
        service.advance(1);
        assert_eq!(service.answer(&anna.token, &more).await.cost, 3, "the refusals charged nothing");
        service
            .pose(&anna.token, &question(&[], &[14], &[], &no_receipt()), Form::Json)
            .await
            .expect(429, "lookup_budget_spent");
    }
);

on_both_engines!(
    what_still_fits_the_budget_is_answered_after_a_refusal,
    |config| { config.discovery.lookup_budget = 4 },
    |service| {
        let anna = service.register(ANNA).await;
        let paid = first(service, &anna.token, &[1, 2]).await;
        let too_much = question(&[1, 2], &[3, 4, 5], &[], &paid);
        service.pose(&anna.token, &too_much, Form::Json).await.expect(429, "lookup_budget_spent");
        let unchanged = service.answer(&anna.token, &question(&[1, 2], &[], &[], &paid)).await;
        assert_eq!(unchanged.cost, 0);
        assert_eq!(service.answer(&anna.token, &question(&[1, 2], &[3, 4], &[], &paid)).await.cost, 2);
    }
);

on_both_engines!(
    the_devices_of_an_account_share_its_budget_and_accounts_do_not,
    |config| { config.discovery.lookup_budget = 4 },
    |service| {
        let (phone, tablet) = (service.register(ANNA).await, service.register(ANNA).await);
        let bo = service.register(BO).await;
        first(service, &phone.token, &[1, 2, 3]).await;
        let two = question(&[], &[11, 12], &[], &no_receipt());
        service.pose(&tablet.token, &two, Form::Json).await.expect(429, "lookup_budget_spent");
        assert_eq!(service.answer(&bo.token, &two).await.cost, 2);
        let receipt = first(service, &tablet.token, &[11]).await;
        let shared = service.answer(&phone.token, &question(&[11], &[], &[], &receipt)).await;
        assert_eq!(shared.cost, 0, "a receipt is the account's");
    }
);

on_both_engines!(
    of_many_lookups_at_once_only_so_many_fit_the_budget,
    |config| { config.discovery.lookup_budget = 10 },
    |service| {
        let anna = service.register(ANNA).await;
        let books: Vec<Question> =
            (0..16).map(|i| question(&[], &[2 * i + 1, 2 * i + 2], &[], &no_receipt())).collect();
        let asked = books.iter().map(|book| service.pose(&anna.token, book, Form::Binary));
        let replies = futures_util::future::join_all(asked).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 5);
        assert_eq!(replies.iter().filter(|reply| reply.json["code"] == "lookup_budget_spent").count(), 11);
    }
);

on_both_engines!(an_account_asks_forty_times_an_hour, |service| {
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    service.advance(1_000);
    let paid = first(service, &anna.token, &[1]).await;
    let same = question(&[1], &[], &[], &paid);
    for _ in 0..39 {
        service.answer(&anna.token, &same).await;
    }
    let refused = service.pose(&anna.token, &same, Form::Binary).await.expect(429, "lookup_rate");
    assert_eq!(refused.text("/limit"), "lookups_per_hour");
    assert_eq!(refused.retry_after(), 2_600);
    first(service, &bo.token, &[1]).await;
    service.advance(2_599);
    service.pose(&anna.token, &same, Form::Json).await.expect(429, "lookup_rate");
    service.advance(1);
    service.answer(&anna.token, &same).await;
});

on_both_engines!(
    an_account_asks_for_so_many_handles_an_hour,
    |config| { config.discovery.handles_per_hour = 5 },
    |service| {
        let anna = service.register(ANNA).await;
        let paid = first(service, &anna.token, &[1, 2, 3]).await;
        let refused = service.pose(&anna.token, &question(&[1, 2, 3], &[], &[], &paid), Form::Json).await;
        let refused = refused.expect(429, "lookup_rate");
        assert_eq!(refused.text("/limit"), "lookup_handles_per_hour");
        assert_eq!(refused.retry_after(), 3_600);
        // No hour has room for so many.
        let too_many = question(&[], &[1, 2, 3, 4, 5, 6], &[], &no_receipt());
        let refused = service.pose(&anna.token, &too_many, Form::Json).await.expect(400, "too_many_handles");
        assert_eq!(refused.json["limit"], 5);
        service.answer(&anna.token, &question(&[1, 2], &[], &[3], &paid)).await;
        service.advance(3_600);
        service.answer(&anna.token, &question(&[1, 2, 3], &[], &[], &paid)).await;
    }
);

on_both_engines!(
    only_answered_lookups_count_towards_the_hour,
    |config| {
        config.discovery.lookup_budget = 3;
        config.discovery.requests_per_hour = 4;
        config.discovery.handles_per_hour = 12;
    },
    |service| {
        let anna = service.register(ANNA).await;
        let paid = first(service, &anna.token, &[1, 2, 3]).await;
        let new = question(&[1, 2, 3], &[4, 5], &[], &paid);
        for _ in 0..10 {
            service.pose(&anna.token, &new, Form::Json).await.expect(429, "lookup_budget_spent");
            service
                .pose(&anna.token, &question(&[9], &[], &[], &paid), Form::Json)
                .await
                .expect(409, "sync_token_invalid");
        }
        for _ in 0..3 {
            service.answer(&anna.token, &question(&[1, 2, 3], &[], &[], &paid)).await;
        }
    }
);

on_both_engines!(
    a_lookup_that_a_full_budget_could_not_pay_is_refused_without_a_time,
    |config| { config.discovery.lookup_budget = 4 },
    |service| {
        let anna = service.register(ANNA).await;
        let too_much = question(&[], &[1, 2, 3, 4, 5], &[], &no_receipt());
        for form in Form::ALL {
            let refused = service.pose(&anna.token, &too_much, form).await.expect(400, "too_many_handles");
            assert_eq!(refused.json["limit"], 4);
            assert_eq!(refused.header("retry-after"), "");
        }
        assert_eq!(first(service, &anna.token, &[1, 2, 3, 4]).await.cost, 4);
    }
);
