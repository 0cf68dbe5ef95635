//! Tiles: the tree in pieces of 256 hashes, each with an address of its own (C2SP `tlog-tiles`).

use super::AuditLog;
use crate::model::audit::{Hash, TileRoot};
use crate::verification::Failure;
use std::fmt;
use std::iter::successors;

/// Hashes of a full tile.
const WIDTH: u64 = 256;
const LEVELS: u8 = 8;

/// The address of a tile, or of a piece of one at the right edge of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TilePath {
    /// The level: 0 are the hashes of leaves.
    pub level: u8,
    /// The place among the tiles of its level.
    pub tile: u64,
    /// How many hashes: 256, or 1 to 255 of a piece.
    pub width: u64,
}

impl TilePath {
    /// Reads `0/x001/067` or `0/x001/067.p/8`, as C2SP `tlog-tiles` writes a tile; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (level, rest) = text.split_once('/')?;
        let (rest, width) = match rest.split_once(".p/") {
            Some((rest, width)) => (rest, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
            None => (rest, WIDTH),
        };
        let mut tile: u64 = 0;
        for word in rest.split('/') {
            let digits = word.strip_prefix('x').unwrap_or(word);
            let number: u64 = (digits.len() == 3).then(|| digits.parse().ok())??;
            tile = tile.checked_mul(1_000)?.checked_add(number)?;
        }
        let path = Self { level: level.parse().ok().filter(|level| *level < LEVELS)?, tile, width };
        // One address for one tile.
        (path.to_string() == text).then_some(path)
    }

    /// The tiles that a tree has gained since it had `before` leaves, pieces at its edge included.
    #[must_use]
    pub fn new_between(before: u64, size: u64) -> Vec<Self> {
        let mut paths = Vec::new();
        for level in 0..LEVELS {
            let (old, new) = (hashes_of(level, before), hashes_of(level, size));
            if new == 0 {
                break;
            }
            if new > old {
                let tiles = old / WIDTH..new.div_ceil(WIDTH);
                paths.extend(tiles.map(|tile| Self { level, tile, width: (new - tile * WIDTH).min(WIDTH) }));
            }
        }
        paths
    }

    /// Whether a tree of that size has it.
    #[must_use]
    pub fn is_in(&self, size: u64) -> bool {
        let end = self.tile.checked_mul(WIDTH).and_then(|start| start.checked_add(self.width));
        end.is_some_and(|end| end <= hashes_of(self.level, size))
    }
}

/// How many hashes a tree of that size has in the tiles of a level.
fn hashes_of(level: u8, size: u64) -> u64 {
    size >> (8 * u32::from(level))
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.level)?;
        let mut words: Vec<u64> =
            successors(Some(self.tile), |n| Some(n / 1_000).filter(|n| *n > 0)).map(|n| n % 1_000).collect();
        while words.len() > 1 {
            write!(f, "x{:03}/", words.pop().unwrap_or_default())?;
        }
        write!(f, "{:03}", words.pop().unwrap_or_default())?;
        if self.width < WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl AuditLog {
    /// The hashes of a tile; `None` where the log does not have it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, Failure> {
        let Some((from, until)) =
            path.tile.checked_mul(WIDTH).map(|from| (from, from.saturating_add(path.width)))
        else {
            return Ok(None);
        };
        let hashes = match path.level.checked_sub(1) {
            None => self.store.audit_leaves(from, until).await?,
            Some(below) => self.store.audit_tile_roots(below, from, until).await?,
        };
        let whole = u64::try_from(hashes.len()).is_ok_and(|len| len == path.width);
        Ok(whole.then(|| hashes.iter().flat_map(|Hash(hash)| *hash).collect()))
    }
}

impl From<TileRoot> for TilePath {
    fn from(full: TileRoot) -> Self {
        Self { level: full.level, tile: full.tile, width: WIDTH }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_tile_has_one_address_which_is_the_one_of_the_specification() {
        for (text, level, tile, width) in [
            ("0/000", 0, 0, 256),
            ("0/x001/x234/067", 0, 1_234_067, 256),
            ("1/067.p/8", 1, 67, 8),
            ("7/x999/999.p/255", 7, 999_999, 255),
        ] {
            let path = TilePath { level, tile, width };
            assert_eq!((TilePath::parse(text), path.to_string()), (Some(path), text.to_owned()));
        }
        for text in [
            "",
            "0",
            "0/",
            "0/0",
            "0/0000",
            "0/x000/001",
            "8/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/001/002",
            "0/x001",
            "0/000.p/08",
            "-1/000",
            "0/+12",
            "0/000.p/",
            "data/000",
        ] {
            assert_eq!(TilePath::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_tiles_that_a_tree_gains_are_those_of_the_reference() {
        for (before, size) in [(0, 1), (0, 256), (255, 257), (256, 70_000), (65_535, 65_536), (300, 300)] {
            let ours: Vec<String> =
                TilePath::new_between(before, size).iter().map(ToString::to_string).collect();
            let theirs: Vec<String> = tlog_tiles::Tile::new_tiles(8, before, size)
                .iter()
                .map(|tile| tile.path().strip_prefix("tile/8/").unwrap().to_owned())
                .collect();
            assert_eq!(ours, theirs, "{before} to {size}");
        }
    }
}
