use std::collections::BTreeSet;
use tuttu::client::wire::{LookupAnswer, LookupRequest, Receipt, WireError};
use tuttu::model::handle::Handle;
use uuid::Uuid;

fn handles(firsts: &[u8]) -> BTreeSet<Handle> {
    firsts.iter().map(|first| Handle::from_bytes([*first; 16])).collect()
}

fn request() -> LookupRequest {
    LookupRequest {
        epoch: 7,
        known: handles(&[9, 2]),
        new: handles(&[5]),
        discard: handles(&[1]),
        receipt: Receipt::from_bytes(vec![0xAA, 0xBB]),
    }
}

fn answer(bitmap: u8, accounts: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0xCC, bitmap];
    bytes.extend(accounts.iter().flat_map(|account| [*account; 16]));
    bytes
}

#[test]
fn a_request_is_laid_out_as_the_interface_says() {
    let mut expected = vec![1, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0xAA, 0xBB];
    for handle in [2, 9, 5, 1] {
        expected.extend([handle; 16]);
    }
    assert_eq!(request().encode(), expected);
}

#[test]
fn the_bits_of_an_answer_stand_for_known_then_new_handles() {
    let answer = LookupAnswer::decode(&answer(0b101, &[0x11, 0x22]), &request()).unwrap();
    assert_eq!(answer.cost, 3);
    assert_eq!(answer.receipt.as_bytes(), [0xCC]);
    let matches: Vec<_> = answer.matches.into_iter().collect();
    let account = |byte| Uuid::from_bytes([byte; 16]);
    assert_eq!(
        matches,
        [(Handle::from_bytes([2; 16]), account(0x11)), (Handle::from_bytes([5; 16]), account(0x22))]
    );
}

#[test]
fn an_answer_that_is_not_exactly_right_is_refused() {
    let judge = |bytes: &[u8]| LookupAnswer::decode(bytes, &request()).unwrap_err();
    let whole = answer(0b001, &[0x11]);
    for length in 0..whole.len() {
        assert_eq!(judge(&whole[..length]), WireError::CutShort);
    }
    assert_eq!(judge(&answer(0b001, &[0x11, 0x22])), WireError::TooLong);
    assert_eq!(judge(&answer(0b1000, &[])), WireError::StrangeMatch);
    assert_eq!(judge(&[2, 0, 0, 0]), WireError::OtherVersion);
    assert_eq!(judge(&[1, 1, 0, 0]), WireError::OtherVersion);
}
