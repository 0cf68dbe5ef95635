//! What the service may ask for before it sends a code.

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish};
use secrecy::SecretString;
use std::time::Duration;
use tuttu::client::challenge::{solvable, solve};
use tuttu::client::shapes::{Started, Verification};
use tuttu::client::{Client, ClientError};

const SPIN: Duration = Duration::from_millis(100);
/// How often the service may find that another challenge is due.
const ROUNDS: u32 = 3;

/// Where a refusal asks for a challenge, solves it, which sends the code; any other refusal stays one.
///
/// `secret` is the verification's, where it is known already.
pub(super) async fn pass(
    client: &Client,
    refusal: ClientError,
    secret: Option<&SecretString>,
) -> Result<Started> {
    let mut refusal = refusal;
    let mut secret = secret.cloned();
    for _ in 0..ROUNDS {
        let Some(verification) = challenged(&refusal) else { break };
        let known = verification.secret.clone().or(secret.take());
        let Some(known) = known else { break };
        secret = Some(known.clone());
        let mut started = Started { verification, secret: known };
        match answer(client, &started).await? {
            Ok(state) => {
                started.verification = state;
                return Ok(started);
            }
            Err(next) => refusal = next,
        }
    }
    Err(refusal.into())
}

/// The verification of a refusal that a challenge can turn into a code.
fn challenged(refusal: &ClientError) -> Option<Verification> {
    match refusal {
        ClientError::Refused { code, verification, .. }
            if matches!(code.as_str(), "challenge_required" | "challenge_incorrect") =>
        {
            verification.as_deref().filter(|verification| !verification.challenges.is_empty()).cloned()
        }
        _ => None,
    }
}

async fn answer(client: &Client, started: &Started) -> Result<Result<Verification, ClientError>> {
    let challenge = solvable(&started.verification.challenges)?.clone();
    let kind = challenge.kind.clone();
    let spinner = spinner();
    let solved = tokio::task::spawn_blocking(move || solve(&challenge)).await;
    drop(spinner);
    let solution = solved.context("the challenge could not be worked on")??;
    Ok(client.solve_challenge(started, &kind, &solution).await)
}

/// On standard error, and only where that is a terminal.
fn spinner() -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    spinner.set_message("Showing the service that this is no flood of requests");
    spinner.enable_steady_tick(SPIN);
    spinner.with_finish(ProgressFinish::AndClear)
}
