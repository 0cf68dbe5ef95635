//! The audit log: every effect writes one event in its transaction, and what is pending gets its place in the log.

use crate::engine::{Engine, SERVING};
use crate::store::fixtures::{Database, approved, at, contract, index, keys, registered, started};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::time::Duration;
use tuttu::model::audit::{
    Action, Checkpoint, Entry, Frontier, LogKey, LogSigner, Note, Pen, SubjectKey, leaf_hash,
};
use tuttu::store::{Appended, Head, KeptSubject, LogFilter, LogPage, LogRow, Origin, PendingEvent, Store};

const ANNA: &str = "+358401234561";
const BO: &str = "+358401234562";

fn signer() -> LogSigner {
    LogSigner::new("log.test/audit", &keys().audit().in_use()).unwrap()
}

/// Appends whatever is pending, as the sequencer does.
fn append(head: Option<Head>, pending: Vec<PendingEvent>) -> Appended {
    let mut edge = head.map_or_else(Frontier::default, |head| head.edge);
    let (mut rows, mut refused, mut tiles) = (Vec::new(), Vec::new(), Vec::new());
    for event in pending {
        if event.logged || !Pen::new(&keys(), "").wrote(&event.id, &event.entry, &event.mac) {
            refused.push(event);
            continue;
        }
        let (entry, leaf, idx) =
            (Entry::parse(&event.entry).unwrap(), leaf_hash(event.entry.as_bytes()), edge.size());
        tiles.extend(edge.push(leaf));
        rows.push(LogRow {
            idx,
            at: entry.time.as_millisecond(),
            leaf,
            area: entry.action.split('.').next().unwrap().to_owned(),
            outcome: entry.outcome.as_str(),
            actor: entry.actor.kind.clone(),
            subject: entry.parties().unwrap().subject.map(|subject| subject.0.to_vec()),
            country: entry.context.country.clone(),
            action: entry.action,
            event,
        });
    }
    let note = signer().sign(edge.size(), edge.root()).unwrap();
    Appended { rows, refused, tiles, head: Head { note, edge, signed_at: at(9) } }
}

async fn sequence(store: &Store) -> usize {
    store.append_to_audit_log(10_000, |head, pending| Ok(append(head, pending))).await.unwrap().unwrap()
}

async fn actions(store: &Store) -> Vec<String> {
    let entries = store.audit_entries((0, u64::MAX), 1_000).await.unwrap();
    entries.iter().map(|logged| Entry::parse(&logged.entry).unwrap().action).collect()
}

/// That many refusals.
async fn refusals(store: &Store, number: usize, now: Timestamp) {
    for _ in 0..number {
        let note = Note::new(Action::VerificationRefused).of_number(&index(ANNA)).refused("kill_switch");
        store.write_event(note.country(Some("FI")), now).await.unwrap();
    }
}

contract!(an_effect_and_its_event_are_written_together, |store| {
    let v = started(store, ANNA, at(0)).await;
    assert_eq!(sequence(store).await, 1);
    let logged = store.audit_entries((0, 1), 10).await.unwrap().remove(0);
    let entry = Entry::parse(&logged.entry).unwrap();
    assert_eq!((entry.action.as_str(), entry.time), ("verification.started", at(0)));
    assert_eq!((logged.idx, logged.leaf), (0, leaf_hash(logged.entry.as_bytes())));
    for hidden in [ANNA, &v.id.to_string(), "358"] {
        assert!(!logged.entry.contains(hidden), "{hidden}");
    }
    let kept = store.audit_subject(index(ANNA).as_bytes()).await.unwrap().unwrap();
    let key = SubjectKey::unwrap(keys().number(), &kept.owner, &kept.key_sealed).unwrap();
    let private = entry.private(&key).unwrap();
    assert_eq!(private.number.as_deref(), Some(ANNA));
    assert_eq!(private.verification_id, Some(v.id));
    let event = entry.parties().unwrap().event;
    assert_eq!(store.audit_entry(&event).await.unwrap(), Some(logged));
});

contract!(a_person_has_one_subject_until_its_key_is_destroyed, |store| {
    started(store, ANNA, at(0)).await;
    approved(store, BO, at(1)).await;
    let owner = index(ANNA);
    let first = store.audit_subject(owner.as_bytes()).await.unwrap().unwrap();
    refusals(store, 1, at(2)).await;
    assert_eq!(store.audit_subject(owner.as_bytes()).await.unwrap(), Some(first.clone()));
    assert_eq!(store.audit_subjects(&[first.subject]).await.unwrap(), std::slice::from_ref(&first));
    assert!(store.destroy_audit_subject(owner.as_bytes()).await.unwrap());
    assert!(!store.destroy_audit_subject(owner.as_bytes()).await.unwrap());
    assert_eq!(store.audit_subjects(&[first.subject]).await.unwrap(), [] as [KeptSubject; 0]);
    refusals(store, 1, at(3)).await;
    let second = store.audit_subject(owner.as_bytes()).await.unwrap().unwrap();
    assert_ne!(second.subject, first.subject);
});

contract!(only_numbers_without_an_account_are_forgotten, |store| {
    registered(store, ANNA, 1, at(0)).await;
    started(store, BO, at(1)).await;
    assert_eq!(store.forget_audit_subjects(at(1), 10).await.unwrap(), 0, "spoken of at that time");
    assert_eq!(store.forget_audit_subjects(at(2), 10).await.unwrap(), 1);
    assert!(store.audit_subject(index(ANNA).as_bytes()).await.unwrap().is_some());
    assert!(store.audit_subject(index(BO).as_bytes()).await.unwrap().is_none());
});

contract!(the_log_grows_by_batches_each_with_a_signed_head, |store| {
    assert!(store.audit_head().await.unwrap().is_none());
    refusals(store, 300, at(0)).await;
    assert_eq!(store.audit_waiting().await.unwrap(), (300, Some(at(0))));
    assert_eq!(sequence(store).await, 300);
    refusals(store, 5, at(1)).await;
    assert_eq!((sequence(store).await, sequence(store).await), (5, 0));
    assert_eq!(store.audit_waiting().await.unwrap(), (0, None));
    let head = store.audit_head().await.unwrap().unwrap();
    let keys = [LogKey::parse(&signer().public()).unwrap()];
    let checkpoint = Checkpoint::open(&head.note, &keys).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root), (305, head.edge.root()));
    let sizes: Vec<u64> =
        store.audit_checkpoints(0, 10).await.unwrap().into_iter().map(|(size, _)| size).collect();
    assert_eq!(sizes, [300, 305]);
    let mut tree = Frontier::default();
    let leaves = store.audit_leaves(0, 305).await.unwrap();
    let full: Vec<_> = leaves.into_iter().flat_map(|leaf| tree.push(leaf)).collect();
    assert_eq!(tree, head.edge);
    assert_eq!(store.audit_tile_roots(0, 0, 9).await.unwrap(), [full[0].root]);
});

contract!(what_no_node_has_written_is_refused, |store| {
    refusals(store, 1, at(0)).await;
    let forged = |_, mut pending: Vec<PendingEvent>| {
        pending[0].entry = pending[0].entry.replace("kill_switch", "resend_wait");
        Ok(append(None, pending))
    };
    assert_eq!(store.append_to_audit_log(10, forged).await.unwrap(), Some(1));
    assert!(store.audit_head().await.unwrap().is_none());
    assert_eq!(store.audit_waiting().await.unwrap(), (0, None));
});

/// A plan that reads the log whole costs more with every entry, at every batch.
#[tokio::test]
async fn a_batch_asks_a_long_log_by_its_index_on_postgres() {
    const FULL: &str = "INSERT INTO audit_log (idx, event_id, leaf, entry, at, area, action, outcome, actor)
        SELECT n, uuid_send(gen_random_uuid()), '', '{}', 0, '', '', '', '' FROM generate_series(1, 20000) AS n;
        INSERT INTO audit_pending (event_id, at, entry, mac)
        SELECT uuid_send(gen_random_uuid()), 0, '{}', '' FROM generate_series(1, 20000) AS n;
        ANALYZE audit_log, audit_pending";
    let database = Database::fresh(Engine::Postgres).await;
    let mut owner = PgConnection::connect(&database.url.replacen(SERVING, "postgres", 1)).await.unwrap();
    owner.execute(AssertSqlSafe(FULL)).await.unwrap();
    let taken = database.store.append_to_audit_log(1_000, |head, pending| Ok(append(head, pending))).await;
    assert_eq!(taken.unwrap(), Some(1_000));
    // A connection that ends tells all that it read.
    database.store.close().await;
    let read = "SELECT seq_tup_read, idx_scan FROM pg_stat_user_tables WHERE relname = 'audit_log'";
    let told = async {
        loop {
            let (walked, asked): (i64, i64) = sqlx::query_as(read).fetch_one(&mut owner).await.unwrap();
            if walked > 0 || asked >= 1_000 {
                break walked;
            }
        }
    };
    let walked = tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
    assert_eq!(walked, 0, "rows of the log that were walked through");
    database.end().await;
}

contract!(entries_are_found_by_every_filter_in_both_orders, |store| {
    started(store, ANNA, at(0)).await;
    registered(store, BO, 2, at(10)).await;
    Origin::operator().bound(refusals(store, 2, at(30))).await;
    sequence(store).await;
    let all = actions(store).await;
    let find = async |filter: &LogFilter, page| -> Vec<u64> {
        store.find_audit_entries(filter, page, 100).await.unwrap().iter().map(|entry| entry.idx).collect()
    };
    let none = LogFilter::default();
    assert_eq!(find(&none, LogPage::From(0)).await, (0..all.len() as u64).collect::<Vec<_>>());
    assert_eq!(find(&none, LogPage::Before(Some(2))).await, [1, 0]);
    let subject = store.audit_subject(index(BO).as_bytes()).await.unwrap().unwrap().subject.0.to_vec();
    let text = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (LogFilter { area: text("account"), ..none.clone() }, 1),
        (LogFilter { action: text("verification.refused"), ..none.clone() }, 2),
        (LogFilter { outcome: text("refused"), ..none.clone() }, 2),
        (LogFilter { actor: text("operator"), ..none.clone() }, 2),
        (LogFilter { subject: Some(subject), ..none.clone() }, all.len() - 3),
        (LogFilter { country: text("SE"), ..none.clone() }, 0),
        (LogFilter { from: Some(at(10)), until: Some(at(30)), ..none.clone() }, all.len() - 3),
        (LogFilter { from: Some(at(31)), ..none.clone() }, 0),
    ] {
        let found = find(&filter, LogPage::Before(None)).await;
        assert_eq!(found.len(), expected, "{filter:?} {all:?}");
        assert!(found.is_sorted_by(|a, b| a > b));
    }
    let columns = store.audit_search_columns(1, 1).await.unwrap().remove(0);
    assert_eq!(
        (columns.idx, columns.area.as_str(), columns.at),
        (1, "verification", at(10).as_millisecond())
    );
});

contract!(an_anchor_goes_forward_and_says_when_it_failed, |store| {
    assert_eq!(store.audit_anchor("file").await.unwrap(), None);
    store.anchor_audit("file", None, at(0)).await.unwrap();
    assert_eq!(store.audit_anchor("file").await.unwrap().unwrap().failed_at, Some(at(0)));
    store.anchor_audit("file", Some(7), at(1)).await.unwrap();
    store.anchor_audit("file", Some(5), at(2)).await.unwrap();
    let anchored = store.audit_anchor("file").await.unwrap().unwrap();
    assert_eq!((anchored.size, anchored.sent_at, anchored.failed_at), (7, at(1), None));
    assert!(anchored.sent_at + Duration::from_secs(1) == at(2));
});
