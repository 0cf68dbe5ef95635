//! Verifying a folder of tiles and a checkpoint, without an entry.

use super::{Verification, Verified};
use crate::audit::TilePath;
use crate::model::audit::{Checkpoint, Hash, TileRoot};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

const WIDTH: u64 = 256;

impl Verification {
    /// Verifies the tiles of a folder (`checkpoint`, `tile/0/000`, ...): the checkpoint's signature, and that every tile
    /// is that of the leaves.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn of_folder(mut self, folder: &Path) -> io::Result<Verified> {
        let note = fs::read_to_string(folder.join("checkpoint"))?;
        self.checkpoint(0, &note);
        let size = Checkpoint::open(&note, &self.keys).map_or(0, |opened| opened.size);
        let mut full = Vec::new();
        for tile in 0..size.div_ceil(WIDTH) {
            let width = (size - tile * WIDTH).min(WIDTH);
            let path = TilePath { level: 0, tile, width };
            match read(folder, path)? {
                None => {
                    self.found.add(super::Damage::Tile(path.to_string()));
                    break;
                }
                Some(leaves) => {
                    for (idx, leaf) in (tile * WIDTH..).zip(leaves) {
                        full.extend(self.leaf(idx, leaf));
                    }
                }
            }
        }
        self.upper(folder, size, &full)?;
        Ok(self.end())
    }

    /// Compares the tiles above those of the leaves.
    fn upper(&mut self, folder: &Path, size: u64, full: &[TileRoot]) -> io::Result<()> {
        let mut roots: BTreeMap<u8, Vec<Hash>> = BTreeMap::new();
        for tile in full {
            roots.entry(tile.level + 1).or_default().push(tile.root);
        }
        for path in TilePath::new_between(0, size).into_iter().filter(|path| path.level > 0) {
            let all = roots.get(&path.level).map_or(&[] as &[Hash], Vec::as_slice);
            let from = usize::try_from(path.tile * WIDTH).unwrap_or(usize::MAX);
            let expected: Vec<Hash> = all.iter().skip(from).take(256).copied().collect();
            if read(folder, path)?.as_deref() != Some(&expected) {
                self.found.add(super::Damage::Tile(path.to_string()));
            }
        }
        Ok(())
    }
}

/// The hashes of a tile; `None` where there is no such file, or one of another length.
fn read(folder: &Path, path: TilePath) -> io::Result<Option<Vec<Hash>>> {
    let bytes = match fs::read(folder.join("tile").join(path.to_string())) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause),
    };
    let (hashes, rest) = bytes.as_chunks::<32>();
    let whole = rest.is_empty() && u64::try_from(hashes.len()).is_ok_and(|len| len == path.width);
    Ok(whole.then(|| hashes.iter().map(|hash| Hash(*hash)).collect()))
}
