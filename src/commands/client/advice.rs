//! What to do about a refusal.

use std::time::Duration;
use tuttu::client::ClientError;

/// The error as one sentence, with what its reader can do where it does not say so itself.
pub(super) fn add(error: &anyhow::Error) -> anyhow::Error {
    let mut sentence = format!("{error:#}");
    if let Some(ClientError::Refused { code, retry_after, .. }) = error.downcast_ref() {
        let wait = retry_after.map(|wait| format!("try again in {}", in_words(wait)));
        for advice in known(code).map(str::to_owned).into_iter().chain(wait) {
            sentence.push_str("; ");
            sentence.push_str(&advice);
        }
    }
    anyhow::Error::msg(sentence)
}

fn known(code: &str) -> Option<&'static str> {
    Some(match code {
        "token_invalid" => {
            "this device is signed out: register it again with `tuttu client register NUMBER --replace`"
        }
        "challenge_required" => "the service asks for one challenge after another: try again later",
        "number_invalid" => "write the number with + and its country code, or name its region with --region",
        "number_type_not_allowed" => "use a mobile number, or --channel voice for a landline",
        "destination_not_allowed" => "the operator of the service decides which countries it serves",
        "checks_exhausted" | "verification_over" | "start_again" | "grant_expired" | "grant_used" => {
            "run the command again for a new code"
        }
        "lookup_budget_spent" => "contacts looked up before still cost nothing",
        _ => return None,
    })
}

/// A time as people say it, rounded up, so that waiting as long as it says is enough.
pub(super) fn in_words(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match seconds {
        0..=120 => format!("{seconds} s"),
        121..=7_200 => format!("{} min", seconds.div_ceil(60)),
        7_201..=172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}
