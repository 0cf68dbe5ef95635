//! The log of this process, kept in memory so that tests can search it.

use super::plans::Statements;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use tracing::Level;
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static BEGIN: Once = Once::new();

/// Begins to keep every line, down to the server's most talkative level.
pub(crate) fn capture() {
    BEGIN.call_once(|| {
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).without_time().with_writer(|| Kept);
        let talkative = EnvFilter::new("tuttu=trace,tower=debug,hyper=debug,sqlx=info,info");
        let statements = Targets::new().with_target("sqlx::query", Level::DEBUG);
        tracing_subscriber::registry()
            .with(lines.with_filter(talkative))
            .with(Statements.with_filter(statements))
            .init();
    });
}

/// Everything so far.
pub(crate) fn captured() -> String {
    String::from_utf8_lossy(&log()).into_owned()
}

fn log() -> MutexGuard<'static, Vec<u8>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Kept;

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        log().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
