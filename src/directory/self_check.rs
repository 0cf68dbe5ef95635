//! The sampled self-check: handles that were just asked for, asked of the view and of the database side by side.

use super::{Directory, FeedError, Hits};
use crate::model::handle_set::HandleSet;
use crate::store::Patience;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Handles of a sample.
const SAMPLE: usize = 128;
/// A change that is under way may be seen by one of the two only: so often must they disagree.
const TIMES: usize = 3;
/// How long the database may be waited for each time: whoever fills lost views waits for the check.
const BRIEFLY: Duration = Duration::from_secs(2);

/// Handles of some request since the last check, without a word of whose they were.
#[derive(Debug, Default)]
pub(super) struct Sampling {
    taken: AtomicBool,
    sample: Mutex<Option<(u32, Vec<[u8; 16]>)>>,
}

impl Sampling {
    /// Keeps some handles of a request where there are none since the last check.
    pub(super) fn offer(&self, epoch: u32, known: HandleSet<'_>, new: HandleSet<'_>) {
        if self.taken.load(Ordering::Relaxed) || self.taken.swap(true, Ordering::Relaxed) {
            return;
        }
        let step = ((known.len() + new.len()) / SAMPLE).max(1);
        let mut handles: Vec<_> =
            known.as_slice().iter().chain(new.as_slice()).step_by(step).take(SAMPLE).copied().collect();
        handles.sort_unstable();
        *self.sample.lock().unwrap_or_else(PoisonError::into_inner) = Some((epoch, handles));
    }

    fn take(&self) -> Option<(u32, Vec<[u8; 16]>)> {
        let sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.taken.store(false, Ordering::Relaxed);
        sample
    }
}

impl Directory {
    /// Asks the database for what some request was answered since this was last called, and counts every handle that
    /// it answers otherwise.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn check_itself(&self) -> Result<(), FeedError> {
        let Some((epoch, handles)) = self.sampling.take() else { return Ok(()) };
        let Some(handles) = HandleSet::new(&handles) else { return Ok(()) };
        let mut wrong = 0;
        for _ in 0..TIMES {
            self.catch_up().await?;
            let both = async {
                let seen = self.find(epoch, handles, HandleSet::default()).await?;
                Ok::<_, FeedError>((seen, self.find_in_database(epoch, handles, HandleSet::default()).await?))
            };
            let (seen, true_ones) = Patience::of(BRIEFLY).bound(both).await?;
            wrong = disagreements(&seen, &true_ones);
            if wrong == 0 {
                return Ok(());
            }
        }
        metrics::counter!("tuttu_directory_disagreements_total").increment(wrong as u64);
        tracing::error!(epoch, wrong, "the view of the directory answers otherwise than the database");
        Ok(())
    }
}

/// Handles whose answers are not the same.
fn disagreements(seen: &Hits, true_ones: &Hits) -> usize {
    let (seen, true_ones): (Vec<_>, Vec<_>) = (seen.iter().collect(), true_ones.iter().collect());
    let only = |these: &[(usize, &[u8; 16])], those: &[(usize, &[u8; 16])]| {
        these.iter().filter(|hit| !those.contains(hit)).map(|(bit, _)| *bit).collect::<Vec<_>>()
    };
    let mut bits = only(&seen, &true_ones);
    bits.extend(only(&true_ones, &seen));
    bits.sort_unstable();
    bits.dedup();
    bits.len()
}
