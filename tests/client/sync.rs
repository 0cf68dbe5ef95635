use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tuttu::client::sync::{AddressBook, Sync};
use tuttu::client::wire::{LookupAnswer, LookupRequest, MOST_HANDLES, Receipt};
use tuttu::model::handle::Handle;
use uuid::Uuid;

type Handles = BTreeSet<Handle>;

fn handle(number: u32) -> Handle {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Handle::from_bytes(bytes)
}

fn handles(numbers: impl IntoIterator<Item = u32>) -> Handles {
    numbers.into_iter().map(handle).collect()
}

/// What the service promises, in memory: it knows which set each receipt stands for.
#[derive(Default)]
struct Service {
    receipts: BTreeMap<Vec<u8>, (u32, Handles)>,
    last_paid: Option<(u32, Handles)>,
    spent: u64,
}

impl Service {
    fn answer(&mut self, request: &LookupRequest) -> Result<LookupAnswer, &'static str> {
        assert!(request.known.len() + request.new.len() + request.discard.len() <= MOST_HANDLES);
        assert!(request.known.is_disjoint(&request.discard) && request.new.is_disjoint(&request.discard));
        assert!(request.known.is_disjoint(&request.new));
        let shown: Handles = request.known.union(&request.discard).copied().collect();
        let stated = self.receipts.get(request.receipt.as_bytes());
        if !shown.is_empty() && stated.is_none_or(|(epoch, set)| *epoch > request.epoch || *set != shown) {
            return Err("sync_token_invalid");
        }
        let carried =
            stated.filter(|(epoch, _)| *epoch < request.epoch).map_or(0, |(_, set)| set.len().min(5_000));
        let covered: Handles = request.known.union(&request.new).copied().collect();
        let paid = (request.epoch, covered);
        let cost = if self.last_paid.as_ref() == Some(&paid) {
            0
        } else {
            request.new.len().saturating_sub(carried)
        };
        self.spent += cost as u64;
        self.last_paid = Some(paid.clone());
        let receipt = format!("{}", self.receipts.len()).into_bytes();
        self.receipts.insert(receipt.clone(), paid);
        let matches = request.known.iter().chain(&request.new).map(|handle| (*handle, Uuid::nil())).collect();
        Ok(LookupAnswer {
            cost: u32::try_from(cost).unwrap(),
            receipt: Receipt::from_bytes(receipt),
            matches,
        })
    }

    fn run(&mut self, book: AddressBook, epoch: u32, wanted: &Handles) -> Sync {
        let mut sync = Sync::begin(book, epoch, wanted);
        while let Some(request) = sync.next_request() {
            match self.answer(request) {
                Ok(answer) => sync.take_answer(answer),
                Err(_) => assert!(sync.forget_receipt()),
            }
        }
        assert!(sync.matches().keys().eq(wanted), "not all were asked for");
        sync
    }
}

#[test]
fn the_first_lookup_pays_for_every_handle() {
    let sync = Service::default().run(AddressBook::default(), 1, &handles(0..100));
    assert_eq!((sync.cost(), sync.book().sets.len()), (100, 1));
}

#[test]
fn asking_again_for_the_same_book_is_free() {
    let (mut service, wanted) = (Service::default(), handles(0..100));
    let book = service.run(AddressBook::default(), 1, &wanted).book().clone();
    assert_eq!(service.run(book, 1, &wanted).cost(), 0);
}

#[test]
fn only_what_was_added_is_paid_for_and_what_is_gone_is_discarded() {
    let mut service = Service::default();
    let book = service.run(AddressBook::default(), 1, &handles(0..100)).book().clone();
    let sync = service.run(book, 1, &handles(10..103));
    assert_eq!(sync.cost(), 3);
    assert_eq!(sync.book().sets[0].handles, handles(10..103));
}

#[test]
fn a_book_of_more_than_one_request_is_several_sets() {
    let (mut service, wanted) = (Service::default(), handles(0..45_000));
    let sync = service.run(AddressBook::default(), 1, &wanted);
    let sizes: Vec<_> = sync.book().sets.iter().map(|set| set.handles.len()).collect();
    assert_eq!(sizes, [20_000, 20_000, 5_000]);
    let again = service.run(sync.book().clone(), 1, &handles(1..45_001));
    assert_eq!(again.cost(), 1);
}

#[test]
fn a_request_whose_answer_was_lost_is_sent_again_unchanged_and_free() {
    let (mut service, wanted) = (Service::default(), handles(0..100));
    let first = Sync::begin(AddressBook::default(), 1, &wanted);
    let lost = first.next_request().unwrap();
    service.answer(lost).unwrap();
    let second = Sync::begin(AddressBook::default(), 1, &wanted);
    assert_eq!(second.next_request().unwrap(), lost);
    service.run(AddressBook::default(), 1, &wanted);
    assert_eq!(service.spent, 100);
}

#[test]
fn an_interrupted_run_goes_on_where_it_stopped() {
    let (mut service, wanted) = (Service::default(), handles(0..30_000));
    let mut sync = Sync::begin(AddressBook::default(), 1, &wanted);
    let answer = service.answer(sync.next_request().unwrap()).unwrap();
    sync.take_answer(answer);
    assert_eq!(sync.remaining(), 10_000);
    service.run(sync.book().clone(), 1, &wanted);
    assert_eq!(service.spent, 30_000);
}

#[test]
fn only_the_set_whose_receipt_is_refused_is_paid_for_again() {
    let (mut service, wanted) = (Service::default(), handles(0..25_000));
    let mut book = service.run(AddressBook::default(), 1, &wanted).book().clone();
    book.sets[1].receipt = Receipt::from_bytes(b"forged".to_vec());
    let sync = service.run(book, 1, &wanted);
    assert_eq!((sync.cost(), sync.book().sets.len()), (5_000, 2));
}

#[test]
fn a_refusal_of_a_request_without_receipt_is_final() {
    let mut sync = Sync::begin(AddressBook::default(), 1, &handles(0..10));
    assert!(!sync.forget_receipt());
}

#[test]
fn an_epoch_that_is_refused_is_left_once() {
    let (old, new) = (handles(0..10), handles(100..110));
    let book = Service::default().run(AddressBook::default(), 1, &old).book().clone();
    let mut sync = Sync::begin(book, 1, &old);
    assert!(sync.start_over(2, &new));
    let request = sync.next_request().unwrap();
    assert_eq!((request.epoch, &request.new, request.receipt.as_bytes()), (2, &new, &[][..]));
    assert!(!sync.start_over(3, &new));
}

#[test]
fn the_receipt_of_the_last_epoch_pays_in_the_new_one() {
    let mut service = Service::default();
    let book = service.run(AddressBook::default(), 1, &handles(0..3_000)).book().clone();
    let moved = service.run(book, 2, &handles(100_000..103_010));
    assert_eq!(moved.cost(), 10);
    assert_eq!(moved.book().epoch, 2);
    assert_eq!(service.run(moved.book().clone(), 2, &handles(100_000..103_010)).cost(), 0);
}

#[test]
fn an_empty_book_asks_for_nothing() {
    let mut service = Service::default();
    let book = service.run(AddressBook::default(), 1, &handles(0..10)).book().clone();
    assert!(Sync::begin(book, 1, &Handles::new()).next_request().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_handle_is_paid_for_twice_while_it_stays(steps in proptest::collection::vec((0..60_000u32, 1..60_000u32), 1..4)) {
        let (mut service, mut book, mut before) = (Service::default(), AddressBook::default(), Handles::new());
        for (start, length) in steps {
            let wanted = handles(start..start + length);
            let sync = service.run(book, 1, &wanted);
            let added = wanted.difference(&before).count();
            prop_assert_eq!(sync.cost(), added as u64);
            let kept: Handles = sync.book().sets.iter().flat_map(|set| set.handles.iter().copied()).collect();
            prop_assert_eq!(&kept, &wanted);
            (book, before) = (sync.book().clone(), wanted);
        }
    }
}
