use super::{MARKER, silent_about};
use crate::harness::{Answer, Form, Person, Question, TestService, on_both_engines};
use serde_json::{Value, json};
use tuttu::model::handle::Handle;

const ANNA: &str = "+358401234561";
const LOOKUP: &str = "/v1/discovery/lookup";

fn handles(firsts: &[u8]) -> Vec<Handle> {
    firsts.iter().map(|first| Handle::from_bytes([*first; 16])).collect()
}

fn new(firsts: &[u8]) -> Question {
    Question::new(1, handles(firsts))
}

/// Somebody with a receipt for the handles 1 and 2.
async fn synced(service: &TestService) -> (Person, Answer) {
    let anna = service.register(ANNA).await;
    let receipt = service.answer(&anna.token, &new(&[1, 2])).await;
    (anna, receipt)
}

async fn refuse_bytes(service: &TestService, anna: &Person, body: Vec<u8>) {
    service.pose_bytes(&anna.token, body).await.expect(400, "body_invalid");
}

async fn refuse_json(service: &TestService, anna: &Person, body: Value, field: &str) {
    let refused = service.post(LOOKUP, &anna.token, &body).await.expect(400, "field_invalid");
    assert_eq!(refused.text("/field"), field, "{body}");
    silent_about(&refused, MARKER);
}

on_both_engines!(
    a_binary_question_cut_short_anywhere_is_refused_and_costs_nothing,
    |config| { config.discovery.lookup_budget = 4 },
    |service| {
        let (anna, receipt) = synced(service).await;
        let (known, discard, token) = (handles(&[1]), handles(&[2]), receipt.token);
        let whole = Question { epoch: 1, known, new: handles(&[3, 4]), discard, token };
        let bytes = whole.binary();
        assert_eq!(bytes.len(), 22 + 33 + 4 * 16);
        for length in 0..bytes.len() {
            refuse_bytes(service, &anna, bytes[..length].to_vec()).await;
        }
        for extra in [1, 16] {
            refuse_bytes(service, &anna, [bytes.as_slice(), &vec![0; extra]].concat()).await;
        }
        let reply = service.pose(&anna.token, &whole, Form::Binary).await.expect(200, "");
        assert_eq!(whole.answer(&reply).cost, 2, "the budget is untouched");
    }
);

on_both_engines!(a_binary_head_of_another_version_is_refused, |service| {
    let (anna, _) = synced(service).await;
    for (place, value) in [(0, 0), (0, 2), (0, 255), (1, 1), (1, 128), (2, 1), (3, 1)] {
        let mut bytes = new(&[3]).binary();
        bytes[place] = value;
        refuse_bytes(service, &anna, bytes).await;
    }
    for place in [8, 12, 16] {
        let mut bytes = new(&[]).binary();
        bytes[place..place + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        service.pose_bytes(&anna.token, bytes).await.expect(400, "too_many_handles");
    }
});

on_both_engines!(handles_out_of_order_are_refused_where_order_is_asked_for, |service| {
    let (anna, receipt) = synced(service).await;
    for wrong in [[4, 3], [3, 3]] {
        for list in 0..3 {
            let mut question = Question { token: receipt.token.clone(), ..new(&[]) };
            *[&mut question.known, &mut question.new, &mut question.discard][list] = handles(&wrong);
            refuse_bytes(service, &anna, question.binary()).await;
            let field = ["known_packed", "handles_packed", "discard_packed"][list];
            refuse_json(service, &anna, question.packed(), field).await;
        }
    }
});

on_both_engines!(a_handle_in_two_lists_is_refused_in_every_form, |service| {
    let (anna, receipt) = synced(service).await;
    for (known, new, discard) in [(&[1, 2][..], &[2][..], &[][..]), (&[1, 2], &[], &[2]), (&[1], &[2], &[2])]
    {
        let (known, new, discard) = (handles(known), handles(new), handles(discard));
        let question = Question { epoch: 1, known, new, discard, token: receipt.token.clone() };
        for form in Form::ALL {
            service.pose(&anna.token, &question, form).await.expect(400, "body_invalid");
        }
    }
});

on_both_engines!(
    an_unknown_epoch_is_answered_with_the_live_ones,
    |config| { config.discovery.lookup_budget = 2 },
    |service| {
        let anna = service.register(ANNA).await;
        let live = service.get("/v1/discovery/epochs", &anna.token).await.expect(200, "");
        for epoch in [0, 2, u32::MAX] {
            let question = Question { epoch, ..new(&[1, 2]) };
            for form in Form::ALL {
                let refused = service.pose(&anna.token, &question, form).await.expect(409, "epoch_unknown");
                assert_eq!(refused.json["epochs"], live.json["epochs"]);
            }
        }
        assert_eq!(service.answer(&anna.token, &new(&[1, 2])).await.cost, 2);
    }
);

on_both_engines!(a_handle_that_is_none_is_named_by_its_place, |service| {
    let anna = service.register(ANNA).await;
    let good = handles(&[1])[0].to_base64url();
    for bad in [
        MARKER,
        "",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAA+",
        "AAAAAAAAAAAAAAAAAAAAAB",
    ] {
        for field in ["handles", "known", "discard"] {
            let body = json!({"epoch": 1, field: [good, bad]});
            refuse_json(service, &anna, body, &format!("{field}[1]")).await;
        }
    }
});

on_both_engines!(a_packed_list_that_is_none_is_named, |service| {
    let anna = service.register(ANNA).await;
    for field in ["handles", "known", "discard"] {
        let packed = format!("{field}_packed");
        for bad in [MARKER, "A", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAB"] {
            refuse_json(service, &anna, json!({"epoch": 1, &packed: bad}), &packed).await;
        }
        let both = json!({"epoch": 1, field: ["AAAAAAAAAAAAAAAAAAAAAA"], &packed: "AAAAAAAAAAAAAAAAAAAAAA"});
        refuse_json(service, &anna, both, &packed).await;
    }
});
