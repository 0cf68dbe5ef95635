//! The snapshot file: complete views that outlive a restart, so that only the tail of the feed must be read.
//!
//! `magic 16 B | file id 16 B`, then segments: `length u32 | sealed`. Each segment is sealed (XChaCha20-Poly1305) under a
//! key of its own purpose for its place: the file's random id, its index, and whether it is the last, so that a file that
//! was cut, spliced, reordered or altered does not open. The first one is the head: version, cursor of the feed (which
//! names the database's feed), time, and how many entries each epoch has. The others hold entries in the order of the
//! table, 16 B of handle and 16 B of account each. In that order even encrypted handles would give themselves
//! away by their rank; so the whole is encrypted.
//!
//! A file that does not fit is ignored, with a warning: it only saves time.

use super::fill::{AT_LENGTH, timely};
use super::table::Table;
use super::view::View;
use super::{Directory, DirectoryError};
use crate::model::handle::Handle;
use crate::model::id::AccountId;
use crate::model::keys::Keys;
use crate::model::sealed::{Place, open, seal};
use crate::store::FeedCursor;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use thiserror::Error;
use tokio::time::Instant;

const MAGIC: &[u8; 16] = b"tuttu directory\n";
const VERSION: u32 = 1;
/// Entries of a segment: 1 MiB.
const ENTRIES: usize = 32_768;
const LONGEST: u32 = 2 << 20;
/// The feed keeps its changes for 24 hours: well within it an older snapshot has no use.
const OLDEST: SignedDuration = SignedDuration::from_hours(12);

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    version: u32,
    cursor: String,
    written_at: Timestamp,
    /// Epochs and how many entries each has at least, in the order of the segments.
    epochs: Vec<(u32, usize)>,
}

/// Why a snapshot is not used.
#[derive(Debug, Error)]
enum Unfit {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("it was altered, cut short, or sealed with another key")]
    Broken,
    #[error("it was written by another version")]
    Version,
    #[error("it is older than {} hours", OLDEST.as_hours())]
    Old,
    #[error("it is of another database, or of one that was restored since")]
    Elsewhere,
    #[error("it holds more than directory.memory has room for")]
    Large,
}

type Views = BTreeMap<u32, Arc<View>>;

impl Directory {
    /// Fills views from the snapshot, if there is one that fits, and brings them up to the feed.
    pub(super) async fn load_snapshot(self: &Arc<Self>, epochs: &[u32]) -> Result<(), DirectoryError> {
        let path = self.snapshot.clone().filter(|path| path.exists() && self.views.load().is_empty());
        let (Some(path), Some(most)) = (path, self.most_complete()) else { return Ok(()) };
        let (began, keys, now) = (Instant::now(), self.keys.clone(), self.clock.now());
        let wanted = epochs.to_vec();
        let reading = move || read(&path, &keys, (&wanted, most), now);
        let read = tokio::task::spawn_blocking(reading).await.map_err(io::Error::other)?;
        let mut reader = self.store.open_feed().await?;
        let unfit = match read {
            Ok((cursor, views)) => match timely(AT_LENGTH, self.replay(&mut reader, cursor, &views)).await? {
                Some(cursor) => {
                    let users: u64 = views.values().map(|view| view.users()).sum();
                    self.publish(reader, cursor, views).await?;
                    tracing::info!(
                        users,
                        ms = began.elapsed().as_millis(),
                        "the directory's snapshot is loaded"
                    );
                    return Ok(());
                }
                None => Unfit::Elsewhere,
            },
            Err(unfit) => unfit,
        };
        tracing::warn!(%unfit, "the directory's snapshot is not used: the view is filled from the database");
        Ok(())
    }

    /// Writes a snapshot of the complete views, in place of the one before. Nothing is written where there are none.
    ///
    /// # Errors
    /// When the file cannot be written; the one before stays.
    pub async fn save_snapshot(self: &Arc<Self>) -> io::Result<()> {
        let Some(path) = self.snapshot.clone() else { return Ok(()) };
        // The cursor first: what changes while entries are written comes after it, and is applied again.
        let Some(cursor) = self.following.place.lock().await.certain(Instant::now()) else { return Ok(()) };
        let views = self.views.load_full();
        if !views.values().any(|view| matches!(**view, View::Complete(_))) {
            return Ok(());
        }
        let (keys, now) = (self.keys.clone(), self.clock.now());
        tokio::task::spawn_blocking(move || write(&path, &keys, &cursor, &views, now))
            .await
            .map_err(io::Error::other)?
    }
}

/// One file's segments, in order.
struct Seals<'a> {
    keys: &'a Keys,
    file_id: [u8; 16],
    index: u32,
}

impl Seals<'_> {
    /// Where the next segment lies.
    fn place(&mut self, last: bool) -> Vec<u8> {
        let place = [self.file_id.as_slice(), &self.index.to_le_bytes(), &[u8::from(last)]].concat();
        self.index += 1;
        place
    }

    fn seal(&mut self, plain: &[u8], last: bool) -> io::Result<Vec<u8>> {
        let row = self.place(last);
        seal(self.keys.snapshot(), &segment(&row), plain).map_err(io::Error::other)
    }

    fn open(&mut self, sealed: &[u8], last: bool) -> Result<Vec<u8>, Unfit> {
        let row = self.place(last);
        open(self.keys.snapshot(), &segment(&row), sealed).map_err(|_| Unfit::Broken)
    }
}

const fn segment(row: &[u8]) -> Place<'_> {
    Place { table: "snapshot", column: "segment", row }
}

fn write(path: &Path, keys: &Keys, cursor: &FeedCursor, views: &Views, now: Timestamp) -> io::Result<()> {
    let tables: Vec<(u32, &Table)> = views
        .iter()
        .filter_map(
            |(epoch, view)| if let View::Complete(table) = &**view { Some((*epoch, table)) } else { None },
        )
        .collect();
    let head = Head {
        version: VERSION,
        cursor: cursor.to_text(),
        written_at: now,
        epochs: tables.iter().map(|(epoch, table)| (*epoch, table.len())).collect(),
    };
    let unfinished = path.with_extension("unfinished");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let mut seals = Seals { keys, file_id: crate::model::entropy::random_bytes(), index: 0 };
    out.write_all(MAGIC)?;
    out.write_all(&seals.file_id)?;
    let head = serde_json::to_vec(&head)?;
    put(&mut out, &seals.seal(&head, false)?)?;
    for (epoch, table) in tables {
        write_entries(&mut out, &mut seals, epoch, table)?;
    }
    put(&mut out, &seals.seal(b"", true)?)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&unfinished, path)
}

fn write_entries(
    out: &mut impl io::Write,
    seals: &mut Seals<'_>,
    epoch: u32,
    table: &Table,
) -> io::Result<()> {
    table.for_each_shard(|entries| {
        let mut entries = entries.peekable();
        while entries.peek().is_some() {
            let mut plain = epoch.to_le_bytes().to_vec();
            for (handle, account) in entries.by_ref().take(ENTRIES) {
                plain.extend_from_slice(handle.as_bytes());
                plain.extend_from_slice(account.as_bytes());
            }
            put(out, &seals.seal(&plain, false)?)?;
        }
        Ok(())
    })
}

fn put(out: &mut impl io::Write, sealed: &[u8]) -> io::Result<()> {
    let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(sealed)
}

fn read(
    path: &Path,
    keys: &Keys,
    (epochs, most): (&[u32], u64),
    now: Timestamp,
) -> Result<(FeedCursor, Views), Unfit> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let [magic, file_id] = [take(&mut file)?, take(&mut file)?];
    if magic != *MAGIC {
        return Err(Unfit::Broken);
    }
    let mut seals = Seals { keys, file_id, index: 0 };
    let sealed = next(&mut file)?.ok_or(Unfit::Broken)?;
    let head: Head = serde_json::from_slice(&seals.open(&sealed, false)?).map_err(|_| Unfit::Version)?;
    if head.version != VERSION {
        return Err(Unfit::Version);
    }
    if now.duration_since(head.written_at).abs() > OLDEST {
        return Err(Unfit::Old);
    }
    let mut tables = BTreeMap::new();
    let wanted = || head.epochs.iter().filter(|(epoch, _)| epochs.contains(epoch));
    if wanted().map(|(_, users)| *users as u64).sum::<u64>() > most {
        return Err(Unfit::Large);
    }
    for (epoch, users) in wanted() {
        tables.insert(*epoch, Table::with_capacity(*users)?);
    }
    read_entries(&mut file, &mut seals, &tables)?;
    let cursor = FeedCursor::parse(&head.cursor).ok_or(Unfit::Broken)?;
    Ok((cursor, tables.into_iter().map(|(epoch, table)| (epoch, Arc::new(View::Complete(table)))).collect()))
}

fn read_entries(
    file: &mut BufReader<File>,
    seals: &mut Seals<'_>,
    tables: &BTreeMap<u32, Table>,
) -> Result<(), Unfit> {
    let mut sealed = next(file)?.ok_or(Unfit::Broken)?;
    loop {
        let following = next(file)?;
        let plain = seals.open(&sealed, following.is_none())?;
        let Some(following) = following else { return Ok(()) };
        sealed = following;
        let (epoch, entries) = plain.split_first_chunk::<4>().ok_or(Unfit::Broken)?;
        let Some(table) = tables.get(&u32::from_le_bytes(*epoch)) else { continue };
        let entry = |[handle, account]: &[[u8; 16]; 2]| {
            (Handle::from_bytes(*handle), Some(AccountId::from_bytes(*account)))
        };
        let (pairs, _) = entries.as_chunks::<16>().0.as_chunks::<2>();
        table.apply(&pairs.iter().map(entry).collect::<Vec<_>>())?;
    }
}

fn take<const N: usize>(file: &mut impl io::Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The next sealed segment; `None` at the end of the file.
fn next(file: &mut BufReader<File>) -> Result<Option<Vec<u8>>, Unfit> {
    if io::BufRead::fill_buf(file)?.is_empty() {
        return Ok(None);
    }
    let length = u32::from_le_bytes(take(file)?);
    if length > LONGEST {
        return Err(Unfit::Broken);
    }
    let mut sealed = vec![0; length as usize];
    file.read_exact(&mut sealed)?;
    Ok(Some(sealed))
}
