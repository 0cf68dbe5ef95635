//! Who is in the directory and who is not: made from their number alone, so that everybody knows them.

const HANDLES: u64 = 1;
const ACCOUNTS: u64 = 2;
const STRANGERS: u64 = 3;
/// A prime by which to walk through users in no order; it divides no round number.
const STRIDE: u64 = 7_368_787;

/// The handle of a user.
pub(crate) fn handle(user: u64) -> [u8; 16] {
    block(HANDLES, user)
}

/// The account of a user.
pub(crate) fn account(user: u64) -> [u8; 16] {
    block(ACCOUNTS, user)
}

/// A handle that is nobody's.
pub(crate) fn stranger(number: u64) -> [u8; 16] {
    block(STRANGERS, number)
}

/// The user at a place of an order that jumps all over the directory and meets each user once.
pub(crate) fn shuffled(place: u64, users: u64) -> u64 {
    (place % users) * STRIDE % users
}

fn block(kind: u64, number: u64) -> [u8; 16] {
    let half = |which: u64| mix((kind << 56) + 2 * number + which).to_be_bytes();
    let mut block = [0; 16];
    let (first, second) = block.split_at_mut(8);
    first.copy_from_slice(&half(0));
    second.copy_from_slice(&half(1));
    block
}

/// `SplitMix64`: one to one, so no two handles are alike.
const fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
