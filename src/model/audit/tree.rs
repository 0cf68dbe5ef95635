//! The Merkle tree of the log (RFC 6962, section 2.1), grown leaf by leaf.

use std::fmt;
use tlog_tiles::tlog;

/// Tree levels that one tile spans: 256 hashes (C2SP `tlog-tiles`).
const TILE_HEIGHT: u8 = 8;
const FORM: usize = 33;

/// A hash of the tree.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The hash of a leaf.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(tlog::record_hash(entry).0)
}

/// The root of a tile that has become full: an entry of the tile above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileRoot {
    /// The tile's level, 0 for tiles of leaves.
    pub level: u8,
    /// Its place among the tiles of its level.
    pub tile: u64,
    /// Its root.
    pub root: Hash,
}

/// The right edge of a tree: the roots of the perfect subtrees that it consists of, the largest first. All that it
/// takes to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<(u8, Hash)>,
}

impl Frontier {
    /// How many leaves the tree has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; says which tiles became full by it, the lowest first.
    pub fn push(&mut self, leaf: Hash) -> Vec<TileRoot> {
        self.size += 1;
        let (mut height, mut node, mut full) = (0, leaf, Vec::new());
        while let Some((_, left)) = self.roots.pop_if(|(below, _)| *below == height) {
            node = Hash(tlog::node_hash(tlog::Hash(left.0), tlog::Hash(node.0)).0);
            height += 1;
            if height % TILE_HEIGHT == 0 {
                let (level, tile) = (height / TILE_HEIGHT - 1, (self.size >> height) - 1);
                full.push(TileRoot { level, tile, root: node });
            }
        }
        self.roots.push((height, node));
        full
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev().map(|(_, root)| tlog::Hash(root.0));
        let Some(last) = roots.next() else { return Hash(tlog::EMPTY_HASH.0) };
        Hash(roots.fold(last, |right, left| tlog::node_hash(left, right)).0)
    }

    /// The edge as the database keeps it: height and root of each subtree.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.roots.iter().flat_map(|(height, root)| std::iter::once(*height).chain(root.0)).collect()
    }

    /// Reads what [`Frontier::to_bytes`] made of a tree of that size; `None` for anything else.
    #[must_use]
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (forms, rest) = bytes.as_chunks::<FORM>();
        let roots: Vec<(u8, Hash)> = forms.iter().map(|[height, root @ ..]| (*height, Hash(*root))).collect();
        let heights = (0..u64::BITS).rev().filter(|bit| size >> bit & 1 == 1);
        let fits = rest.is_empty() && heights.eq(roots.iter().map(|(height, _)| u32::from(*height)));
        fits.then_some(Self { size, roots })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// The leaves and roots that RFC 6962's own implementation (Certificate Transparency) tests itself with.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn the_tree_is_the_one_of_rfc_6962() {
        let mut tree = Frontier::default();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex::encode(tree.root().0), empty);
        for (leaf, root) in LEAVES.iter().zip(ROOTS) {
            tree.push(leaf_hash(&hex::decode(leaf).unwrap()));
            assert_eq!(hex::encode(tree.root().0), root);
        }
    }

    #[test]
    fn an_edge_that_was_kept_goes_on_as_if_it_had_not_been() {
        let (mut tree, mut full) = (Frontier::default(), 0);
        for n in 0..70_000_u32 {
            full += tree.push(leaf_hash(&n.to_le_bytes())).len();
            if n % 997 == 0 {
                tree = Frontier::from_bytes(tree.size(), &tree.to_bytes()).unwrap();
            }
        }
        assert_eq!(full, 70_000 / 256 + 70_000 / 65_536);
        assert_eq!(Frontier::from_bytes(tree.size() + 1, &tree.to_bytes()), None);
        assert_eq!(Frontier::from_bytes(tree.size(), &tree.to_bytes()[1..]), None);
    }
}
