//! The files of a database, dropped from the kernel's cache so that a question reads them from the disk.

use crate::engine::Engine;
use rustix::fs::{Advice, fadvise};
use sqlx::{Connection as _, PgConnection};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub(super) struct Files(Vec<PathBuf>);

impl Files {
    /// Those of a database, written to the disk first: what is not there cannot be dropped.
    pub(super) async fn of(engine: Engine, url: &str) -> Self {
        let all = match engine {
            Engine::Sqlite => vec![PathBuf::from(url.trim_start_matches("sqlite://"))],
            Engine::Postgres => {
                let mut open = PgConnection::connect(url).await.unwrap();
                let base = "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database
                    WHERE datname = current_database()";
                let folder: String = sqlx::query_scalar(base).fetch_one(&mut open).await.unwrap();
                inside(Path::new(&folder))
            }
        };
        for file in &all {
            let _tried = File::open(file).and_then(|file| file.sync_all());
        }
        Self(all)
    }

    /// Where this may not be done everything stays in the cache, and the first figures are those of the second.
    pub(super) fn forget(&self) {
        for file in self.0.iter().filter_map(|file| File::open(file).ok()) {
            let _tried = fadvise(&file, 0, None, Advice::DontNeed);
        }
    }
}

fn inside(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|files| files.flatten().map(|file| file.path()).collect()).unwrap_or_default()
}
