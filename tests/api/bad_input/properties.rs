use crate::harness::{Engine, Form, Question, TestService};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;
use tuttu::model::handle::Handle;

const ANNA: &str = "+358401234561";

fn handles() -> impl Strategy<Value = Vec<Handle>> {
    // Few different bytes, so that order, duplicates and two lists go wrong as often as right.
    prop::collection::vec((0..12_u8).prop_map(|byte| Handle::from_bytes([byte; 16])), 0..5)
}

fn question() -> impl Strategy<Value = Question> {
    let token = prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 0..40)];
    (0..3_u32, handles(), handles(), handles(), token, any::<bool>()).prop_map(
        |(epoch, mut known, mut new, mut discard, token, sorted)| {
            for list in [&mut known, &mut new, &mut discard].into_iter().filter(|_| sorted) {
                list.sort_unstable();
                list.dedup();
            }
            Question { epoch, known, new, discard, token }
        },
    )
}

/// Random bytes; and questions with some bytes changed, cut off or added.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let altered = (question(), changes, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(question, changes, length, cut)| {
            let mut bytes = question.binary();
            for (place, byte) in changes {
                *place.get_mut(&mut bytes) = byte;
            }
            bytes.truncate(if cut { length.index(bytes.len()) } else { bytes.len() });
            bytes
        },
    );
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..200), 4 => altered]
}

/// Runs a property against a server that lets everybody ask as often as they like.
fn holds<S: Strategy>(strategy: &S, property: &impl AsyncFn(&TestService, &str, S::Value)) {
    let runtime = Runtime::new().unwrap();
    let (service, anna) = runtime.block_on(async {
        let service = TestService::start_with(Engine::Sqlite, |config| {
            config.discovery.requests_per_hour = u32::MAX;
            config.discovery.handles_per_hour = u32::MAX;
        });
        let service = service.await;
        let anna = service.register(ANNA).await;
        (service, anna)
    });
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(strategy, |value| {
        runtime.block_on(property(&service, &anna.token, value));
        Ok(())
    });
    runtime.block_on(async {
        service.get("/v1/account", &anna.token).await.expect(200, "");
        service.end().await;
    });
    result.unwrap();
}

#[test]
fn no_bytes_bring_a_lookup_down() {
    holds(&bytes(), &async |service, token, bytes| {
        let reply = service.pose_bytes(token, bytes).await;
        assert!([200, 400, 409].contains(&reply.status), "{reply:?}");
    });
}

#[test]
fn every_form_of_a_question_is_judged_alike() {
    holds(&question(), &async |service, token, question| {
        let mut verdicts = Vec::new();
        for form in [Form::Packed, Form::Binary] {
            let reply = service.pose(token, &question, form).await;
            verdicts.push((reply.status, (reply.status == 200).then(|| question.answer(&reply).token)));
        }
        assert_eq!(verdicts[0], verdicts[1]);
    });
}
