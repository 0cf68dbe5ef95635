//! The files of a restore: a copy beside the database, which takes its place once it is fit to.

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use tuttu::store::Hold;

/// What SQLite has beside a database that is open, or was not closed.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// A backup on its way into the place of a database that nobody has open.
pub(super) struct Placing<'a> {
    database: &'a Path,
    draft: PathBuf,
    hold: Hold,
}

impl<'a> Placing<'a> {
    /// Copies the backup beside the database.
    pub(super) fn begin(backup: &Path, database: &'a Path, replace: bool) -> anyhow::Result<Self> {
        let folder =
            database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        let hold = Hold::alone(database)?;
        ensure!(
            replace || !database.exists(),
            "{} is there: --replace keeps it aside and puts the backup in its place",
            database.display()
        );
        let log = beside(backup, "-wal");
        ensure!(
            !fs::metadata(&log).is_ok_and(|log| log.len() > 0),
            "{} is no backup but a database in use, with {} beside it: make one with `tuttu backup`",
            backup.display(),
            log.display()
        );
        let draft = beside(database, ".restoring");
        remove(&draft);
        copy(backup, &draft).with_context(|| format!("{} cannot be copied", backup.display()))?;
        Ok(Self { database, draft, hold })
    }

    /// The copy.
    pub(super) fn draft(&self) -> &Path {
        &self.draft
    }

    /// What keeps others from the database.
    pub(super) const fn hold(&self) -> &Hold {
        &self.hold
    }

    /// Takes the copy away again.
    pub(super) fn give_up(&self) {
        remove(&self.draft);
    }

    /// Keeps the database aside, if there is one, and puts the copy in its place: the name that it has now.
    pub(super) fn finish(&self, now: Timestamp) -> anyhow::Result<Option<PathBuf>> {
        ensure!(!beside(&self.draft, "-wal").exists(), "the copy is still in use");
        File::open(&self.draft)?.sync_all()?;
        let aside = beside(self.database, &format!(".until-{}", now.strftime("%Y%m%dT%H%M%S.%3fZ")));
        let replaced = self.database.exists();
        ensure!(!aside.exists(), "{} is there already: try again", aside.display());
        for name in BESIDE {
            let log = beside(self.database, name);
            if log.exists() {
                fs::rename(&log, beside(&aside, name))?;
            }
        }
        if replaced {
            fs::rename(self.database, &aside)?;
        }
        fs::rename(&self.draft, self.database)?;
        self.hold.sync()?;
        Ok(replaced.then_some(aside))
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    name.into()
}

fn remove(draft: &Path) {
    for file in [draft.to_owned(), beside(draft, "-wal"), beside(draft, "-shm")] {
        let _not_there = fs::remove_file(file);
    }
}

/// Copies a file for its owner alone, whatever mode it has.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = File::open(from)?;
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut from, &mut to)?;
    Ok(())
}
