//! The address book question in its three forms, and who is believed to be there.

use crate::harness::{Engine, Form, Question, TestService, on_both_engines};
use serde_json::json;
use tuttu::config::DirectoryMode;
use tuttu::model::handle::Handle;
use uuid::Uuid;

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";
const CARL: &str = "+358401234563";
const NOBODY: &str = "+358401234569";
const LOOKUP: &str = "/v1/discovery/lookup";

/// Handles that nobody has, ascending.
fn strangers(count: usize) -> Vec<Handle> {
    let mut handles: Vec<Handle> =
        (0..count).map(|_| Handle::from_bytes(Uuid::new_v4().into_bytes())).collect();
    handles.sort_unstable();
    handles
}

on_both_engines!(a_handle_is_the_first_half_of_the_keyed_hash_of_the_number, |service| {
    let anna = service.register(ANNA).await;
    let (_, pepper) = service.epoch(&anna.token).await;
    let hash = blake3::keyed_hash(pepper.as_bytes(), ANNA.as_bytes());
    let question = service.question(&anna.token, &[ANNA]).await;
    assert_eq!(question.new[0].as_bytes().as_slice(), &hash.as_bytes()[..16]);
    let epochs = service.get("/v1/discovery/epochs", &anna.token).await.expect(200, "");
    assert_eq!(epochs.text("/epochs/0/algorithm"), "blake3-keyed-128");
    assert_eq!(epochs.text("/epochs/0/params/pepper").len(), 43);
    assert_eq!(epochs.text("/epochs/0/valid_from"), "2026-11-21T12:00:00Z");
});

on_both_engines!(every_form_of_a_question_finds_the_same_accounts_in_ascending_order, |service| {
    let mut people = Vec::new();
    for number in [ANNA, BO, CARL] {
        people.push(service.register(number).await);
    }
    let anna = &people[0];
    let mut numbers: Vec<&str> = people.iter().map(|person| person.number.as_str()).collect();
    numbers.push(NOBODY);
    let mut question = service.question(&anna.token, &numbers).await;
    question.new.extend(strangers(13));
    question.new.sort_unstable();
    let answers = [
        question.answer(&service.pose(&anna.token, &question, Form::Json).await.expect(200, "")),
        question.answer(&service.pose(&anna.token, &question, Form::Packed).await.expect(200, "")),
        question.answer(&service.pose(&anna.token, &question, Form::Binary).await.expect(200, "")),
    ];
    assert!(answers[0].matches.is_sorted());
    assert_eq!(answers.iter().map(|answer| answer.cost).collect::<Vec<_>>(), [17, 0, 0]);
    for answer in &answers[1..] {
        assert_eq!((&answer.matches, &answer.token), (&answers[0].matches, &answers[0].token));
    }
    let mut found: Vec<&str> = answers[0].matches.iter().map(|(_, account)| account.as_str()).collect();
    let mut registered: Vec<&str> = people.iter().map(|person| person.account_id.as_str()).collect();
    found.sort_unstable();
    registered.sort_unstable();
    assert_eq!(found, registered);
});

on_both_engines!(in_json_handles_come_in_any_order_and_duplicates_count_once, |service| {
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    let mut question = service.question(&anna.token, &[BO, CARL, NOBODY]).await;
    question.new.reverse();
    question.new.extend(question.new.clone());
    let answer = service.answer(&anna.token, &question).await;
    assert_eq!(answer.cost, 3);
    assert_eq!(answer.matches.iter().map(|(_, account)| account).collect::<Vec<_>>(), [&bo.account_id]);
});

on_both_engines!(an_empty_book_is_answered_in_every_form, |service| {
    let anna = service.register(ANNA).await;
    let (epoch, _) = service.epoch(&anna.token).await;
    let question = Question::new(epoch, Vec::new());
    let bare =
        service.post(LOOKUP, &anna.token, &json!({"epoch": epoch, "handles": []})).await.expect(200, "");
    let token = question.answer(&bare).token;
    for form in Form::ALL {
        let reply = service.pose(&anna.token, &question, form).await.expect(200, "");
        let answer = question.answer(&reply);
        assert_eq!((answer.cost, answer.matches.len(), &answer.token), (0, 0, &token));
    }
});

on_both_engines!(a_handle_that_is_listed_twice_counts_once, |service| {
    let anna = service.register(ANNA).await;
    let mut listed: Vec<String> = strangers(20_000).iter().map(Handle::to_base64url).collect();
    listed.extend_from_within(..100);
    let body = json!({"epoch": 1, "handles": listed});
    let reply = service.post("/v1/discovery/lookup", &anna.token, &body).await.expect(200, "");
    assert_eq!(reply.json["budget"]["cost"], 20_000);
});

on_both_engines!(a_list_that_is_null_is_one_that_is_left_out, |service| {
    let anna = service.register(ANNA).await;
    let handle = strangers(1)[0].to_base64url();
    let nulls = json!({"known": null, "known_packed": null, "discard": null, "discard_packed": null, "sync_token": null});
    for field in ["handles", "handles_packed"] {
        let mut body = nulls.clone();
        body["epoch"] = json!(1);
        body[field] = if field == "handles" { json!([handle]) } else { json!(handle) };
        service.post("/v1/discovery/lookup", &anna.token, &body).await.expect(200, "");
    }
});

on_both_engines!(twenty_thousand_handles_are_answered_and_one_more_is_refused_in_every_form, |service| {
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    let mut question = service.question(&anna.token, &[BO]).await;
    let contact = question.new[0];
    question.new.extend(strangers(20_000));
    question.new.sort_unstable();
    for form in Form::ALL {
        let refused = service.pose(&anna.token, &question, form).await.expect(400, "too_many_handles");
        assert_eq!(refused.json["limit"], 20_000);
    }
    let mut spread = question.clone();
    spread.discard = spread.new.split_off(10_000);
    for form in Form::ALL {
        service.pose(&anna.token, &spread, form).await.expect(400, "too_many_handles");
    }
    let stranger = question.new.iter().position(|handle| *handle != contact).unwrap();
    question.new.remove(stranger);
    for (form, cost) in Form::ALL.into_iter().zip([20_000, 0, 0]) {
        let answer = question.answer(&service.pose(&anna.token, &question, form).await.expect(200, ""));
        assert_eq!(answer.cost, cost);
        assert_eq!(answer.matches.len(), 1);
        assert_eq!(answer.matches[0].1, bo.account_id);
    }
});

on_both_engines!(a_registration_is_found_at_once_by_whoever_missed_it_before, |service| {
    let anna = service.register(ANNA).await;
    let question = service.question(&anna.token, &[BO]).await;
    let before = service.answer(&anna.token, &question).await;
    assert!(before.matches.is_empty());
    let bo = service.register(BO).await;
    let after = service.answer(&anna.token, &question.again(&before)).await;
    assert_eq!(after.matches, [(question.new[0], bo.account_id)]);
});

const MOVE: &str = "UPDATE directory SET account_id = $1 WHERE account_id = $2";

on_both_engines!(a_row_altered_in_the_database_is_not_believed, |service| {
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    let account = |id: &str| Uuid::parse_str(id).unwrap().into_bytes();
    let (to, from) = (account(&anna.account_id), account(&bo.account_id));
    assert_eq!(service.alter(MOVE, &[&to, &from]).await, 1);
    // What a node has read it keeps; one that asks the database anew sees the altered row.
    service.config.directory.mode = DirectoryMode::Database;
    service.restart().await;
    assert_eq!(service.found(&anna.token, &[ANNA, BO]).await, [anna.account_id.as_str()]);
    assert!(TestService::log().contains("a directory row does not carry its tag"));
    assert!(service.ops("/metrics").await.1.contains("tuttu_directory_forged_rows_total 1"));
});

on_both_engines!(
    a_view_that_answers_otherwise_than_the_database_is_noticed,
    |config| { config.directory.mode = DirectoryMode::Complete },
    |service| {
        let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
        let account = |id: &str| Uuid::parse_str(id).unwrap().into_bytes();
        let (to, from) = (account(&anna.account_id), account(&bo.account_id));
        assert!(!service.ops("/metrics").await.1.contains("tuttu_directory_disagreements_total "));
        assert_eq!(service.alter(MOVE, &[&to, &from]).await, 1);
        service.found(&anna.token, &[ANNA, BO]).await;
        while !service.ops("/metrics").await.1.contains("tuttu_directory_disagreements_total 1") {
            tokio::task::yield_now().await;
        }
    }
);

/// Asks the same in every way of looking up, on one database, and compares every byte.
async fn modes_agree(engine: Engine) {
    let mut service =
        TestService::start_with(engine, |config| config.directory.mode = DirectoryMode::Filter).await;
    let (anna, bo) = (service.register(ANNA).await, service.register(BO).await);
    service.patch("/v1/account", &bo.token, &json!({"discoverable": false})).await.expect(200, "");
    service.register(CARL).await;
    let mut question = service.question(&anna.token, &[ANNA, BO, CARL, NOBODY]).await;
    question.new.extend(strangers(2_000));
    question.new.sort_unstable();
    let paid = service.answer(&anna.token, &question).await;
    assert_eq!(paid.matches.len(), 2);
    let mut answers = Vec::new();
    let modes = [
        DirectoryMode::Filter,
        DirectoryMode::Database,
        DirectoryMode::Complete,
        DirectoryMode::Filter,
        DirectoryMode::Complete,
        DirectoryMode::Auto,
    ];
    for mode in modes {
        service.config.directory.mode = mode;
        service.restart().await;
        for form in Form::ALL {
            let reply = service.pose(&anna.token, &question.again(&paid), form).await.expect(200, "");
            answers.push(reply.bytes);
        }
    }
    service.end().await;
    assert!(answers.chunks(3).all(|mode| mode == &answers[..3]));
}

#[tokio::test]
async fn every_mode_answers_byte_for_byte_alike_on_sqlite() {
    modes_agree(Engine::Sqlite).await;
}

#[tokio::test]
async fn every_mode_answers_byte_for_byte_alike_on_postgres() {
    modes_agree(Engine::Postgres).await;
}
